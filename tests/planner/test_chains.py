"""Chains: which there are, in which order, which are spared, and those that a project names itself."""

from __future__ import annotations

import pytest

from edgekit.documents.candidate import Step
from edgekit.errors import InputError
from edgekit.planner.candidates import candidates, chained
from edgekit.planner.chains import lighter_or_equal
from edgekit.planner.planner import Planner, outline, parts

LOSES = {"drop": 5.0}


def planned(task):
    return {candidate.name: candidate for candidate in outline(task).candidates}


def names(task):
    return list(planned(task))


def planner_for(task, **given):
    return Planner(task(currency="download", **given))


def test_chains_come_after_their_parts_short_ones_first_the_strongest_first(task):
    found = [name for name in names(task(currency="download")) if name.count("+") > 1]
    assert found[0] == "pruning_75+clustering_16+int8"
    assert found.index("pruning_75+clustering_16+int8") < found.index("pruning_50+clustering_32+int8")
    assert "clustering_16+quantization_aware+int8" in found
    assert [name.count("+") for name in found] == sorted(name.count("+") for name in found)
    assert found[-1] == "pruning_50+clustering_32+quantization_aware+int8"
    assert all("clustering" not in name.split("pruning")[0] for name in found if "pruning" in name), "pruning is first"


def test_where_the_strongest_fits_no_weaker_chain_is_tried(task, search, reasons):
    planner = planner_for(task, search="all")
    asked = search(planner)
    assert "pruning_98_global+clustering_4+int8" in asked and "pruning_75+clustering_16+int8" not in asked
    assert "takes more away, fits" in reasons(planner)["pruning_75+clustering_16+int8"]


def test_no_chain_of_two_clusters_follows_pruning(task, search):
    asked = search(planner_for(task, search="all"))
    assert "clustering_2+int8" in asked and not any("pruning" in name and "clustering_2+" in name for name in asked)


def test_a_chain_with_a_part_that_lost_too_much_alone_is_spared(task, search, reasons):
    planner = planner_for(task, search="all")
    asked = search(planner, {"pruning_90_global+int8": LOSES})
    assert "pruning_75+clustering_2+int8" not in asked and "pruning_75+clustering_4+int8" in asked
    assert not any("pruning_90" in name and "+clustering" in name for name in asked)
    assert "already loses more than 1 point" in reasons(planner)["pruning_90_global+clustering_16+int8"]


def test_a_chain_that_lost_is_tried_weaker(task, search):
    answers = {"pruning_90_global+int8": LOSES, "pruning_75+clustering_4+int8": LOSES}
    asked = search(planner_for(task, search="all"), answers)
    assert "pruning_75+clustering_8+int8" in asked
    assert "pruning_75+clustering_4+quantization_aware+int8" not in asked, (
        "int8 itself loses nothing, and it lost by far"
    )


def test_a_chain_that_missed_by_little_is_trained_on_with_its_rounding(task, search):
    answers = {"pruning_90_global+int8": LOSES, "pruning_75+clustering_4+int8": {"drop": 1.7}}
    assert "pruning_75+clustering_4+quantization_aware+int8" in search(planner_for(task, search="all"), answers)


def test_a_chain_that_leaves_room_is_tried_stronger(task, search):
    """Clusters alone are not tried: zeros alone are predicted smaller. What follows a chain that leaves room is found all the same."""
    planner = planner_for(task)
    asked = search(planner, {"pruning_90_global+int8": LOSES})
    chains = [name for name in asked if "+clustering" in name and "quantization" not in name]
    assert chains == [f"pruning_75+clustering_{count}+int8" for count in (16, 8, 4)]
    assert planner.best().candidate.name == chains[-1]


def test_rounding_is_trained_where_it_may_be_what_was_lost(task, search):
    """int8 alone loses half of what may be lost: then training with its rounding may save what a part lost with it."""
    answers = {"int8": {"drop": 0.5}, "pruning_90_global+int8": LOSES}
    asked = search(planner_for(task, search="all"), answers)
    assert "pruning_90_global+quantization_aware+int8" in asked


def test_first_tries_the_chain_that_promises_the_smallest_download(task, search, reasons):
    planner = planner_for(task)
    search(planner)
    assert planner.best().candidate.name.count("+") >= 2
    assert any("predicted" in reason for reason in reasons(planner).values())


def test_flash_needs_no_chain(task, search):
    planner = Planner(task("stm32mp157", currency="flash"))
    assert not any("+" in name for name in search(planner) if name != "fine_tuning+float32")


def test_a_candidate_is_lighter_than_itself_and_than_what_adds_to_it(task):
    asked = task(currency="download")
    waiting, _ = candidates(asked)
    found = {one.name: one for one in [*waiting, *chained(asked, parts(waiting))]}
    less, more = found["pruning_50+int8"], found["pruning_75+clustering_16+int8"]
    assert lighter_or_equal(less, less) and lighter_or_equal(less, more) and not lighter_or_equal(more, less)
    assert not lighter_or_equal(found["clustering_16+int8"], found["clustering_32+int8"])


