"""Chains of the project's own: which are refused, which are declined as certain to fail before anything is made, and that all others are tried."""

from __future__ import annotations

import msgspec
import pytest

from edgekit.documents.candidate import Declined, Step
from edgekit.documents.facts import ChannelGroup, LayerFacts, Replacement
from edgekit.errors import InputError
from edgekit.planner.candidates import candidates
from edgekit.planner.planner import Planner, outline
from edgekit.techniques import technique, techniques

LOSES = {"drop": 5.0}
CERTAIN = {
    "no kernel for factors": ("rpi4", ["low_rank"], "no kernel costs less in factors"),
    "no channel": ("rpi4", ["structured_pruning"], "no layer has channels that can go"),
    "channels, then a student's rounding": ("rpi4", ["structured_pruning", "quantization_aware"], "no layer has channels that can go"),
    "nothing expands": ("nucleo-l4r5zi", ["pruning", "int8_sparse"], "only LiteRT is known to expand sparse kernels"),
    "nothing expands, untrained": ("nucleo-l4r5zi", ["int8_sparse"], "only LiteRT is known to expand sparse kernels"),
    "an NPU expands nothing": ("corstone-300", ["pruning", "int8_sparse"], "only LiteRT is known to expand sparse kernels"),
    "nothing decodes codes": ("rpi4", ["pruning", "int8_coded"], "only tflite-micro decodes coded weights"),
    "nothing decodes tables": ("rpi4", ["clustering", "int8_lookup_tables"], "only tflite-micro decodes look-up tables"),
    "no float16": ("nucleo-l4r5zi", ["pruning", "float16"], "no kernel that reads float16 weights"),
    "no hybrid kernels": ("nucleo-l4r5zi", ["l1", "dynamic_range"], "no kernels for int8 weights with float activations"),
    "no int16": ("corstone-300", ["quantization_aware", "int16x8"], "no kernels for int16 activations"),
    "a kernel too small for zeros": ("rpi4", [Step(technique="l1", settings={"exclude": ["classes"]})], "has 256 weights or more"),
    "all left out of rounding": ("rpi4", [Step(technique="quantization_aware", settings={"exclude": ["*"]})], "every layer that it could round is left out: convolution, classes"),
    "no float at the ends": ("nano-33-ble", ["pruning", "float32"], "float32: its file has float32 inputs and outputs, and Arduino Nano 33 BLE takes int8 there"),
    "16x8 at the ends": ("nano-33-ble", ["int16x8"], "int16x8: its file has float32 inputs and outputs"),
    "a dtype that the chain gives": (
        "corstone-300", ["l1", Step(technique="int8_per_tensor", settings={"io": "float32"})], "int8_per_tensor: its file has float32",
    ),
    "no quantized file": ("rpi4", ["l1", "as_given"], "as_given: the model is no quantized file"),
    "weights used too little": (
        "nucleo-l4r5zi", ["pruning", Step(technique="int8_coded", settings={"least_macs": 100})], "the most is 36",
    ),
}  # fmt: skip


def own(task, device, steps, **given):
    return task(
        device, chains=(tuple(one if isinstance(one, Step) else Step(technique=one) for one in steps),), **given
    )


def named(declined):
    return {one.technique: one.reason for one in declined if one.technique.startswith("own_")}


@pytest.mark.parametrize("case", CERTAIN)
def test_what_is_certain_to_fail_is_declined_by_the_plan_and_by_the_search_and_never_tried(case, task, search):
    device, steps, reason = CERTAIN[case]
    asked = own(task, device, steps)
    planner, plan = Planner(asked), outline(asked)
    tried = search(planner)
    ((name, said),) = named(plan.declined).items()
    assert reason in said and named(planner.declined) == {name: said}, "the same sentence"
    assert name not in tried and name not in {one.name for one in plan.candidates}


@pytest.mark.parametrize(
    ("device", "name"),
    [
        ("rpi4", "structured_pruning"), ("rpi4", "int8_coded"), ("rpi4", "int8_lookup_tables"), ("nucleo-l4r5zi", "int8_sparse"),
        ("nucleo-l4r5zi", "float16"), ("nucleo-l4r5zi", "dynamic_range"), ("corstone-300", "int16x8"),
    ],
)  # fmt: skip
def test_it_is_the_sentence_with_which_the_technique_itself_declines(device, name, task):
    alone = technique(name).propose(task(device))
    assert isinstance(alone, Declined)
    assert list(named(outline(own(task, device, [name])).declined).values()) == [f"{name}: {alone.reason}"]


