"""Why a path leads to nothing, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.paths import next_step_for, why_absent


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("there", ""),
        ("gone", ""),
        ("dangling", "a link to gone"),
        ("circle", "symbolic links in a circle: circle is a link to circle"),
        ("circle/model.onnx", "symbolic links in a circle: circle is a link to circle"),
        ("there/model.onnx", "a file stands where its folder should be"),
        ("a" * 5000, "a name that is too long for the file system"),
        ("a\0b", "a name with a null character"),
    ],
)
def test_the_reason(tmp_path, path, reason):
    (tmp_path / "there").write_text("")
    (tmp_path / "dangling").symlink_to("gone")
    (tmp_path / "circle").symlink_to("circle")
    assert why_absent(tmp_path / Path(path)) == reason
    assert bool(next_step_for(reason)) == reason.startswith("symbolic links")
