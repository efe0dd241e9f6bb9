"""The inference script runs in a process of its own and gives what the interpreter gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgekit.documents.report import Chosen, InputFacts
from edgekit.emit.c_array import c_header
from edgekit.emit.inference import describe, inference_script
from edgekit.emit.picture_decoding import Decoding, declared_decoding, picture_text
from edgekit.project.project import load_project

GOLDEN = Path(__file__).parent.parent / "golden"


def facts(details) -> tuple[InputFacts, ...]:
    return tuple(
        InputFacts(
            name=one["name"],
            shape=tuple(int(size) for size in one["shape"]),
            dtype=one["dtype"].__name__,
            scale=float(one["quantization"][0]) or None,
            zero_point=int(one["quantization"][1]),
        )
        for one in details
    )


def run(tmp_path, name, arrays, labels=()):
    """The script's output in a child process, and the interpreter's own stored outputs."""
    interpreter_module = pytest.importorskip("ai_edge_litert.interpreter")
    model = GOLDEN / f"{name}.tflite"
    interpreter = interpreter_module.Interpreter(model_path=str(model))
    interpreter.allocate_tensors()
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    chosen = Chosen(
        candidate=name,
        steps=(),
        path="model.tflite",
        sha256="",
        metrics={},
        inputs=facts(inputs),
        outputs=facts(outputs),
    )
    (tmp_path / "model.tflite").write_bytes(model.read_bytes())
    (tmp_path / "inference.py").write_text(inference_script(chosen, device="rpi4", labels=len(labels)))
    (tmp_path / "labels.txt").write_text("".join(f"{label}\n" for label in labels))
    paths = []
    for index, array in enumerate(arrays):
        paths.append(str(tmp_path / f"{index}.npy"))
        np.save(paths[-1], array)
    script = [sys.executable, str(tmp_path / "inference.py"), *paths]
    done = subprocess.run(script, cwd="/", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout, interpreter, inputs, outputs


@pytest.mark.parametrize("name", ["float32", "int8", "int16x8", "dynamic_range"])
def test_real_values_in_real_values_out(tmp_path, name):
    image = np.random.default_rng(0).random((8, 8, 1), dtype=np.float32)
    printed, interpreter, inputs, outputs = run(tmp_path, name, [image], labels=("a", "b", "c"))
    scale, zero = inputs[0]["quantization"]
    stored = image[None]
    if scale:
        limits = np.iinfo(inputs[0]["dtype"])
        stored = np.clip(np.round(stored / scale + zero), limits.min, limits.max).astype(inputs[0]["dtype"])
    interpreter.set_tensor(inputs[0]["index"], stored)
    interpreter.invoke()
    scale, zero = outputs[0]["quantization"]
    answer = interpreter.get_tensor(outputs[0]["index"]).astype(np.float32)
    answer = (answer - zero) * scale if scale else answer
    numbers, label = printed.split("]]")
    np.testing.assert_allclose(np.fromstring(numbers.strip("[ "), sep=" "), answer[0], atol=1e-4)
    assert label.strip() == "abc"[int(answer.argmax())]


def test_several_inputs_and_outputs(tmp_path):
    printed, _, inputs, outputs = run(
        tmp_path, "two_inputs", [np.ones((1, 3, 4), np.float32), np.ones((1, 4, 2), np.float32)]
    )
    assert len(inputs) == 2 and len(outputs) == 2
    assert printed.count("[[") >= 2


def test_the_script_has_ten_lines_or_so(tmp_path):
    one = InputFacts(name="x", shape=(1, 2), dtype="int8", scale=0.5, zero_point=-3)
    chosen = Chosen(candidate="c", steps=(), path="p", sha256="", metrics={}, inputs=(one,), outputs=(one,))
    lines = [line for line in inference_script(chosen, device="rpi4").splitlines() if not line.startswith("#")]
    assert len(lines) <= 13
    assert "0.5 + (-3)" in "\n".join(lines)


def test_an_input_of_the_model_that_the_file_does_not_have_is_told():
    one = InputFacts(name="x", shape=(1, 2), dtype="float32")
    chosen = Chosen(candidate="c", steps=(), path="p", sha256="", metrics={}, inputs=(one,), outputs=(one,), held={"s\nr": "16000"})  # fmt: skip
    script = inference_script(chosen, device="rpi4")
    assert "# the input 's\\nr' is held at 16000: the file does not have it\n" in script
    assert "usage: python inference.py INPUT_0.npy," in script
    assert "// the input 's\\nr' is held at 16000: the file does not have it\n" in c_header(
        b"", chosen, device="esp32-s3"
    )


def test_a_port_in_one_line():
    port = InputFacts(name="x" * 99, shape=(1, 2), dtype="int8", low=0.0, high=1.0, scale=0.5, zero_point=-3)
    assert describe(port) == f"{'x' * 37}... int8 [1, 2], real values 0 to 1, real = (stored + 3) * 0.5"


def test_a_name_with_a_line_break_stays_in_its_comment():
    port = InputFacts(name="x\nimport os", shape=(1,), dtype="float32")
    chosen = Chosen(candidate="c\nd", steps=(), path="p", sha256="", metrics={}, inputs=(port,), outputs=())
    script = inference_script(chosen, device="rpi4")
    assert "\nimport os" not in script.replace("\nimport sys", "")
    compile(script, "inference.py", "exec")


GRAY = Decoding(grayscale=True, scale=1 / 255)


def script_for(tmp_path, decoding, name="int8", labels=("a", "b", "c")):
    """The script of a golden model of 8 x 8 x 1 beside that model, and a function that runs it as a person would."""
    interpreter_module = pytest.importorskip("ai_edge_litert.interpreter")
    model = GOLDEN / f"{name}.tflite"
    interpreter = interpreter_module.Interpreter(model_path=str(model))
    chosen = Chosen(
        candidate=name,
        steps=(),
        path="model.tflite",
        sha256="",
        metrics={},
        inputs=facts(interpreter.get_input_details()),
        outputs=facts(interpreter.get_output_details()),
    )
    (tmp_path / "model.tflite").write_bytes(model.read_bytes())
    text = inference_script(chosen, device="rpi4", labels=len(labels), decoding=decoding)
    (tmp_path / "inference.py").write_text(text)
    (tmp_path / "labels.txt").write_text("".join(f"{label}\n" for label in labels))

    def ask(*arguments):
        command = [sys.executable, str(tmp_path / "inference.py"), *map(str, arguments)]
        return subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=60)

    return ask


def gradient(size=(8, 8)) -> np.ndarray:
    return np.linspace(0, 255, size[0] * size[1]).reshape(size).astype(np.uint8)


def test_a_picture_gives_what_its_decoded_pixels_give(tmp_path):
    """A fresh process, the path alone: what comes out is what the array of that picture gives."""
    image = pytest.importorskip("PIL.Image")
    ask = script_for(tmp_path, GRAY)
    image.fromarray(gradient()).save(tmp_path / "photo.png")
    np.save(tmp_path / "photo.npy", gradient().astype(np.float32) * np.float32(1 / 255))
    by_picture, by_array = ask(tmp_path / "photo.png"), ask(tmp_path / "photo.npy")
    assert by_picture.returncode == 0, by_picture.stderr
    assert by_picture.stdout == by_array.stdout
    assert by_picture.stdout.split()[-1] in ("a", "b", "c")


def test_a_picture_of_another_size_is_brought_to_the_models(tmp_path):
    image = pytest.importorskip("PIL.Image")
    ask = script_for(tmp_path, GRAY)
    image.fromarray(gradient((30, 20))).convert("RGB").save(tmp_path / "photo.jpg")
    done = ask(tmp_path / "photo.jpg")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest", "antialias"])
@pytest.mark.parametrize("grayscale", [True, False])
@pytest.mark.parametrize("size", [(8, 8), (5, 13), (31, 17)])
@pytest.mark.parametrize("mode", ["RGB", "L", "LA", "P", "RGBA", "CMYK", "1", "I;16"])
def test_pictures_are_decoded_as_the_data_was(tmp_path, mode, size, grayscale, interpolation):
    """The script's own text against the reader of the training data, to the bit."""
    decode = pytest.importorskip("edgekit.ingest.pictures").decode
    image = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(1).integers(0, 256, (17, 31, 3), dtype=np.uint8)
    made = image.fromarray(pixels).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        made = image.fromarray(np.asarray(made).astype(np.uint16) * 257)
    path = tmp_path / ("photo.tif" if mode == "CMYK" else "photo.png")
    made.save(path)
    options = {"image_size": size, "interpolation": interpolation, "grayscale": grayscale}
    space: dict = {"np": np}
    exec(picture_text(), {"__name__": "script", "np": np}, space)
    found = space["picture"](str(path), size, "L" if grayscale else "RGB", interpolation)
    np.testing.assert_array_equal(found, decode(path, options).pixels)