@pytest.mark.parametrize(
    ("device", "steps", "given"),
    [
        ("rpi4", ["pruning"], {"currency": "latency"}),
        ("rpi4", ["l1"], {}),
        ("rpi4", ["int8_sparse"], {}),
        ("stm32mp157", ["pruning", "int8_sparse"], {}),
        ("nucleo-l4r5zi", ["int8_coded"], {"currency": "latency"}),
        ("nucleo-l4r5zi", ["int8_lookup_tables"], {}),
        ("rpi4", ["pruning"], {"limits": {"flash": 10.0}}),
    ],
    ids=str,
)
def test_what_only_seems_not_to_pay_is_tried_and_in_the_plan(device, steps, given, task, search):
    """The weights of the model itself may be sparse or few, a runtime may expand though nobody measured it, and a prediction may be wrong."""
    asked = own(task, device, steps, **given)
    planner, plan = Planner(asked), outline(asked)
    tried = search(planner)
    (name,) = (one.name for one in plan.candidates if one.name.startswith("own_1:"))
    assert name in tried and not named(plan.declined) and not named(planner.declined)


def test_kernels_in_codes_that_the_model_may_have_are_predicted_in_int8(task):
    found = {one.name: one.estimates["flash"].value for one in outline(own(task, "rpi4", ["int8_sparse"])).candidates}
    assert found["own_1:int8_sparse"] == found["int8"] < found["float32"] / 2


@pytest.mark.parametrize(
    ("device", "steps", "given"),
    [
        ("nano-33-ble", ["pruning", "int8_coded"], {"currency": "download"}),
        ("rpi-pico", ["clustering", "int8_lookup_tables"], {"currency": "download"}),
        ("corstone-300", ["l1", "int8_per_tensor"], {}),
        ("coral-dev-board", ["int8_float_fallback"], {}),
    ],
    ids=str,
)
def test_a_conversion_that_declines_by_itself_still_has_the_ends_that_the_device_takes(device, steps, given, task):
    asked = own(task, device, steps, **given)
    assert isinstance(technique(steps[-1]).propose(asked), Declined)
    (mine,) = (one for one in outline(asked).candidates if one.name.startswith("own_1:"))
    assert mine.steps[-1].settings["io"] == asked.profile.numerics.input_output[0] != "float32"


def convolution_and_dense(task):
    """Much in a convolution, whose weights are used at 36 places each, and much in a dense layer, whose are used once."""
    image, convolution, flat, classes = task(filters=128).facts.layers
    before = msgspec.structs.replace(convolution, name="wide", activation="", output_shape=(6, 6, 128))
    deep = msgspec.structs.replace(
        convolution, inputs=("wide",), kernel=(3, 3, 128, 128), parameters=147_584, macs=36 * 147_456
    )
    return msgspec.structs.replace(task().facts, layers=(image, before, deep, flat, classes))


def test_a_name_alone_stands_for_the_defaults_and_not_for_the_first_settings_that_are_proposed(task):
    asked = own(task, "nucleo-l4r5zi", ["int8_coded"], aim="balanced", facts=convolution_and_dense(task))
    assert [one.least_macs for one in technique("int8_coded").propose(asked)] == [16, 0], "the lighter first"
    (mine,) = (one for one in outline(asked).candidates if one.name.startswith("own_1:"))
    assert mine.name == "own_1:int8_coded" and mine.steps[-1].settings == {"io": "int8", "least_macs": 0}


def test_integers_at_a_models_ends_stay_whatever_the_conversion(task):
    """Token numbers in, class numbers out: no float is asked of the device."""
    facts = task().facts
    numbers = [
        tuple(msgspec.structs.replace(one, dtype="int32") for one in side) for side in (facts.inputs, facts.outputs)
    ]
    facts = msgspec.structs.replace(facts, inputs=numbers[0], outputs=numbers[1])
    assert not named(outline(own(task, "nano-33-ble", ["pruning", "int16x8"], facts=facts)).declined)


def two_dense(task, hidden, *, scaled=False):
    """32 inputs, a dense layer whose channels can go, one of 20."""
    layers = (
        LayerFacts(name="image", kind="InputLayer", output_shape=(32,)),
        LayerFacts(name="hidden", kind="Dense", inputs=("image",), output_shape=(hidden,), parameters=33 * hidden, macs=32 * hidden, kernel=(32, hidden)),
        LayerFacts(name="classes", kind="Dense", inputs=("hidden",), output_shape=(20,), parameters=(hidden + 1) * 20, macs=hidden * 20, kernel=(hidden, 20)),
    )  # fmt: skip
    group = ChannelGroup(size=hidden, layers={"hidden": hidden}, reads={"classes": hidden}, scaled=scaled)
    return msgspec.structs.replace(task().facts, layers=layers, groups=(group,))


