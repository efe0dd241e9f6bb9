"""A network that the project offers in the model's place: planned with its own costs, and with chains that work on its own layers."""

from __future__ import annotations

import msgspec
import pytest

from edgekit.documents.candidate import Step
from edgekit.documents.facts import LayerFacts, Replacement
from edgekit.errors import ProjectError
from edgekit.planner.candidates import candidates, chained
from edgekit.planner.planner import Planner, outline, parts
from edgekit.techniques import techniques
from edgekit.techniques.interface import TrainingTechnique

from .conftest import make_task, small_network

FROM = next(name for name, one in techniques().items() if isinstance(one, TrainingTechnique) and one.from_replacement)
CHAIN = (Step(technique=FROM), Step(technique="pruning", settings={"exclude": ["last"]}))


def other_network(units: int = 40) -> Replacement:
    """A network of dense layers alone, with names of its own: one that holds nearly all the weights, and a light last one."""
    facts = small_network()
    layers = (
        facts.layers[0],
        LayerFacts(name="row", kind="Flatten", inputs=("image",), output_shape=(64,)),
        LayerFacts(
            name="wide", kind="Dense", inputs=("row",), output_shape=(units,), activation="relu",
            parameters=64 * units + units, macs=64 * units, kernel=(64, units),
        ),
        LayerFacts(
            name="last", kind="Dense", inputs=("wide",), output_shape=(10,), activation="softmax",
            parameters=10 * units + 10, macs=10 * units, kernel=(units, 10),
        ),
    )  # fmt: skip
    return Replacement(source="mine:small", facts=msgspec.structs.replace(facts, layers=layers, sha256="1" * 64))


def offering(**given):
    return make_task(replacement=other_network(), **given)


def test_without_one_the_technique_names_the_key():
    _, declined = candidates(make_task())
    (found,) = [one for one in declined if one.technique == FROM]
    assert "[student] in edgekit.toml" in found.reason and "--student" in found.reason


def test_it_costs_what_the_other_network_costs():
    found = {one.name: one for one in candidates(offering())[0]}
    assert [node.name for node in found[f"{FROM}+int8"].graph.nodes] == ["row", "wide", "last"]
    saved = found["int8"].estimates["flash"].value - found[f"{FROM}+int8"].estimates["flash"].value
    weights = (9 * 16 + 5760) - (64 * 40 + 400)
    assert saved == weights - (40 - 16) * (4 + 9), "a byte a weight; a bias and a scale a channel"
    assert found[f"{FROM}+int8"].graph.macs == 64 * 40 + 400
    (step, _) = found[f"{FROM}+int8"].steps
    assert step.settings.kernels == (2560, 400) and step.settings.network == "mine:small"


def test_no_other_candidate_changes_by_the_offer():
    plain = {one.name: one.estimates for one in candidates(make_task())[0]}
    found = {one.name: one.estimates for one in candidates(offering())[0]}
    assert {name: estimates for name, estimates in found.items() if FROM not in name} == plain


def test_chains_on_it_leave_out_layers_of_the_other_network():
    task = offering(currency="download", exclude=())
    made = chained(task, parts(candidates(task)[0]))
    on_it = [one for one in made if FROM in one.name]
    assert on_it and all(one.steps[0].technique.name == FROM for one in on_it), "it is first in every chain"
    (pruned, *_) = [one for one in on_it if one.name.startswith(f"{FROM}+pruning_75+int8")]
    layers = {node.name: node for node in pruned.graph.nodes}
    assert (layers["wide"].zeros, layers["last"].zeros) == (0.75, 0.75) and pruned.unmet is None
    named = msgspec.structs.replace(task, exclude=("l*",))
    made = chained(named, parts(candidates(named)[0]))
    pruned = next(one for one in made if one.name.startswith(f"{FROM}+pruning_75+int8"))
    assert pruned.steps[1].settings.exclude == ("last",), "the project's patterns, on the other network's layers"


def test_a_technique_that_has_nothing_to_work_on_there_is_in_no_chain_with_it():
    task = make_task(replacement=other_network(units=2), currency="download")
    made = [one.name for one in chained(task, parts(candidates(task)[0]))]
    assert any("pruning" in name for name in made)
    assert not any(FROM in name and "pruning" in name for name in made), "its largest kernel has 128 weights"


def test_a_chain_of_ones_own_begins_with_it_and_names_layers_of_the_other_network():
    (own, *_) = [one for one in candidates(offering(chains=(CHAIN,)))[0] if one.name.startswith("own_1")]
    first, second, _ = own.steps
    assert first.settings.kernels == (2560, 400), "what tells the network comes from the project"
    assert second.settings.exclude == ("last",)
    with pytest.raises(ProjectError, match="no layer of the model has this name"):
        wrong = (CHAIN[0], Step(technique="pruning", settings={"exclude": ["classes"]}))
        candidates(offering(chains=(wrong,)))


def test_a_chain_of_ones_own_without_an_offer_or_in_another_order_is_refused():
    with pytest.raises(ProjectError, match="the project names no student") as caught:
        candidates(make_task(chains=(CHAIN,)))
    assert caught.value.where == "edgekit.toml: chain 1: step 1"
    with pytest.raises(ProjectError, match="do not follow one another"):
        candidates(offering(chains=((Step(technique="pruning"), Step(technique=FROM)),)))
    with pytest.raises(ProjectError, match="do not follow one another"):
        candidates(offering(chains=((Step(technique=FROM), Step(technique=FROM)),)))


def test_what_the_model_loses_or_cannot_convert_says_nothing_of_another_network(search):
    planner = Planner(offering(search="all", currency="download"))
    asked = search(planner, {"int8": {"failure": "an operator has no kernel"}})
    assert f"{FROM}+int8" in asked
    planner = Planner(offering(search="all", currency="download"))
    asked = search(planner, {"pruning_75+int8": {"drop": 9.0}, "pruning_50+int8": {"drop": 9.0}})
    assert any(name.startswith(f"{FROM}+pruning") for name in asked)


def test_a_network_that_saves_nothing_is_declined_by_its_prediction(search, reasons):
    planner = Planner(make_task(replacement=other_network(units=400)))
    asked = search(planner)
    assert f"{FROM}+int8" not in asked and " fits with " in reasons(planner)[f"{FROM}+int8"]


def test_the_plan_lists_it_and_its_chains():
    names = [one.name for one in outline(offering(currency="download")).candidates]
    assert f"{FROM}+int8" in names and f"{FROM}+quantization_aware+int8" in names
