"""The CMake function: models become linked objects, are made again after a change, and stop the build where none fits."""

from __future__ import annotations

import shutil
import time

import pytest

MISSING = [tool for tool in ("cmake", "gcc", "g++", "nm") if shutil.which(tool) is None]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")]
GENERATORS = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(tool) is None, reason=f"no {tool}"))
    for name, tool in (("Ninja", "ninja"), ("Unix Makefiles", "make"))
]


@pytest.fixture(params=GENERATORS)
def build(request, copied, run):
    """Configures the example and returns a function that builds it."""
    folder = copied("cmake")
    assert run("cmake", "-S", ".", "-B", "out", "-G", request.param, folder=folder).returncode == 0
    return folder, lambda: run("cmake", "--build", "out", folder=folder)


@pytest.mark.micro
def test_two_models_in_one_program(build, run):
    folder, make = build
    assert make().returncode == 0
    models = {name: folder / "out/edgekit" / name / "model.tflite" for name in ("digits_rpi4", "digits_nucleo")}
    done = run("out/show", *models.values(), folder=folder)
    assert done.returncode == 0
    for name, path in models.items():
        assert f"{name}: {path.stat().st_size} bytes, aligned to 16, TFL3\n" in done.stdout
        assert f"equals {path}\n" in done.stdout
    assert "digits_nucleo: arena " in done.stdout
    symbols = run("nm", "out/show", folder=folder).stdout
    assert all(f" R {name}\n" in symbols and f" R {name}_len\n" in symbols for name in models)  # constant, so in flash

    made = {path: path.stat().st_mtime_ns for path in [*models.values(), folder / "out/show"]}
    again = make()
    assert again.returncode == 0 and "edgekit: " not in again.stdout
    assert made == {path: path.stat().st_mtime_ns for path in made}

    time.sleep(0.01)
    (folder.parent / "digits" / "digits.npz").touch()
    assert "edgekit: digits_rpi4 for rpi4" in make().stdout
    assert all(path.stat().st_mtime_ns > before for path, before in made.items())

    lists = folder / "CMakeLists.txt"
    lists.write_text(lists.read_text().replace("64KiB", "9KiB"))
    assert all(make().returncode != 0 for _ in range(2))  # and not only the first time


def test_a_wrong_device_ends_the_configuration(copied, run):
    folder = copied("cmake")
    lists = folder / "CMakeLists.txt"
    lists.write_text(lists.read_text().replace("DEVICE rpi4", "DEVICE rpi44"))
    done = run("cmake", "-S", ".", "-B", "out", folder=folder)
    assert done.returncode != 0
    assert "did you mean 'rpi4'?" in done.stderr
