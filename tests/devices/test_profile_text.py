"""A profile's file that cannot be read, or has no end, is an error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgekit.devices.profile import load_profile
from edgekit.errors import ProfileError


def test_a_missing_file_a_folder_and_a_binary_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="cannot be read"):
        load_profile(tmp_path / "none.toml")
    with pytest.raises(ProfileError, match="cannot be read"):
        load_profile(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProfileError, match="not a text file"):
        load_profile(tmp_path / "binary.toml")


@pytest.mark.parametrize("given", ["/dev/zero", "pipe", "large.toml"])
def test_what_has_no_end_is_no_profile(tmp_path: Path, given: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large.toml").write_text("#" * 2**21)
    with pytest.raises(ProfileError, match=r"cannot be read|too large"):
        load_profile(tmp_path / given)
