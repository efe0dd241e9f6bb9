"""A model of Keras 3 stays one: opened where it has a graph, trained and converted, and rebuilt for tf_keras for what works on that alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.ingest.dataset import Dataset
from edgekit.ingest.spool import spool_result
from edgekit.progress import no_progress
from edgekit.project.project_file import DataTable
from edgekit.techniques.sites import kernel_variables
from edgekit.tflite.reader import read_tflite
from edgekit.values import to_builtins

pytestmark = pytest.mark.tf
SAMPLES, CLASSES, SHAPE = 32, 4, (8, 8, 3)
PRUNING = {"technique": "pruning", "settings": {"sparsity": 0.5}}
CLUSTERING = {"technique": "clustering", "settings": {"clusters": 8}}
FINE_TUNING = {"technique": "fine_tuning", "settings": {}}
INT8 = {"technique": "int8", "settings": {"io": "int8"}}


@pytest.fixture(scope="module")
def tools() -> Any:
    from edgekit.make.workshop.door import door

    found = door()
    found.fresh(0)
    return found


@pytest.fixture(scope="module")
def classes(tools: Any) -> dict[str, Any]:
    """Custom layers, one with a layer inside, registered as a user would."""
    keras = tools.keras3

    @keras.saving.register_keras_serializable("test_keras3")
    class Gate(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def build(self, shape: Any) -> None:
            self.g = self.add_weight(shape=(shape[-1],), initializer="ones", name="g")

        def call(self, x: Any) -> Any:
            return x * keras.ops.sigmoid(self.g)

    @keras.saving.register_keras_serializable("test_keras3")
    class Block(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.dense = keras.layers.Dense(32, name="inside")

        def build(self, shape: Any) -> None:
            self.dense.build(shape)

        def call(self, x: Any) -> Any:
            return self.dense(x)

    return {"Gate": Gate, "Block": Block}


def network(tools: Any, classes: dict[str, Any]) -> Any:
    """A nested model with arithmetic, custom layers, and kernels large enough to work on."""
    keras = tools.keras3
    layers = keras.layers
    inner_entry = keras.Input((6, 6, 8))
    inner = keras.Model(
        inner_entry, 1.0 - layers.Conv2D(16, 3, activation="relu", name="second")(inner_entry), name="nested"
    )
    x = entry = keras.Input(SHAPE, name="image")
    x = classes["Gate"](name="gate")(layers.Conv2D(8, 3, name="first")(x))
    x = keras.ops.transpose(layers.Dropout(0.2)(inner(x)), (0, 2, 1, 3))
    x = classes["Block"](name="block")(layers.Flatten()(x))
    return keras.Model(
        entry, layers.Dense(CLASSES, activation="softmax", name="classes")(layers.Dense(32, name="wide")(x))
    )


@pytest.fixture
def loaded(tools: Any, classes: dict[str, Any], tmp_path: Path) -> tuple[Any, Any, dict[str, Any]]:
    """The original, what it was normalised to, and a job for its folder."""
    from edgekit.make.workshop.normalise import normalise

    tools.fresh(0)
    own = network(tools, classes)
    job = {"source": "test", "imports": [], "root": str(tmp_path), "model": str(tmp_path), "seed": 0}
    return own, normalise(tools, own, tmp_path, job), job


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    x = np.random.default_rng(0).random((SAMPLES, *SHAPE), dtype=np.float32)
    y = np.arange(SAMPLES) % CLASSES
    arrays = {f"{kind}_{split}": array for split in ("train", "val", "test") for kind, array in (("x", x), ("y", y))}
    options = to_builtins(DataTable(source="data"))
    folder = tmp_path_factory.mktemp("data")
    return spool_result(arrays, folder, names=("image",), options=options, seed=0, progress=no_progress)


def test_it_is_flat_and_answers_as_before(tools, loaded):
    own, normal, _ = loaded
    names = [layer.name for layer in normal.model.layers]
    assert "second" in names and "nested" not in names
    assert normal.closed == ("gate", "block")
    x = np.random.default_rng(1).random((2, *SHAPE), dtype=np.float32)
    np.testing.assert_allclose(normal.model(x, training=False), own(x, training=False), atol=1e-6)


def test_its_facts_are_its_own_layers(tools, loaded):
    from edgekit.make.workshop.model_facts import take_facts

    _, normal, _ = loaded
    facts = take_facts(tools, normal.model, sha256="", kind="", losses=(None,), error=normal.error)
    layers = {layer.name: layer for layer in facts.layers}
    assert layers["second"].macs == 4 * 4 * (3 * 3 * 8 * 16)
    assert layers["block"].macs == 4 * 4 * 16 * 32, "a closed layer's products are counted in its graph"
    assert layers["block"].parameters == 256 * 32 + 32
    assert layers["gate"].inputs == ("first",)
    assert facts.output_kinds == ("softmax",)


@pytest.mark.parametrize("steps", [[PRUNING], [CLUSTERING], [FINE_TUNING], [PRUNING, CLUSTERING]], ids=str)
def test_it_is_trained_and_proven_stage_by_stage(tools, loaded, dataset, tmp_path, steps):
    from edgekit.make.workshop.convert import convert
    from edgekit.make.workshop.store import open_model
    from edgekit.make.workshop.train import train

    _, _, job = loaded
    steps = [
        {**step, "settings": {**step["settings"], "exclude": ["block"]}} if step is not FINE_TUNING else step
        for step in steps
    ]
    training = {"epochs": 1, "batch_size": 8, "learning_rate": 1e-3, "distillation": 0.0, "temperature": 1.0}
    folder = tmp_path
    for count in range(1, len(steps) + 1):
        target = tmp_path / f"stage_{count}"
        target.mkdir()
        more = {"dataset": str(dataset.root), "training": training, "losses": ["sparse_categorical_crossentropy"]}
        answer = train(
            {**job, **more, "model": str(folder), "steps": steps[:count], "target": str(target)}, no_progress
        )
        assert all(found["holds"] for found in answer["evidence"]), answer
        folder = target
    trained, before = open_model(tools, folder, (), job), open_model(tools, tmp_path, (), job)
    assert [kernel.shape for kernel in kernel_variables(trained)] == [(3, 3, 8, 16), (32, 32)]
    moved = [
        (after.numpy() != now.numpy()).any()
        for after, now in zip(trained.trainable_variables, before.trainable_variables, strict=True)
    ]
    assert all(moved), "also the layers that are closed are trained"
    more = {
        "dataset": str(dataset.root),
        "samples": 8,
        "inputs": ["image"],
        "outputs": ["classes"],
        "target": str(folder),
    }
    answer = convert({**job, **more, "model": str(folder), "steps": [*steps, INT8]}, no_progress)
    assert all(found["holds"] for found in answer["evidence"]), answer["evidence"]
    assert read_tflite(folder / "model.tflite").operators


def test_kernels_of_a_closed_layer_are_no_evidence_against_it(tools, loaded, dataset, tmp_path):
    """The block's kernel has the name of a layer that is not worked on: it is not judged, and told."""
    from edgekit.make.workshop.convert import convert

    _, normal, job = loaded
    for kernel in kernel_variables(normal.model):
        array = kernel.numpy()
        array.reshape(-1)[::2] = 0
        kernel.assign(array)
    normal.model.save(tmp_path / "model.keras")
    more = {
        "dataset": str(dataset.root),
        "samples": 8,
        "inputs": ["image"],
        "outputs": ["classes"],
        "target": str(tmp_path),
    }
    for exclude in (["block"], []):
        step = {"technique": "pruning", "settings": {"sparsity": 0.45, "exclude": exclude}}
        answer = convert({**job, **more, "steps": [step, INT8]}, no_progress)
        found = answer["evidence"][0]
        assert found["holds"] and "2 kernels" in found["detail"], found
        assert "not worked on" in found["detail"] and "1 of Block" in found["detail"]


