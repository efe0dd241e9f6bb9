"""`edgekit.lock` as a file: what it refuses, and that each thing that changed is named with its next step."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from edgekit.devices.profile import load_profile
from edgekit.documents.candidate import Step
from edgekit.documents.lockfile import (
    Loaded,
    Lock,
    LockedDevice,
    LockedFile,
    LockedInputs,
    LockedSource,
    device_differences,
    input_differences,
    read_lock,
)  # fmt: skip
from edgekit.errors import LockError, ProjectError
from edgekit.search.lock.hold import differ, others, write
from edgekit.search.lock.inputs import profile_digest
from edgekit.values import to_json

HASH = "0123456789abcdef" * 4


@pytest.fixture
def inputs() -> LockedInputs:
    return LockedInputs(
        model=LockedSource(source="model.keras", sha256=HASH),
        data=LockedSource(source="my:data", sha256=None),
        modules={"my": HASH, "numpy": "numpy-2.4.6.dist-info"},
        settings={"seed": 0, "training.loss": None, "imports": []},
        versions={"python": "3.11.7", "tensorflow": "2.21.0", "edgekit": "316a1729cf671255"},
    )


@pytest.fixture
def device() -> LockedDevice:
    steps = (Step(technique="pruning", settings={"sparsity": 0.5}), Step(technique="int8"))
    return LockedDevice(
        profile=HASH,
        limits={"accuracy_drop": 1.0},
        loaded=Loaded(model=HASH, data=HASH),
        processor="x86_64 one",
        outcome="pass",
        baseline=LockedFile(candidate="float32", steps=(Step(technique="float32"),), sha256=HASH),
        artifact=LockedFile(candidate="pruning_50+int8", steps=steps, sha256=HASH),
    )


@pytest.fixture
def lock(inputs, device) -> Lock:
    return Lock(schema_version=1, edgekit_version="0.1.0", inputs=inputs, devices={"rpi4": device})


def changed(lock: Lock, **changes) -> dict[str, tuple[str, str, str]]:
    found = input_differences(lock, msgspec.structs.replace(lock.inputs, **changes))
    return {one.what: (one.locked, one.now, one.next_step) for one in found}


def test_builds_that_end_together_keep_each_others_devices(inputs, device, tmp_path):
    names = [f"device-{number}" for number in range(24)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: write(tmp_path / "edgekit.lock", inputs, {name: device}), names))
    assert sorted(read_lock(tmp_path / "edgekit.lock").devices) == sorted(names)
    assert [path.name for path in tmp_path.iterdir()] == ["edgekit.lock"]


def test_what_is_written_is_read_again(lock, tmp_path):
    write(tmp_path / "edgekit.lock", lock.inputs, lock.devices)
    again = read_lock(tmp_path / "edgekit.lock")
    assert (again.inputs, again.devices) == (lock.inputs, lock.devices)
    assert again.devices["rpi4"].artifact.steps[0].settings == {"sparsity": 0.5}
    assert [path.name for path in tmp_path.iterdir()] == ["edgekit.lock"], "nothing else is left"
    assert not list(input_differences(again, lock.inputs))
    assert not list(device_differences("rpi4", again.devices["rpi4"], HASH, {"accuracy_drop": 1.0}))


def test_each_change_is_named_with_what_it_was_what_it_is_and_what_to_do(lock):
    other = "f" * 64
    (found,) = changed(lock, model=LockedSource(source="other.keras", sha256=other)).items()
    assert found[0] == "the model" and found[1][:2] == (f"model.keras {HASH[:16]}", f"other.keras {other[:16]}")
    assert set(changed(lock, data=LockedSource(source="my:other", sha256=None))) == {"the data"}
    assert set(changed(lock, modules={**lock.inputs.modules, "my": other})) == {"module my"}
    assert changed(lock, settings={**lock.inputs.settings, "seed": 1})["setting seed"][:2] == ("0", "1")
    versions = {"python": "3.12.1", "tensorflow": "2.22.0", "edgekit": "f" * 16, "pillow": "12"}
    found = changed(lock, versions=versions)
    assert found["version of tensorflow"][:2] == ("2.21.0", "2.22.0")
    assert 'pip install "tensorflow==2.21.0"' in found["version of tensorflow"][2]
    assert "use Python 3.11.7" in found["version of python"][2]
    assert "the edgekit that wrote the lock (0.1.0" in found["version of edgekit"][2]
    assert found["version of pillow"][0] == "none" and "uninstall pillow" in found["version of pillow"][2]
    assert all("--lock" in step for _, _, step in found.values())


def test_a_key_with_no_value_is_not_a_key_that_is_missing(lock):
    without = {name: value for name, value in lock.inputs.settings.items() if name != "training.loss"}
    assert set(changed(lock, settings=without)) == {"setting training.loss"}


def test_a_model_that_moved_is_the_same_model(lock):
    assert not changed(lock, model=LockedSource(source="models/model.keras", sha256=HASH))


def test_limits_and_profile_are_the_devices_own(device):
    found = list(device_differences("rpi4", device, "f" * 64, {"accuracy_drop": 0.5, "flash": 1000.0}))
    assert [one.what for one in found] == [
        "rpi4: limit on accuracy_drop", "rpi4: limit on flash", "rpi4: device profile",
    ]  # fmt: skip
    assert [(one.locked, one.now) for one in found][:2] == [("1.0", "0.5"), ("none", "1000.0")]


def test_the_error_lists_every_difference(lock, tmp_path):
    found = list(input_differences(lock, msgspec.structs.replace(lock.inputs, settings={}, versions={})))
    error = differ("changed", tmp_path, found)
    assert type(error) is LockError and error.exit_code == 1
    assert error.differences == tuple(found) and len(found) == 6
    assert str(error).count("next: ") == 6 and "6 differences" in str(error)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"[]", b"\xff\xfe\x00", b"<<<<<<< HEAD\n{}", b'{"schema_version": 1}', b"[" * 100_000, b"\x00" * 5_000_000,
        b'{"schema_version": 2, "edgekit_version": "9", "inputs": {}, "devices": {}}', b'{"schema_version": 1e999}',
        b'{"name": "npm", "lockfileVersion": 3, "packages": {}}',
    ],
)  # fmt: skip
def test_what_is_no_lock_is_an_error_that_says_so(tmp_path, text):
    path = tmp_path / "edgekit.lock"
    path.write_bytes(text)
    with pytest.raises(ProjectError) as caught:
        read_lock(path)
    assert "not a lock" in caught.value.what and caught.value.where == str(path) and caught.value.next_step
    with pytest.raises(ProjectError):
        others(path, None, [])
    assert path.read_bytes() == text, "a foreign file is never written over"


def test_any_key_of_another_type_is_refused_by_name(lock, tmp_path):
    path = tmp_path / "edgekit.lock"
    raw = json.loads(to_json(lock))
    raw["devices"]["rpi4"]["artifact"]["steps"][0]["technique"] = 5
    path.write_text(json.dumps(raw))
    with pytest.raises(ProjectError, match="not a lock") as caught:
        read_lock(path)
    assert "technique" in caught.value.received
    path.unlink()
    path.mkdir()
    with pytest.raises(ProjectError, match="cannot be read"):
        read_lock(path)
    with pytest.raises(ProjectError, match="there is no") as caught:
        read_lock(tmp_path / "none")
    assert "--lock" in caught.value.next_step


def test_other_devices_are_kept_where_they_are_of_the_same_and_never_lost_otherwise(lock, tmp_path):
    path = tmp_path / "edgekit.lock"
    write(path, lock.inputs, lock.devices)
    write(path, lock.inputs, {"esp32-s3": lock.devices["rpi4"]})
    assert list(read_lock(path).devices) == ["esp32-s3", "rpi4"]
    changed = msgspec.structs.replace(lock.inputs, settings={**lock.inputs.settings, "seed": 1})
    with pytest.raises(ProjectError, match="other devices") as caught:
        others(path, changed, ["rpi4"])
    assert "setting seed" in caught.value.received and "--device esp32-s3" in caught.value.next_step
    assert others(path, changed, ["rpi4", "esp32-s3"]) == {}


def test_what_is_read_live_of_this_machine_is_not_locked():
    host = load_profile("host")
    assert host.live
    other = msgspec.structs.replace(
        host, memory=msgspec.structs.replace(host.memory, ram=msgspec.structs.replace(host.memory.ram, value=1.0))
    )
    assert profile_digest(other) == profile_digest(host)
    renamed = msgspec.structs.replace(host, name="another")
    assert profile_digest(renamed) != profile_digest(host)
    rpi4 = load_profile("rpi4")
    slower = msgspec.structs.replace(
        rpi4, memory=msgspec.structs.replace(rpi4.memory, ram=msgspec.structs.replace(rpi4.memory.ram, value=1.0))
    )
    assert profile_digest(slower) != profile_digest(rpi4)


def test_a_setting_that_a_lock_did_not_know_cannot_be_set_as_it_was(lock):
    """A lock of an earlier edgekit."""
    now = msgspec.structs.replace(lock.inputs, settings={**lock.inputs.settings, "keep_names": False})
    (one,) = input_differences(lock, now)
    assert one.what == "setting keep_names" and one.next_step.startswith("install the locked edgekit")