def test_what_a_cut_leaves_for_later_steps_is_not_certain(task, search):
    """Layers are predicted to become narrower alike: one may keep the 256 weights that pruning needs."""
    steps = [Step(technique="structured_pruning", settings={"left": 0.6}), Step(technique="pruning")]
    asked = own(task, "rpi4", steps, facts=two_dense(task, 10))
    (mine,) = (one for one in Planner(asked).waiting if one.name.startswith("own_1"))
    assert mine.unmet.startswith("pruning: no kernel") and mine.ruled_out is None
    assert mine.name in search(Planner(asked))
    small = own(task, "rpi4", steps, facts=two_dense(task, 7))
    assert "pruning: no kernel" in next(iter(named(outline(small).declined).values())), "not even the whole layers do"


def test_channels_are_ranked_by_scale_only_where_each_has_one(task):
    by_scale = [Step(technique="structured_pruning", settings={"criterion": "scale"})]
    ((name, said),) = named(outline(own(task, "rpi4", by_scale, facts=two_dense(task, 16))).declined).items()
    assert name.startswith("own_1:structured_pruning_50") and "behind it: hidden has none; criterion =" in said
    assert not named(outline(own(task, "rpi4", by_scale, facts=two_dense(task, 16, scaled=True))).declined)


def test_two_of_four_need_rows_of_four(task):
    pattern = [Step(technique="pruning", settings={"pattern": "2:4"})]
    facts = two_dense(task, 7)
    rows = [
        msgspec.structs.replace(layer, kernel=(3, 100), parameters=400) if layer.kernel else layer
        for layer in facts.layers
    ]
    rows = tuple(msgspec.structs.replace(layer, output_shape=(100,)) if layer.kernel else layer for layer in rows)
    asked = own(task, "rpi4", pattern, facts=msgspec.structs.replace(facts, layers=rows))
    assert "no output channel that it works on has 4 weights" in next(iter(named(outline(asked).declined).values()))
    assert not named(outline(own(task, "rpi4", pattern)).declined)


def only_a_recurrent_kernel(task):
    """8 steps of 8 features, an LSTM that one operator computes, a dense layer of 3."""
    layers = (
        LayerFacts(name="image", kind="InputLayer", output_shape=(8, 8)),
        LayerFacts(
            name="memory", kind="LSTM", inputs=("image",), output_shape=(32,), parameters=5_248, macs=8 * 5_120, kernel=(32, 128), biases=128, fused=True
        ),
        LayerFacts(name="classes", kind="Dense", inputs=("memory",), output_shape=(3,), parameters=99, macs=96, kernel=(32, 3)),
    )  # fmt: skip
    return msgspec.structs.replace(task().facts, layers=layers)


@pytest.mark.parametrize(
    ("device", "steps"),
    [
        ("rpi4", ["pruning", "int8_sparse"]),
        ("nucleo-l4r5zi", ["pruning", "int8_coded"]),
        ("nucleo-l4r5zi", ["clustering", "int8_lookup_tables"]),
    ],
)
def test_kernels_that_only_a_fused_layer_has_are_never_packed(device, steps, task, search):
    """Neither by a chain of the project nor by one of the planner's, and nothing is trained for it."""
    asked = own(task, device, steps, facts=only_a_recurrent_kernel(task), search="all")
    planner = Planner(asked)
    tried = search(planner)
    ((name, said),) = named(planner.declined).items()
    assert said.startswith(f"{steps[-1]}: no kernel could get smaller: those of recurrent layers (memory)")
    assert named(outline(asked).declined) == {name: said}
    assert not any(steps[-1] in one for one in tried)


def chain(task, *steps, **given):
    return task(chains=(tuple(steps),), **given)


def test_a_chain_of_the_project_is_tried_first_whatever_is_knchain(task, search):
    pattern = Step(technique="pruning", settings={"pattern": "2:4"})
    planner = Planner(chain(task, pattern, Step(technique="clustering"), search="first"))
    asked = search(planner, {"pruning_50+int8": LOSES})
    assert asked[:2] == ["float32", "own_1:pruning_50_2_of_4+clustering_16+int8"]
    (found,) = [t.candidate for t in planner.trials if t.candidate.name.startswith("own_1")]
    assert found.steps[0].settings.pattern == "2:4" and found.steps[-1].settings.io == "float32"


