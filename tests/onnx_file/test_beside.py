"""Constants in files beside a model: only in its own folder, and as long as the model says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgekit.errors import ModelError
from edgekit.onnx_file.beside import files_beside, require_sound


@pytest.fixture
def with_data(tmp_path, written):
    """A model in a folder of its own whose constant of 8 bytes lies in a file of a certain name, from a certain byte on."""

    def made(location: str, offset: int = 0) -> Path:
        folder = tmp_path / "model"
        folder.mkdir(exist_ok=True)
        path = folder / "net.onnx"
        constant = written.tensor("w", 2, location=location, offset=str(offset))
        path.write_bytes(written.model((5, constant), (11, written.port("x", 1, 3))))
        return path

    return made


def test_a_file_in_the_models_folder_is_taken_also_by_a_link_that_stays_in_it(with_data):
    path = with_data("parts/w.bin", offset=4)
    (path.parent / "parts").mkdir()
    (path.parent / "real.bin").write_bytes(bytes(12))
    (path.parent / "parts" / "w.bin").symlink_to("../real.bin")
    assert files_beside(path, require_sound(path)) == {"parts/w.bin": path.parent / "real.bin"}


@pytest.mark.parametrize(
    "location", ["../secret", "/etc/passwd", "a/../../secret", "C:\\secret", "a\\b", "a\0b", "", "."]
)
def test_a_place_outside_of_the_folder_is_refused(with_data, tmp_path, location):
    (tmp_path / "secret").write_bytes(bytes(100))
    with pytest.raises(ModelError, match=r"outside of its folder|no regular file") as caught:
        require_sound(with_data(location))
    assert caught.value.exit_code == 2


def test_a_link_out_of_the_folder_is_refused(with_data, tmp_path):
    path = with_data("w.bin")
    (tmp_path / "secret").write_bytes(bytes(100))
    (path.parent / "w.bin").symlink_to(tmp_path / "secret")
    with pytest.raises(ModelError, match="outside of its folder"):
        require_sound(path)


def test_a_missing_a_short_and_an_endless_file_are_refused(with_data):
    path = with_data("w.bin", offset=4)
    with pytest.raises(ModelError, match="is missing"):
        require_sound(path)
    (path.parent / "w.bin").write_bytes(bytes(11))
    with pytest.raises(ModelError, match="not whole"):
        require_sound(path)
    (path.parent / "w.bin").unlink()
    os.mkfifo(path.parent / "w.bin")
    with pytest.raises(ModelError, match="no regular file"):
        require_sound(path)


def test_an_input_that_no_memory_holds_is_refused(tmp_path, written):
    path = tmp_path / "net.onnx"
    path.write_bytes(written.model((11, written.port("x", "batch", 3, 2**20, 2**20))))
    with pytest.raises(ModelError, match="larger than any memory"):
        require_sound(path)


@pytest.mark.parametrize("size", [0, -3])
def test_a_size_that_no_sample_has_is_refused_and_one_of_minus_one_is_free(tmp_path, written, size):
    path = tmp_path / "net.onnx"
    path.write_bytes(written.model((11, written.port("x", "batch", 3, size, 8))))
    with pytest.raises(ModelError, match="'x' declares a size that no sample has") as caught:
        require_sound(path)
    assert caught.value.received == f"x[2] = {size}" and caught.value.exit_code == 2
    path.write_bytes(written.model((11, written.port("x", "batch", 3, -1, 8))))
    assert require_sound(path).inputs[0].shape == ("batch", 3, "", 8)
