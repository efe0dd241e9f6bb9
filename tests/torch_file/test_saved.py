"""Files of torch.save and torch.jit.save: TorchScript takes trust, and what holds no network says what to do."""

from __future__ import annotations

import collections
import zipfile

import pytest

from edgekit.errors import ModelError, TrustError
from edgekit.torch_file.saved import is_saved, require_torchscript

from .conftest import TORCHSCRIPT, members, pickled, zipped


def test_the_endings_that_pytorch_uses(tmp_path):
    assert is_saved(tmp_path / "net.pt") and is_saved(tmp_path / "NET.JIT") and is_saved(tmp_path / "net.pth")
    assert not is_saved(tmp_path / "net.pt2") and not is_saved(tmp_path / "net.keras")


def test_torchscript_takes_trust(written):
    path = written(zipped(TORCHSCRIPT, method=zipfile.ZIP_DEFLATED), "net.pt")
    with pytest.raises(TrustError, match="TorchScript") as caught:
        require_torchscript(path, trust=False)
    assert "--trust" in caught.value.next_step and "torch.export" in caught.value.next_step
    require_torchscript(path, trust=True)


def test_weights_alone_ask_for_the_network(written):
    path = written(pickled(collections.OrderedDict(w=1)), "net.pth")
    with pytest.raises(ModelError, match="weights, and no network") as caught:
        require_torchscript(path, trust=True)
    assert "module:function" in caught.value.next_step


class Network:
    """Stands for a user's module."""


def test_a_pickled_module_asks_for_its_program(written):
    path = written(pickled(Network), "net.pt")
    with pytest.raises(ModelError, match="pickled module") as caught:
        require_torchscript(path, trust=True)
    assert "torch.export.save" in caught.value.next_step and caught.value.received.endswith("test_saved.Network")


def test_a_program_under_the_name_of_torchscript_is_to_be_renamed_and_needs_no_trust(written):
    with pytest.raises(ModelError, match=r"the file is a program of torch\.export") as caught:
        require_torchscript(written(members(), "net.pt"), trust=True)
    assert "net.pt2" in caught.value.next_step and "no trust" in caught.value.next_step


@pytest.mark.parametrize("content", [b"junk", zipped({"other": b"x"}), b"PK\x03\x04" + bytes(60)])
def test_what_is_no_archive_of_pytorch_is_refused(written, content):
    with pytest.raises(ModelError, match="not a file of TorchScript") as caught:
        require_torchscript(written(content, "net.jit"), trust=True)
    assert caught.value.received