def test_what_tfmot_does_not_take_fails_before_any_training_and_the_layer_is_named(tools, loaded, tmp_path):
    from edgekit.make.workshop.form import take_form
    from edgekit.make.workshop.train import train

    _, _, job = loaded
    steps = [{"technique": "quantization_aware", "settings": {"engine": "tfmot"}}]
    for asked in (take_form, train):
        with pytest.raises(ModelError, match="layers of tf_keras alone: layer 'gate' of type Gate"):
            asked({**job, "steps": steps, "dataset": str(tmp_path / "is not opened")}, no_progress)


def test_rounding_is_trained_in_tf_keras_and_what_was_pruned_before_is_kept(tools, dataset, tmp_path):
    """The kernels are found by the names of their layers, which the rebuilt model keeps."""
    from edgekit.make.workshop.answers import is_keras3
    from edgekit.make.workshop.normalise import normalise
    from edgekit.make.workshop.store import open_model, steps_of
    from edgekit.make.workshop.train import train

    tools.fresh(0)
    layers = tools.keras3.layers
    x = entry = layers.Input(SHAPE, name="image")
    x = layers.Flatten()(layers.Conv2D(16, 3, activation="relu", name="_first one")(x))
    own = tools.keras3.Model(entry, layers.Dense(CLASSES, activation="softmax", name="classes")(x))
    job = {"source": "test", "imports": [], "root": str(tmp_path), "model": str(tmp_path), "seed": 0}
    assert is_keras3(normalise(tools, own, tmp_path, job).model)
    training = {"epochs": 1, "batch_size": 8, "learning_rate": 1e-3, "distillation": 0.0, "temperature": 1.0}
    more = {"dataset": str(dataset.root), "training": training, "losses": ["sparse_categorical_crossentropy"]}
    steps, folder = [PRUNING, {"technique": "quantization_aware", "settings": {"engine": "tfmot"}}], tmp_path
    for count in (1, 2):
        target = tmp_path / f"stage_{count}"
        target.mkdir()
        given = {**job, **more, "model": str(folder), "steps": steps[:count], "target": str(target)}
        answer = train(given, no_progress)
        assert all(found["holds"] for found in answer["evidence"]), answer
        folder = target
    trained = open_model(tools, folder, steps_of({"steps": steps}), job)
    assert not is_keras3(trained)
    pruned = kernel_variables(open_model(tools, tmp_path / "stage_1", (), job))
    for before, after in zip(pruned, kernel_variables(trained), strict=True):
        assert not after.numpy()[before.numpy() == 0].any()
        assert (after.numpy() != before.numpy()).any()