def test_a_conversion_alone_is_a_chain(task, search):
    assert search(Planner(chain(task, Step(technique="float16"))))[1] == "own_1:float16"


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
        ([Step(technique="l1", settings={"end": 1e-320})], "allowed: at least 0.01 and at most 1\n"),
        ([Step(technique="pruning", settings={"end": 1e-300})], "allowed: at least 0.01 and at most 1\n"),
        ([Step(technique="int8_coded", settings={"least_macs": 10**30})], "chain 1: step 1: least_macs"),
        (["clustering", "pruning"], "do not follow one another"),
        (["pruning", "pruning"], "do not follow one another"),
        (["fine_tuning", "pruning"], "do not follow one another"),
        (["int8", "pruning"], "a conversion is the last step"),
        (
            [Step(technique="int8_mixed", settings={"share": 1})],
            "or leave the setting out: int8_mixed then has its own",
        ),
        (["student", "int8"], "the project names no student"),
        (["quantization_aware", "float32"], "nothing of quantization_aware would be left: rounding to int8 is trained"),
        (["pruning", "quantization_aware", "float16"], "kernels of the file are not int8: convolution, classes"),
        (["quantization_aware", "int8_mixed"], "some kernels of the file stay in float\n"),
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
        candidates(chain(task, *given))
    assert message in f"{caught.value}\n"
    assert caught.value.allowed and caught.value.next_step, "every refusal says what is allowed and what to do"


@pytest.mark.parametrize("name", techniques())
def test_a_wrong_setting_is_answered_with_those_that_a_project_may_give(task, name):
    method = technique(name)
    for wrong in ("nothing_such", *(f"{one[:-1]}" for one in method.written_by_planner)):
        with pytest.raises(InputError) as caught:
            candidates(
                chain(
                    task,
                    Step(technique=name, settings={wrong: 1}),
                    replacement=Replacement(source="s", facts=task().facts),
                )
            )
        offered = {one for one in caught.value.allowed.split(", ") if one != "no key"}
        assert offered == set(method.settings_type.__struct_fields__) - set(method.written_by_planner)
        assert not any(f"mean {one!r}" in caught.value.next_step for one in method.written_by_planner)


@pytest.mark.parametrize("end", ["int8", "int8_per_tensor", "int16x8", "int8_float_fallback", "int8_sparse"])
def test_trained_rounding_may_end_in_whatever_has_int8_kernels(task, end):
    steps = Step(technique="quantization_aware"), Step(technique=end)
    assert any(one.name == f"own_1:quantization_aware+{end}" for one in candidates(chain(task, *steps))[0])


def test_a_chain_that_trains_where_no_training_is_allowed(task):
    with pytest.raises(InputError, match="allows no training"):
        candidates(chain(task, Step(technique="pruning"), trains=False))


def test_a_chain_of_the_project_leaves_out_what_the_project_does(task):
    """Patterns stand for the layers that a technique would work on: its evidence spares as many kernels as are named."""
    everywhere, named = (Step(technique=name, settings={}) for name in ("pruning", "quantization_aware"))
    (found,) = [c for c in candidates(chain(task, everywhere, named, exclude=("*",)))[0] if c.name.startswith("own_1")]
    assert found.steps[0].settings.exclude == ("classes",), "the convolution has 144 weights, too few to be worked on"
    assert found.steps[1].settings.exclude == ("image", "convolution", "flat", "classes")


@pytest.mark.parametrize(("given", "taken"), [({}, "tfmot"), ({"engine": "edgekit"}, "edgekit")])
def test_a_chain_of_the_project_rounds_by_the_projects_engine(task, given, taken):
    """Unless its step says otherwise."""
    step = Step(technique="quantization_aware", settings=given)
    (found,) = [c for c in candidates(chain(task, step, engine="tfmot"))[0] if c.name.startswith("own_1")]
    assert found.steps[0].settings.engine == taken


def test_a_chain_that_trains_a_logarithm_in_float_ends_in_the_conversion_that_leaves_it_there(task):
    step = Step(technique="quantization_aware", settings={"wide_in_float": True})
    (found,) = [c for c in candidates(chain(task, step))[0] if c.name.startswith("own_1")]
    assert found.steps[-1].label == "int8_mixed_0"
    with pytest.raises(InputError, match="is trained in float, and the file rounds it") as caught:
        candidates(chain(task, step, Step(technique="int8")))
    assert "int8_mixed" in caught.value.allowed and "int8_per_tensor" not in caught.value.allowed


def test_a_chain_of_the_project_says_nothing_of_the_planners_chain(task, search):
    """It may lose by its pattern, or by the layers that the planner would leave out."""
    pattern = Step(technique="pruning", settings={"pattern": "2:4"})
    planner = Planner(chain(task, pattern, currency="download", search="all"))
    asked = search(planner, {"own_1:pruning_50_2_of_4+int8": LOSES})
    assert "own_1:pruning_50_2_of_4+int8" in asked and "pruning_50+int8" in asked
