"""Models that are refused: each with the layer or the file named, and never by a crash of the worker."""

from __future__ import annotations

import zipfile
from pathlib import Path

import h5py
import pytest

from edgekit.errors import ModelError, TrustError
from edgekit.jobs.pool import ENVIRONMENT, MODULE
from edgekit.jobs.worker import Worker

GOLDEN = Path(__file__).resolve().parents[2] / "golden"

pytestmark = pytest.mark.tf


@pytest.fixture(scope="module")
def workshop():
    """A worker of its own: another test's imports have registered the layers that are unknown here."""
    with Worker(MODULE, environment=ENVIRONMENT) as worker:
        yield worker


@pytest.mark.parametrize(
    ("source", "imports", "words"),
    [
        ("keras3_twin.keras", [], ("Scale3", "--import")),
        ("tf_keras_custom_h5.h5", [], ("Doubled", "--import")),
        ("keras3_twinless.keras", [], ("Lonely", "--import")),
        ("functions:unbuilt", [], ("Sequential", "Input")),
        ("functions:nothing", [], ("no Keras model", "dict")),
        ("functions:raises", [], ("raised an error", "KeyError", "weights.bin", "functions.py")),
        ("functions:keras_3", [], ("keras_3", "did you mean 'keras3'")),
        ("keras3.keras", ["no_such_module"], ("no_such_module",)),
        ("keras3_nan.keras", [], ("no finite number", "conv2d")),
        ("tf_keras_nan.h5", [], ("no finite number", "conv2d")),
        ("weights_alone.h5", [], ("without a model's configuration", "save_weights")),
        ("weights_alone.weights.h5", [], ("without a model's configuration", "save_weights")),
        ("truncated.keras", [], ("not a Keras model", "truncated.keras")),
        ("truncated.h5", [], ("cannot be loaded", "truncated.h5")),
        ("archive.keras", [], ("no .keras file", "config.json")),
        ("broken_json.keras", [], ("cannot be loaded", "broken_json.keras")),
        ("list_json.keras", [], ("cannot be loaded", "list_json.keras")),
        (str(GOLDEN / "int8.tflite"), [], ("a .tflite file is no Keras model", "edgekit check")),
        ("text.keras", [], ("not a Keras model", "SavedModel folder")),
        ("functions:looks_text_up", [], ("'words'", "StringLookup", "begins after")),
        ("functions:vectorizes_text", [], ("'words'", "TextVectorization", "begins after")),
        ("functions:looks_numbers_up", [], ("'codes'", "IntegerLookup")),
        ("functions:hashes", [], ("'buckets'", "Hashing")),
        ("functions:nested_lookup", [], ("'words'", "StringLookup")),
        ("functions:takes_text", [], ("input 'sentence'", "text", "numbers")),
        ("empty_folder", [], ("no SavedModel", "saved_model.pb")),
        ("broken_saved_model", [], ("SavedModel", "broken_saved_model")),
        ("plain_saved_model", [], ("without a Keras configuration", "module:function")),
    ],
)
def test_the_message_names_it(shop, source, imports, words):
    with pytest.raises(ModelError) as refused:
        shop.load(source, imports=imports)
    for word in words:
        assert word in str(refused.value)
    assert not list(shop.target.iterdir())


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("keras3_lambda.keras", "Lambda"),
        ("tf_keras_lambda.keras", "Lambda"),
        ("tf_keras_lambda_h5.h5", "Lambda"),
        ("tf_keras_lambda_saved_model", "Lambda"),
        ("writes_file.h5", "tf.io.write_file"),
    ],
)
def test_code_in_a_file_needs_trust(shop, source, kind):
    with pytest.raises(TrustError) as refused:
        shop.load(source)
    assert kind in str(refused.value) and "--trust" in str(refused.value)


@pytest.mark.parametrize("stem", ["int8", "float32"])
def test_a_tflite_file_with_an_appended_archive_is_none_of_keras(shop, stem, tmp_path):
    path = tmp_path / "labelled.tflite"
    path.write_bytes((GOLDEN / f"{stem}.tflite").read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels.txt", "cat\ndog\n")
    with pytest.raises(ModelError, match=r"a \.tflite file is no Keras model"):
        shop.load(str(path))


def test_a_file_that_keras_finds_no_weights_in(shop, model_files, tmp_path):
    path = tmp_path / "lost.keras"
    with zipfile.ZipFile(model_files / "keras3.keras") as own, zipfile.ZipFile(path, "w") as archive:
        for name in own.namelist():
            (tmp_path / name).write_bytes(own.read(name))
        with h5py.File(tmp_path / "model.weights.h5", "r+") as weights:
            held = [group for group in weights["layers"].values() if len(group["vars"])]
            for variable in list(held[-1]["vars"]):
                del held[-1]["vars"][variable]
        for name in own.namelist():
            archive.write(tmp_path / name, name)
    with pytest.raises(ModelError, match="Keras itself does not find") as refused:
        shop.load(str(path))
    assert "build()" in str(refused.value) and "module:function" in str(refused.value)


MODELS = """
import tf_keras

def with_nan():
    model = tf_keras.Sequential([tf_keras.layers.Input((8, 8, 1)), tf_keras.layers.Flatten(), tf_keras.layers.Dense(4, name="head")])
    kernel, bias = model.get_weights()
    kernel[0, 0] = float("nan")
    model.set_weights([kernel, bias])
    return model

class Own(tf_keras.Model):
    def build(self, shape):
        self.scale = self.add_weight("scale", shape=(shape[-1],))
        super().build(shape)

    def call(self, x):
        return x * self.scale

def never_built():
    return Own()
"""
OWN_MODELS = {
    "bad:with_nan": ("no finite number", "head"),
    "bad:never_built": ("Own", "never built", "call it once"),
}


@pytest.mark.parametrize("source", OWN_MODELS)
def test_a_function_of_the_users_own_project(shop, tmp_path, source):
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "bad.py").write_text(MODELS)
    with pytest.raises(ModelError) as refused:
        shop.load(source, root=str(tmp_path / "project"))
    assert all(word in str(refused.value) for word in OWN_MODELS[source])


LAMBDA = '{"class_name": "Sequential", "config": {"name": "s", "layers": [{"class_name": "Lambda", "config": {"name": "sneaky"}}]}}'
CUSTOM = (
    '{"module": "keras", "class_name": "Sequential", "registered_name": null, "config": {"name": "s", "layers": '
    '[{"module": "my", "class_name": "Fancy", "config": {"name": "f"}, "registered_name": "my>Fancy"}]}}'
)


@pytest.mark.parametrize(
    ("config", "kind", "words"),
    [
        (LAMBDA, TrustError, ("'sneaky'", "Lambda", "--trust")),
        (CUSTOM, ModelError, ("not known here", "Fancy", "--import")),
    ],
)
def test_a_layer_in_a_file_that_is_not_taken(shop, tmp_path, config, kind, words):
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("config.json", config)
        archive.writestr("metadata.json", '{"keras_version": "3.15.0"}')
        archive.writestr("model.weights.h5", b"")
    with pytest.raises(kind) as refused:
        shop.load(str(tmp_path / "model.keras"))
    assert refused.value.exit_code == 2 and all(word in str(refused.value) for word in words)