@pytest.mark.parametrize("kind", ["floats", "text", "missing"])
def test_what_is_no_picture_is_an_error(tmp_path, kind):
    image = pytest.importorskip("PIL.Image")
    ask = script_for(tmp_path, GRAY)
    path = tmp_path / "photo.tif"
    if kind == "floats":
        image.fromarray(np.ones((8, 8), np.float32)).save(path)
    elif kind == "text":
        path.write_text("no picture")
    done = ask(path)
    assert done.returncode != 0 and "photo.tif" in done.stderr and "Traceback" not in done.stderr


def test_beside_pictures_an_array_that_is_none_or_of_another_shape_is_an_error_in_a_line(tmp_path):
    ask = script_for(tmp_path, GRAY)
    np.save(tmp_path / "other.npy", np.zeros(5, np.float32))
    (tmp_path / "text.npy").write_text("no array")
    for name in ("other.npy", "text.npy", "missing.npy"):
        done = ask(tmp_path / name)
        assert done.returncode == 1 and f"{name}: " in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("shape", [(5,), (8, 8, 3), (2, 8, 8, 1)])
def test_an_array_of_another_size_is_told_with_both_shapes(tmp_path, shape):
    ask = script_for(tmp_path, None)
    np.save(tmp_path / "other.npy", np.zeros(shape, np.float32))
    done = ask(tmp_path / "other.npy")
    assert (done.returncode, done.stdout) == (1, "") and "Traceback" not in done.stderr
    said = f"an array of shape {shape}, where (1, 8, 8, 1) is wanted: the batch may be left out"
    assert done.stderr.splitlines()[-1] == f"{tmp_path / 'other.npy'}: {said}"