@pytest.mark.parametrize("recurrent", ["GRU", "LSTM", "SimpleRNN"])
def test_its_loops_are_unrolled(tools, recurrent):
    from edgekit.make.workshop.unrolling import unrolling

    tools.fresh(0)
    keras = tools.keras3
    entry = keras.Input((3, 4))
    model = keras.Model(entry, getattr(keras.layers, recurrent)(4)(entry))
    x = np.random.default_rng(0).random((1, 3, 4), dtype=np.float32)
    expected = np.asarray(model(x, training=False))
    with unrolling(tools, model) as done:
        function = tools.tf.function(lambda x: model(x, training=False)).get_concrete_function(
            tools.tf.TensorSpec((1, 3, 4))
        )
    assert done.steps == 3 and not any("While" in found.type for found in function.graph.get_operations())
    np.testing.assert_allclose(function(tools.tf.constant(x)), expected, atol=1e-6)


def test_ports_of_a_dict_keep_their_names_and_their_order(tools, tmp_path):
    from edgekit.make.workshop.model_facts import take_facts
    from edgekit.make.workshop.normalise import normalise
    from edgekit.make.workshop.ports import output_names, ports

    tools.fresh(0)
    keras = tools.keras3
    zeta, alpha = keras.Input((6,), name="zeta"), keras.Input((6,), name="alpha")
    first = keras.layers.Dense(3, name="b_layer")(zeta)
    second = keras.ops.expm1(keras.layers.Dense(1, name="a_layer")(alpha))
    own = keras.Model({"zeta": zeta, "alpha": alpha}, {"one": first, "a": {"deep": second}})
    job = {"source": "test", "imports": [], "root": str(tmp_path)}
    normal = normalise(tools, own, tmp_path, job)
    facts = take_facts(tools, normal.model, sha256="", kind="", losses=(), error=normal.error)
    inputs, outputs = ports(own, facts, normal.renamed)
    assert [(port.name, port.shape) for port in inputs] == [("zeta", (6,)), ("alpha", (6,))]
    assert [(port.name, port.shape) for port in outputs] == [("one", (3,)), ("a/deep", (1,))]
    assert output_names(own, normal.model) == ["one", "a/deep"]


