"""The inference script that goes with a model for Linux and Android: a few lines that show how to feed it.

It is made for one model: dtype, scale and zero point of each input and output are numbers in it. If the data is
a folder of pictures, it takes a picture and decodes it as the training data was.
"""

from __future__ import annotations

import math

from edgekit.documents.facts import held_words
from edgekit.documents.report import Chosen, InputFacts
from edgekit.emit.picture_decoding import Decoding, picture_text

# sys.path[0] is the script's own folder (Python's documentation of sys.path).
_HEAD = """\
import importlib.util
import sys
import numpy as np
{picture}{usage}
package = ("ai_edge_litert" if importlib.util.find_spec("ai_edge_litert") else "tflite_runtime") + ".interpreter"
model = importlib.import_module(package).Interpreter(model_path=sys.path[0] + "/model.tflite", num_threads={threads})
model.allocate_tensors()
"""
_READ = """\
try:
    real = ({read}).reshape({slot}["shape"])
except (OSError, ValueError) as problem:
    sys.exit({path} + ": " + str(problem))
"""
_SIZED = """\
array_{index} = np.load({path})
array_{index}.size == {size} or sys.exit(f"{{{path}}}: an array of shape {{array_{index}.shape}}, where {shape} is wanted: the batch may be left out")
"""
_ORDERED = """\
def ordered(path, shape):
    try:
        array = np.load(path)
    except (OSError, ValueError, EOFError) as problem:
        sys.exit(f"{path}: {problem}")
    if array.shape not in (shape, shape[1:]):
        sys.exit(f"{path}: an array of shape {array.shape}, where {shape} is wanted: channels last, the batch may be left out")
    return array.reshape(shape)
"""
"""Reads an array for an input in another order than that of the model that was given: reshaping one in the other order would give wrong answers."""
NAME_LENGTH = 40  # a converter may join the names of every fused layer
_RANGES = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


def inference_script(chosen: Chosen, *, device: str, labels: int = 0, decoding: Decoding | None = None) -> str:
    """The text of `inference.py`: takes one `.npy` of real values for each input, prints real values.

    `labels` is how many lines `labels.txt` has; with them the best class is printed too. With a `decoding` that fits
    the model's input the script also takes the path of a picture.
    """
    pictures = decoding if decoding is not None and decoding.fits(chosen.inputs) else None
    lines = [_head(chosen, pictures)]
    lines += [f"\n\n{_ORDERED}\n\n"] if any(facts.layout for facts in chosen.inputs) else []
    lines += [f"{_feed(index, facts, pictures)}\n" for index, facts in enumerate(chosen.inputs)]
    lines += ["model.invoke()\n"]
    lines += [_answer(index, facts) for index, facts in enumerate(chosen.outputs)]
    if labels and len(chosen.outputs) == 1 and math.prod(chosen.outputs[0].shape) == labels:
        lines += ['print(open(sys.path[0] + "/labels.txt", encoding="utf-8").read().splitlines()[answer_0.argmax()])\n']
    return "".join([_comment(chosen, device, pictures), *lines])


def _head(chosen: Chosen, pictures: Decoding | None) -> str:
    """Imports, the check of the arguments, and the interpreter; if pictures are taken, the code that decodes them."""
    latency = chosen.metrics.get("latency")
    count = len(chosen.inputs)
    is_right = f"len(sys.argv) == {count + 1}"
    said = _usage(chosen, pictures)
    if pictures is None:
        is_right = f'({is_right} and all(path.endswith(".npy") for path in sys.argv[1:]))'
        said += ", arrays of real values as the model takes them (numpy.save writes them)"
    usage = f"{is_right} or sys.exit({f'usage: {said}'!r})"
    text = _HEAD.format(
        threads=(latency.threads if latency else None) or 1,
        picture=f"\n\n{picture_text()}\n\n" if pictures else "",
        usage=usage,
    )
    return f"from __future__ import annotations\n{text}" if pictures else text


def _usage(chosen: Chosen, pictures: Decoding | None) -> str:
    names = ["PICTURE"] if pictures else [f"INPUT_{index}.npy" for index in range(len(chosen.inputs))]
    return " ".join(["python inference.py", *names])


def _comment(chosen: Chosen, device: str, pictures: Decoding | None) -> str:
    lines = [f"Runs model.tflite ({chosen.candidate} for {device}): {_usage(chosen, pictures)}"]
    if pictures:
        lines += ["PICTURE is decoded as the training data was (that needs Pillow), or an .npy file of real values"]
    lines += [f"input {index}: {describe(facts)}" for index, facts in enumerate(chosen.inputs)]
    lines += [f"output {index}: {describe(facts)}" for index, facts in enumerate(chosen.outputs)]
    lines += held_words(chosen.held)
    return "".join(f"# {' '.join(line.split())}\n" for line in lines)


def describe(facts: InputFacts) -> str:
    """One line on an input or output: name, dtype, shape, range of real values, scale and zero point."""
    name = facts.name if len(facts.name) <= NAME_LENGTH else f"{facts.name[: NAME_LENGTH - 3]}..."
    text = f"{name} {facts.dtype} [{', '.join(map(str, facts.shape))}]"
    if facts.low is not None and facts.high is not None:
        text += f", real values {facts.low:g} to {facts.high:g}"
    if facts.scale:
        text += f", real = {shifted(facts.zero_point or 0)} * {facts.scale:.6g}"
    return f"{text}, {facts.layout}" if facts.layout else text


def shifted(zero_point: int) -> str:
    """A stored value less the zero point, as it stands in a formula."""
    if zero_point == 0:
        return "stored"
    return f"(stored {'+' if zero_point < 0 else '-'} {abs(zero_point)})"


def _feed(index: int, facts: InputFacts, pictures: Decoding | None) -> str:
    slot, path = f"model.get_input_details()[{index}]", f"sys.argv[{index + 1}]"
    array = f'ordered({path}, tuple({slot}["shape"]))' if facts.layout else f"np.load({path})"
    real, before = array, ""
    if not facts.layout:
        before = _SIZED.format(index=index, path=path, size=math.prod(facts.shape), shape=facts.shape)
        real = f'array_{index}.reshape({slot}["shape"])'
    if pictures:
        read = f'{array} if {path}.endswith(".npy") else {pictures.call(path, facts.shape)}'
        before, real = _READ.format(read=read, slot=slot, path=path), "real"
    if facts.scale and facts.dtype in _RANGES:
        low, high = _RANGES[facts.dtype]
        real = f"np.clip(np.round({real} / {facts.scale!r} + {_signed(facts.zero_point)}), {low}, {high})"
    return f'{before}model.set_tensor({slot}["index"], {real}.astype("{facts.dtype}"))'


def _answer(index: int, facts: InputFacts) -> str:
    stored = f'model.get_tensor(model.get_output_details()[{index}]["index"])'
    if facts.scale and facts.dtype in _RANGES:
        stored = f'({stored}.astype("float32") - {_signed(facts.zero_point)}) * {facts.scale!r}'
    return f"answer_{index} = {stored}\nprint(answer_{index})\n"


def _signed(zero_point: int | None) -> str:
    return f"({zero_point})" if zero_point and zero_point < 0 else str(zero_point or 0)