@pytest.mark.parametrize("arguments", [(), ("photo.jpg",), ("a.npy", "b.npy")])
def test_without_a_folder_of_pictures_the_script_says_what_it_takes(tmp_path, arguments):
    done = script_for(tmp_path, None)(*arguments)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("usage: python inference.py INPUT_0.npy, arrays of real values")


@pytest.mark.parametrize("channels", [3, 1])
def test_a_decoding_that_does_not_give_the_input_is_left_out(channels):
    one = InputFacts(name="x", shape=(1, 8, 8, 4 - channels), dtype="float32")
    flat = InputFacts(name="x", shape=(1, 64), dtype="float32")
    decoding = Decoding(grayscale=channels == 1)
    assert not decoding.fits((one,)) and not decoding.fits((flat,)) and not decoding.fits((one, one))
    assert decoding.fits((InputFacts(name="x", shape=(1, 8, 8, channels), dtype="float32"),))


def test_the_decoding_is_what_the_project_declares(tmp_path):
    (tmp_path / "photos").mkdir()
    text = 'model = "m.keras"\n[data]\nsource = "photos"\ngrayscale = true\nscale = 0.5\nimage_size = [4, 4]\n'
    (tmp_path / "edgekit.toml").write_text(text)
    assert declared_decoding(load_project(tmp_path)) == Decoding(grayscale=True, scale=0.5)
    (tmp_path / "edgekit.toml").write_text(text.replace("photos", "data.npz"))
    assert declared_decoding(load_project(tmp_path)) is None


def test_an_array_in_the_order_of_the_onnx_model_is_refused(tmp_path):
    """Reshaped it would fit, and the answer would be wrong."""
    entry = InputFacts(
        name="image", shape=(1, 6, 5, 2), dtype="float32", layout="channels last, and not first as in the ONNX model"
    )
    chosen = Chosen(candidate="int8", steps=(), path="model.tflite", sha256="", metrics={}, inputs=(entry,), outputs=())
    script = inference_script(chosen, device="rpi4")
    defined = script[script.index("def ordered") : script.index("model.set_tensor")].rstrip()
    found: dict = {"np": np, "sys": sys}
    exec(defined, found)
    for name, shape in (("first", (2, 6, 5)), ("last", (6, 5, 2)), ("batch", (1, 6, 5, 2))):
        np.save(tmp_path / f"{name}.npy", np.zeros(shape, np.float32))
    assert found["ordered"](str(tmp_path / "last.npy"), entry.shape).shape == entry.shape
    assert found["ordered"](str(tmp_path / "batch.npy"), entry.shape).shape == entry.shape
    with pytest.raises(SystemExit, match="channels last"):
        found["ordered"](str(tmp_path / "first.npy"), entry.shape)
    (tmp_path / "text.npy").write_text("no array")
    for name in ("text.npy", "missing.npy"):
        with pytest.raises(SystemExit, match=f"{name}: "):
            found["ordered"](str(tmp_path / name), entry.shape)