@pytest.mark.parametrize("nested", [False, True])
def test_a_subclassed_model_is_traced(tools, tmp_path, nested):
    from edgekit.make.workshop.normalise import normalise

    keras = tools.keras3

    class Two(keras.Model):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = keras.layers.Dense(8, name="one"), keras.layers.Dense(2, name="two")

        def call(self, x: Any) -> Any:
            return self.two(1.0 - self.one(x))

    own = Two()
    own.build((None, 4))
    if nested:
        entry = keras.Input((4,))
        own = keras.Model(entry, own(keras.layers.Dense(4, name="one")(entry)))
    normal = normalise(tools, own, tmp_path, {"source": "test", "imports": [], "root": str(tmp_path)})
    dense = [layer.name for layer in normal.model.layers if type(layer).__name__ == "Dense"]
    assert dense == (["one", "one_1", "two"] if nested else ["one", "two"]) and not normal.closed


def test_a_subclassed_model_with_weights_of_its_own_stays_closed(tools, tmp_path):
    from edgekit.make.workshop.normalise import normalise

    keras = tools.keras3

    @keras.saving.register_keras_serializable("test_keras3")
    class Scaled(keras.Model):  # type: ignore[misc, name-defined]
        def build(self, shape: Any) -> None:
            self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")

        def call(self, x: Any) -> Any:
            return x * self.scale

    entry = keras.Input((4,))
    own = keras.Model(entry, Scaled(name="scaled")(entry))
    normal = normalise(tools, own, tmp_path, {"source": "test", "imports": [], "root": str(tmp_path)})
    assert normal.closed == ("scaled",) and len(normal.model.trainable_variables) == 1


def test_passes_are_told_and_outputs_keep_their_names(tools, tmp_path):
    from edgekit.make.workshop.model_facts import take_facts
    from edgekit.make.workshop.normalise import normalise
    from edgekit.make.workshop.ports import ports

    tools.fresh(0)
    keras = tools.keras3
    entry = keras.Input((6, 6, 3), name="image")
    x = keras.ops.expm1(keras.layers.SeparableConv2D(4, 3, name="separable")(entry))
    inner_entry = keras.Input((64,))
    head = keras.Model(
        inner_entry, keras.layers.Dense(2, activation="softmax", name="classes")(inner_entry), name="head"
    )
    own = keras.Model(entry, head(keras.layers.Flatten()(x)))
    normal = normalise(tools, own, tmp_path, {"source": "test", "imports": [], "root": str(tmp_path)})
    assert [told.rpartition(": ")[2] for told in normal.passes] == ["separable", "classes"]
    assert [layer.name for layer in normal.model.layers][-2:] == ["classes", "classes_softmax"]
    facts = take_facts(tools, normal.model, sha256="", kind="", losses=(None,), error=normal.error)
    assert facts.output_kinds == ("softmax",)
    assert [[port.name for port in side] for side in ports(own, facts, {})] == [["image"], ["classes"]]


def test_what_cannot_be_stored_is_refused_with_the_reason(tools, tmp_path):
    from edgekit.make.workshop.normalise import normalise

    keras = tools.keras3

    @keras.saving.register_keras_serializable()
    class Needs(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, table: Any) -> None:
            super().__init__()
            self.table = table

        def call(self, x: Any) -> Any:
            return x * 2

    entry = keras.Input((4,))
    own = keras.Model(entry, Needs(object())(entry))
    with pytest.raises(ModelError, match="stored and read again"):
        normalise(tools, own, tmp_path, {"source": "test", "imports": [], "root": str(tmp_path)})


def test_training_in_half_precision_leaves_nothing(tools, tmp_path):
    from edgekit.make.workshop.normalise import normalise

    keras = tools.keras3
    entry = keras.Input((8,))
    x = keras.layers.Dense(4, dtype="mixed_float16")(entry)
    own = keras.Model(entry, keras.layers.Dense(2, dtype="float32")(x))
    normal = normalise(tools, own, tmp_path, {"source": "test", "imports": [], "root": str(tmp_path)})
    assert {layer.compute_dtype for layer in normal.model.layers} == {"float32"}


