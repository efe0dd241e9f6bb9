"""The build script of an app: two devices, a gate, files for the packaging, an exit code."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.slow


def test_the_assets_are_there_only_where_every_device_passes(copied, run):
    script = copied("python_api") / "build_digits.py"
    out = script.parent / "out"
    done = run(sys.executable, script, out, folder=script.parent)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert [line.split(":")[:2] for line in lines[:2]] == [["pixel-4", " pass"], ["rpi4", " pass"]]
    assert len(lines) == 4, "the script has no guard, and ran once"
    shipped = {path.relative_to(out / "assets").as_posix(): path for path in (out / "assets").rglob("*.tflite")}
    assert set(shipped) == {"android/digits.tflite", "pi/digits.tflite"}
    assert shipped["pi/digits.tflite"].read_bytes() == (out / "rpi4" / "model.tflite").read_bytes()

    script.write_text(script.read_text().replace("LEAST_ACCURACY = 0.9", "LEAST_ACCURACY = 0.9999"))
    done = run(sys.executable, script, out, script.parent / "none", folder=script.parent)
    assert done.returncode == 1
    assert "where 0.9999 is asked for" in done.stdout
    assert not (script.parent / "none").exists()


def test_bad_input_ends_with_the_exit_code_of_the_command(copied, run):
    script = copied("python_api") / "build_digits.py"
    text = script.read_text().replace('"pixel-4": "android', '"pixel-44": "android')
    script.write_text(text.replace("epochs=15", "epochs=1"))
    done = run(sys.executable, script, folder=script.parent)
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean 'pixel-4'?" in done.stderr
