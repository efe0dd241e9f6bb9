"""What a file of PyTorch is whatever its name says: both doors, by `.pt2` and by `.pt`, say the same of it, and nothing is unpickled."""

from __future__ import annotations

import argparse
import collections
import io
import pickle
import zipfile

import pytest

from edgekit.errors import ModelError
from edgekit.torch_file.kinds import OLD_FORM
from edgekit.torch_file.program import require_program
from edgekit.torch_file.saved import require_torchscript

from .conftest import TORCHSCRIPT, members, pickled, zipped

WEIGHTS = collections.OrderedDict(w=1)
RUN: list[str] = []


class Network:
    """A module of the user's: unpickled, it would say that it was run."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return RUN.append, ("run",)


def flat(*names: str) -> bytes:
    """An archive whose members lie in no folder, as other formats have them."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return content.getvalue()


def old_form(value: object) -> bytes:
    """As torch.save wrote before PyTorch 1.6: pickles one after the other, then the numbers."""
    return OLD_FORM + b"".join(pickle.dumps(one, protocol=2) for one in (1001, {"little_endian": True}, value, [])) + bytes(8)  # fmt: skip


FILES = {
    "weights": (pickled(WEIGHTS), "weights, and no network", "load"),
    "weights of a later protocol": (zipped({"data.pkl": pickle.dumps(WEIGHTS, protocol=4)}), "weights, and no", "load"),
    "weights in the old form": (old_form(WEIGHTS), "weights, and no network", "module:function"),
    "a checkpoint": (pickled({"model": WEIGHTS, "args": argparse.Namespace(rate=0.1)}), "other objects", "checkpoint"),
    "a module": (pickled(Network()), "a pickled module", "torch.export.save"),
    "a module of a later protocol": (zipped({"data.pkl": pickle.dumps(Network(), protocol=5)}), "a pickled module", "class"),
    "a module in the old form": (old_form(Network()), "a pickled module", "torch.export.save"),
    "a broken pickle": (zipped({"data.pkl": b"\x80\x02}q"}), "damaged", "copy it again"),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("name", ["net.pt2", "net.pt"])
def test_what_holds_no_network_is_told_as_what_it_is_and_what_to_do(written, kind, name):
    content, said, step = FILES[kind]
    path = written(content, name)
    with pytest.raises(ModelError, match=said) as caught:
        require_program(path, trust=True) if name == "net.pt2" else require_torchscript(path, trust=True)
    assert step in caught.value.next_step and caught.value.where == str(path) and caught.value.exit_code == 2
    assert "archive" not in str(caught.value) and RUN == []


def test_what_is_pickled_is_named(written):
    with pytest.raises(ModelError) as caught:
        require_program(written(FILES["a checkpoint"][0]), trust=True)
    assert caught.value.received == "argparse.Namespace"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_torchscript_under_the_name_of_a_program_is_to_be_renamed_or_exported(written, method):
    with pytest.raises(ModelError, match=r"the file is TorchScript, and no program") as caught:
        require_program(written(zipped(TORCHSCRIPT, method=method)), trust=False)
    assert "net.pt and say --trust" in caught.value.next_step and "torch.export.save" in caught.value.next_step


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (flat("config.json", "metadata.json", "model.weights.h5"), "a .keras file"),
        (flat("x_train.npy", "y_train.npy"), "an .npz file"),
        (zipped(members())[:3000], "without its end"),
        (b"%PDF-1.7", "no zip archive"),
    ],
)
@pytest.mark.parametrize("name", ["net.pt2", "net.pt"])
def test_what_pytorch_did_not_write_is_told_in_words(written, content, said, name):
    path = written(content, name)
    with pytest.raises(ModelError, match="not a ") as caught:
        require_program(path, trust=True) if name == "net.pt2" else require_torchscript(path, trust=True)
    assert said in caught.value.received and "Error" not in caught.value.received
    assert "name the file by what it is" in caught.value.next_step