def test_pixels_go_straight_into_its_int8_file(tools, tmp_path):
    """The cast of a uint8 input disappears."""
    from edgekit.make.workshop.convert import convert
    from edgekit.make.workshop.normalise import normalise

    tools.fresh(0)
    keras = tools.keras3
    entry = keras.Input((6, 6, 3), dtype="uint8")
    x = keras.layers.Conv2D(4, 3)(keras.layers.Rescaling(1 / 127.5, offset=-1)(entry))
    own = keras.Model(entry, keras.layers.Dense(2)(keras.layers.Flatten()(2 * x)))
    job = {"source": "test", "imports": [], "root": str(tmp_path), "model": str(tmp_path), "seed": 0}
    normalise(tools, own, tmp_path, job)
    pixels, labels = (
        np.random.default_rng(0).integers(0, 256, (SAMPLES, 6, 6, 3)).astype(np.uint8),
        np.arange(SAMPLES) % 2,
    )
    arrays = {
        f"{k}_{split}": array for split in ("train", "val", "test") for k, array in (("x", pixels), ("y", labels))
    }
    (tmp_path / "data").mkdir()
    options = to_builtins(DataTable(source="data"))
    spooled = spool_result(arrays, tmp_path / "data", names=("x",), options=options, seed=0, progress=no_progress)
    more = {"dataset": str(spooled.root), "samples": 8, "inputs": ["x"], "outputs": ["y"], "target": str(tmp_path)}
    answer = convert({**job, **more, "steps": [INT8]}, no_progress)
    assert answer["evidence"][0]["holds"], answer["evidence"]
    assert "CAST" not in [operator.name for operator in read_tflite(tmp_path / "model.tflite").operators]


@pytest.mark.parametrize("kind", ["keras", "keras3"])
def test_free_sizes_are_fixed_by_the_data(tools, tmp_path, kind):
    """Two valid convolutions leave nothing of a size of one, which the converter takes for a free one."""
    from edgekit.make.workshop.convert import convert
    from edgekit.make.workshop.normalise import normalise

    tools.fresh(0)
    keras = getattr(tools, kind)
    x = entry = keras.layers.Input((None, None, 3))
    for _ in range(2):
        x = keras.layers.Conv2D(4, 5, strides=2)(x)
    own = keras.Model(entry, keras.layers.GlobalAveragePooling2D()(x if kind == "keras" else keras.ops.expm1(x)))
    job = {"source": "test", "imports": [], "root": str(tmp_path), "model": str(tmp_path), "seed": 0}
    normalise(tools, own, tmp_path, job)
    more = {
        "dataset": None,
        "samples": 1,
        "inputs": ["x"],
        "outputs": ["y"],
        "target": str(tmp_path),
        "sizes": [[24, 20, 3]],
    }
    convert({**job, **more, "steps": [{"technique": "float32", "settings": {}}]}, no_progress)
    tflite = read_tflite(tmp_path / "model.tflite")
    assert tflite.input_tensors[0].shape == (1, 24, 20, 3)


def test_its_first_layers_are_examined_also_behind_an_operation(tools, tmp_path):
    from edgekit.make.workshop.examine import examine
    from edgekit.make.workshop.normalise import normalise

    tools.fresh(0)
    keras = tools.keras3
    entry = keras.Input((6, 6, 3))
    x = 2 * keras.layers.Rescaling(0.5, name="rescaling")(entry)
    x = keras.layers.BatchNormalization(name="later")(keras.layers.Conv2D(4, 3)(keras.ops.expm1(x)))
    own = keras.Model(entry, keras.layers.Dense(2)(keras.layers.Flatten()(x)))
    own.get_layer("later").moving_mean.assign([1.0, 2.0, 3.0, 4.0])
    job = {"source": "test", "imports": [], "root": str(tmp_path), "model": str(tmp_path), "seed": 0}
    normalise(tools, own, tmp_path, job)
    x, y = np.random.default_rng(0).random((8, 6, 6, 3), dtype=np.float32), np.arange(8) % 2
    arrays = {f"{k}_{split}": array for split in ("train", "val", "test") for k, array in (("x", x), ("y", y))}
    (tmp_path / "data").mkdir()
    options = to_builtins(DataTable(source="data"))
    spooled = spool_result(arrays, tmp_path / "data", names=("x",), options=options, seed=0, progress=no_progress)
    more = {"dataset": str(spooled.root), "positions": [0, 1, 2], "transforms": [], "target": str(tmp_path)}
    fronts = examine({**job, **more}, no_progress)["fronts"]
    assert [front["layer"] for front in fronts] == ["rescaling", "later"]
    assert not fronts[1]["is_first"], "a convolution is before it"