def own(task, *steps, **given):
    return task(chains=(tuple(steps),), **given)


def test_a_chain_of_the_project_is_tried_first_whatever_is_known(task, search):
    pattern = Step(technique="pruning", settings={"pattern": "2:4"})
    planner = Planner(own(task, pattern, Step(technique="clustering"), search="first"))
    asked = search(planner, {"pruning_50+int8": LOSES})
    assert asked[:2] == ["float32", "own_1:pruning_50_2_of_4+clustering_16+int8"]
    (found,) = [t.candidate for t in planner.trials if t.candidate.name.startswith("own_1")]
    assert found.steps[0].settings.pattern == "2:4" and found.steps[-1].settings.io == "float32"


def test_a_conversion_alone_is_a_chain(task, search):
    assert search(Planner(own(task, Step(technique="float16"))))[1] == "own_1:float16"


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (["prunning"], "did you mean 'pruning'"),
        (["pruning", "prunning"], "chain 1: step 2"),
        ([Step(technique="pruning", settings={"exclude": ["nothing*"]})], "chain 1: step 1: exclude"),
        ([Step(technique="pruning", settings={"sparsety": 0.5})], "did you mean 'sparsity'"),
        ([Step(technique="pruning", settings={"sparsity": 2.0})], "chain 1: step 1: sparsity"),
        ([Step(technique="structured_pruning", settings={"whole": 9})], "chain 1: step 1: whole"),
        ([Step(technique="student", settings={"parameters": 9})], "chain 1: step 1: parameters"),
        (["clustering", "pruning"], "do not follow one another"),
        (["pruning", "pruning"], "do not follow one another"),
        (["fine_tuning", "pruning"], "do not follow one another"),
        (["int8", "pruning"], "a conversion is the last step"),
        (["quantization_aware", "float32"], "nothing of quantization_aware would be left: rounding to int8 is trained"),
        (["pruning", "quantization_aware", "float16"], "kernels of the file are not int8: convolution, classes"),
        (["quantization_aware", "dynamic_range"], "kernels of the file are not int8: convolution\n"),
        (
            ["quantization_aware", "float32"],
            "allowed: int16x8, int8, int8_float_fallback, int8_per_tensor, int8_sparse\n",
        ),
        (["pruning", Step(technique="clustering", settings={"clusters": 2})], "clustering_2 after pruning_50"),
    ],
)
def test_a_chain_that_cannot_be_is_refused_with_the_place(task, steps, message):
    given = [step if isinstance(step, Step) else Step(technique=step) for step in steps]
    with pytest.raises(InputError) as caught:
        candidates(own(task, *given))
    assert message in f"{caught.value}\n"


@pytest.mark.parametrize("end", ["int8", "int8_per_tensor", "int16x8", "int8_float_fallback", "int8_sparse"])
def test_trained_rounding_may_end_in_whatever_has_int8_kernels(task, end):
    steps = Step(technique="quantization_aware"), Step(technique=end)
    assert any(one.name == f"own_1:quantization_aware+{end}" for one in candidates(own(task, *steps))[0])


def test_a_chain_that_trains_where_no_training_is_allowed(task):
    with pytest.raises(InputError, match="allows no training"):
        candidates(own(task, Step(technique="pruning"), trains=False))


def test_a_chain_of_the_project_leaves_out_what_the_project_does(task):
    """Patterns stand for the layers that a technique would work on: its evidence spares as many kernels as are named."""
    everywhere, named = (Step(technique=name, settings={}) for name in ("pruning", "quantization_aware"))
    (found,) = [c for c in candidates(own(task, everywhere, named, exclude=("*",)))[0] if c.name.startswith("own_1")]
    assert found.steps[0].settings.exclude == ("classes",), "the convolution has 144 weights, too few to be worked on"
    assert found.steps[1].settings.exclude == ("image", "convolution", "flat", "classes")


@pytest.mark.parametrize(("given", "taken"), [({}, "tfmot"), ({"engine": "edgekit"}, "edgekit")])
def test_a_chain_of_the_project_rounds_by_the_projects_engine(task, given, taken):
    """Unless its step says otherwise."""
    step = Step(technique="quantization_aware", settings=given)
    (found,) = [c for c in candidates(own(task, step, engine="tfmot"))[0] if c.name.startswith("own_1")]
    assert found.steps[0].settings.engine == taken


def test_a_pattern_of_the_project_that_no_layer_has_is_refused(task):
    with pytest.raises(InputError) as caught:
        candidates(task(exclude=("nothing*",)))
    assert "training.exclude" in str(caught.value) and "nothing*" in str(caught.value)


def test_a_chain_of_the_project_says_nothing_of_the_planners_own(task, search):
    """It may lose by its pattern, or by the layers that the planner would leave out."""
    pattern = Step(technique="pruning", settings={"pattern": "2:4"})
    planner = Planner(own(task, pattern, currency="download", search="all"))
    asked = search(planner, {"own_1:pruning_50_2_of_4+int8": LOSES})
    assert "own_1:pruning_50_2_of_4+int8" in asked and "pruning_50+int8" in asked
