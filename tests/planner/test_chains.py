"""Chains: which there are, in which order, and which are spared."""

from __future__ import annotations

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
