"""Making and finding a sysroot: what archives may hold, what is whole, what is left of one that fails."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from edgekit.boards.emulator import make_sysroot as making_sysroot
from edgekit.boards.emulator.make_sysroot import make_sysroot
from edgekit.boards.emulator.processors import AARCH64, ARMV7L
from edgekit.boards.emulator.sysroot import MANIFEST, PYTHON, Sysroot, default_folder, find_sysroot, read_sysroot
from edgekit.boards.emulator.unpacking import relative_link, unpack_deb, unpack_wheel
from edgekit.errors import InputError, MissingExtraError, OutputError

needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed")


def member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o644
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def deb(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    """A package with any members, also those that dpkg-deb would never write: an `ar` archive (deb(5))."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    control = io.BytesIO()
    with tarfile.open(fileobj=control, mode="w") as archive:
        info, content = member(
            "./control", b"Package: p\nVersion: 1\nArchitecture: all\nMaintainer: m\nDescription: d\n"
        )
        archive.addfile(info, io.BytesIO(content))
    with path.open("wb") as file:
        file.write(b"!<arch>\n")
        for name, content in (
            ("debian-binary", b"2.0\n"), ("control.tar", control.getvalue()), ("data.tar", data.getvalue())
        ):  # fmt: skip
            file.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode())
            file.write(content + b"\n" * (len(content) % 2))
    return path


# Path.resolve() takes links in a circle as they are since Python 3.13, and the folder behind them cannot be made.
CIRCLE = "links in a circle" if sys.version_info < (3, 13) else "a file where it has a folder"
LINK, HARD, DEVICE, FIFO = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE


@needs_dpkg
def test_a_package_of_dpkg_is_unpacked_and_its_absolute_links_lead_inside(tmp_path):
    source = tmp_path / "source"
    (source / "DEBIAN").mkdir(parents=True)
    (source / "DEBIAN/control").write_text(
        "Package: p\nVersion: 1\nArchitecture: all\nMaintainer: m <m@example.org>\nDescription: d\n"
    )
    (source / "usr/bin").mkdir(parents=True)
    (source / "etc").mkdir()
    (source / "etc/a name with spaces").write_text("content")
    (source / "usr/bin/run").write_text("#!/bin/sh\n")
    (source / "usr/bin/run").chmod(0o4755)
    (source / "usr/absolute").symlink_to("/etc/a name with spaces")
    (source / "usr/relative").symlink_to("../etc/a name with spaces")
    os.link(source / "usr/bin/run", source / "usr/bin/same")
    package = tmp_path / "p.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", source, package], check=True, capture_output=True)
    root = tmp_path / "root"
    root.mkdir()
    unpack_deb(package, root)
    assert (root / "usr/absolute").read_text() == (root / "usr/relative").read_text() == "content"
    assert os.readlink(root / "usr/absolute") == "../etc/a name with spaces"
    assert stat.S_IMODE((root / "usr/bin/run").stat().st_mode) == 0o755, "no setuid bit"
    assert (root / "usr/bin/same").read_text() == "#!/bin/sh\n"
    unpack_deb(package, root)  # over what is there, as a newer version would be


@needs_dpkg
@pytest.mark.parametrize(
    ("members", "what"),
    [
        ([member("../evil", b"x")], "leads out"),
        ([member("usr/../../evil", b"x")], "leads out"),
        ([member("/evil", b"x")], "leads out"),
        ([member("a\\b", b"x")], "leads out"),
        ([member("out", type=LINK, linkname="../..")], "leads out"),
        ([member("usr/out", type=LINK, linkname="/../../etc")], "leads out"),
        ([member("hard", type=HARD, linkname="../../etc/passwd")], "leads out"),
        ([member("hard", type=HARD, linkname="usr/nothing")], "not there"),
        ([member("dev/null", type=DEVICE)], "neither file"),
        ([member("pipe", type=FIFO)], "neither file"),
        (
            [member("a", type=LINK, linkname="b"), member("b", type=LINK, linkname="a"), member("a/x", b"x")],
            "links in a circle",
        ),
        ([member("a", b"1"), member("a/x", b"x")], "a file where it has a folder"),
        ([member("a/x", b"x"), member("a", b"1")], "a file where it has a folder"),
    ],
)
def test_a_package_that_would_write_elsewhere_is_refused(tmp_path, members, what):
    root = tmp_path / "a/b/root"
    root.mkdir(parents=True)
    with pytest.raises(InputError) as caught:
        unpack_deb(deb(tmp_path / "p.deb", *members), root)
    assert what in caught.value.received and caught.value.where == "p.deb"
    assert [path for path in tmp_path.rglob("*") if path.name in ("evil", "passwd")] == []


@needs_dpkg
def test_a_file_never_goes_through_a_link_that_leads_out(tmp_path):
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    (root / "usr").symlink_to(elsewhere)  # whoever put it there
    with pytest.raises(InputError, match="does not unpack"):
        unpack_deb(deb(tmp_path / "p.deb", member("usr/evil", b"x")), root)
    assert list(elsewhere.iterdir()) == []


@needs_dpkg
def test_a_file_takes_the_place_of_a_link_and_not_of_what_it_leads_to(tmp_path):
    root, precious = tmp_path / "root", tmp_path / "precious"
    root.mkdir()
    precious.write_text("mine")
    (root / "link").symlink_to(precious)
    unpack_deb(deb(tmp_path / "p.deb", member("link", b"theirs")), root)
    assert precious.read_text() == "mine" and (root / "link").read_text() == "theirs"


@needs_dpkg
@pytest.mark.parametrize("kept", [0, 10, 300, 1500])
def test_half_a_package_is_refused(tmp_path, kept):
    package = deb(tmp_path / "p.deb", member("usr/file", b"x" * 5000))
    package.write_bytes(package.read_bytes()[:kept])
    with pytest.raises(InputError, match="does not unpack"):
        unpack_deb(package, tmp_path)


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "a\\..\\evil"])
def test_a_wheel_that_would_write_elsewhere_is_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "w.whl", "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "x")
    (tmp_path / "root").mkdir()
    with pytest.raises(InputError) as caught:
        unpack_wheel(tmp_path / "w.whl", tmp_path / "root")
    assert "leads out" in caught.value.received and not (tmp_path / "evil").exists()


def test_a_wheel_gives_its_modules_and_nothing_else(tmp_path):
    link = zipfile.ZipInfo("pkg/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "w.whl", "w") as archive:
        archive.writestr("pkg/__init__.py", "x = 1")
        archive.writestr("pkg-1.data/scripts/run", "no")
    with zipfile.ZipFile(tmp_path / "links.whl", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    unpack_wheel(tmp_path / "w.whl", tmp_path / "root")
    assert [path.name for path in (tmp_path / "root").rglob("*") if path.is_file()] == ["__init__.py"]
    with pytest.raises(InputError):
        unpack_wheel(tmp_path / "links.whl", tmp_path / "root")
    (tmp_path / "w.whl").write_bytes((tmp_path / "w.whl").read_bytes()[:60])
    with pytest.raises(InputError, match="does not unpack"):
        unpack_wheel(tmp_path / "w.whl", tmp_path / "root")


def test_links_say_what_leads_to_the_same_place():
    assert relative_link("a/b/c", "/x") == "../../x" and relative_link("c", "/x") == "x"
    assert relative_link("a/c", "../x/../y") == "../x/../y"
    for name, target in (("c", ".."), ("a/c", "../../x"), ("c", ""), ("c", "a\0b"), ("c", "/..")):
        with pytest.raises(InputError):
            relative_link(name, target)


def sysroot(folder: Path, **changes: object) -> Path:
    """A folder with a manifest, as `make_sysroot` writes it."""
    (folder / PYTHON).parent.mkdir(parents=True)
    (folder / PYTHON).write_text("python")
    manifest = {
        "schema_version": 1, "architecture": "aarch64", "python": "3.11.2", "numpy": "1.26.4", "packages": [],
        "runtimes": {"litert": "2.3.0"}, "files": {PYTHON: 6}, "emulator": "7.2.22",
    } | changes  # fmt: skip
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return folder


def test_a_whole_sysroot_is_found_where_the_variable_says(tmp_path, monkeypatch):
    sysroot(tmp_path / "aarch64")
    monkeypatch.setenv("EDGEKIT_SYSROOTS", str(tmp_path))
    found = find_sysroot(AARCH64)
    assert found.python == tmp_path / "aarch64" / PYTHON and found.manifest.runtimes == {"litert": "2.3.0"}
    other = read_sysroot(sysroot(tmp_path / "other", numpy="1.26.5"), AARCH64)
    assert isinstance(other, Sysroot) and other.digest != found.digest
    monkeypatch.delenv("EDGEKIT_SYSROOTS")
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "elsewhere"))
    assert not default_folder(AARCH64).is_relative_to(tmp_path), "a cache for one test is no place for it"


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda folder: shutil.rmtree(folder), "no such folder"),
        (lambda folder: (folder / MANIFEST).unlink(), "never finished"),
        (lambda folder: (folder / PYTHON).unlink(), "missing or damaged"),
        (lambda folder: (folder / PYTHON).write_text("pyth"), "missing or damaged"),
        (lambda folder: (folder / MANIFEST).write_text("{}"), "cannot be read"),
        (lambda folder: (folder / MANIFEST).write_bytes(b"\xff\xfe"), "cannot be read"),
        (lambda folder: (folder / MANIFEST).write_text("[" * 100_000), "cannot be read"),
    ],
)  # fmt: skip
def test_half_a_sysroot_is_not_used_and_the_message_says_how_to_make_one(tmp_path, spoil, what):
    folder = sysroot(tmp_path / "aarch64")
    spoil(folder)
    with pytest.raises(MissingExtraError) as caught:
        find_sysroot(AARCH64, folder)
    assert what in caught.value.received and caught.value.exit_code == 3
    assert "make_sysroot --arch aarch64" in caught.value.next_step


def test_a_sysroot_of_another_architecture_is_not_used(tmp_path):
    assert read_sysroot(sysroot(tmp_path / "aarch64"), ARMV7L) == "it is one of aarch64"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"runtimes": {}}, "its runtimes are"),
        ({"runtimes": {"litert": "2.3.0", "bogus": "1"}}, "bogus"),
        ({"runtimes": {"litert": "2.3\x1b[31m"}}, "is no version"),
        ({"python": "three"}, "'three' is no version"),
        ({"python": "3.11"}, "'3.11' is no version"),
        ({"numpy": ""}, "is no version"),
    ],
)
def test_a_manifest_that_no_maker_wrote_is_not_used(tmp_path, changes, what):
    found = read_sysroot(sysroot(tmp_path / "s", **changes), AARCH64)
    assert isinstance(found, str) and what in found and found.isprintable()


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A PATH of nothing but small programs that the test writes; `qemu-aarch64` tells a version."""
    folder = tmp_path / "programs"
    folder.mkdir()

    def add(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    monkeypatch.setenv("PATH", str(folder))
    add("qemu-aarch64", "echo qemu-aarch64 version 7.2.22")
    return add


def test_without_the_emulator_nothing_is_made(tmp_path, programs, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtraError, match="qemu-aarch64 is not installed") as caught:
        make_sysroot(AARCH64, tmp_path / "out")
    assert "qemu-user" in caught.value.next_step and not (tmp_path / "out").exists()


def test_without_apt_nothing_is_made(tmp_path, programs):
    with pytest.raises(MissingExtraError, match="apt-get is not installed"):
        make_sysroot(AARCH64, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_a_network_apt_has_the_last_word_and_nothing_is_left(tmp_path, programs):
    programs("dpkg-deb", "exit 1")
    programs(
        "apt-get", 'echo "E: Failed to fetch the list" >&2; echo "E: Unable to locate package libc6" >&2; exit 100'
    )
    place = tmp_path / "place"
    with pytest.raises(MissingExtraError) as caught:
        make_sysroot(AARCH64, place / "out")
    assert caught.value.received == "Unable to locate package libc6" and caught.value.exit_code == 3
    assert "bookworm" in caught.value.allowed
    assert list(place.iterdir()) == []


def test_apt_is_asked_with_a_state_of_its_own(tmp_path, programs):
    programs("dpkg-deb", "exit 1")
    programs("apt-get", f'printf "%s\\n" "$@" > {tmp_path}/asked; exit 100')
    with pytest.raises(MissingExtraError):
        make_sysroot(AARCH64, tmp_path / "out", sources=tmp_path / "debian 12.list")
    asked = (tmp_path / "asked").read_text().splitlines()
    private = [
        option.partition("=")[2] for option in asked if option.startswith(("Dir::State", "Dir::Cache", "Dir::Log"))
    ]
    assert len(private) == 4 and all(path.startswith(str(tmp_path)) for path in private)
    assert "APT::Architecture=arm64" in asked and f"Dir::Etc::sourcelist={tmp_path}/debian 12.list" in asked
    assert not any("://" in option for option in asked), "the sources are the system's"


def test_what_is_not_a_sysroot_is_not_replaced(tmp_path, programs):
    programs("apt-get", "exit 100")
    programs("dpkg-deb", "exit 100")
    (tmp_path / "thesis.txt").write_text("years")
    with pytest.raises(OutputError, match="something else"):
        make_sysroot(AARCH64, tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years"


def test_the_one_that_is_there_stays_until_another_is_whole(tmp_path, programs):
    programs("apt-get", "exit 100")
    programs("dpkg-deb", "exit 100")
    folder = sysroot(tmp_path / "aarch64")
    assert make_sysroot(AARCH64, folder).folder == folder
    with pytest.raises(MissingExtraError):
        make_sysroot(AARCH64, folder, again=True)
    assert isinstance(read_sysroot(folder, AARCH64), Sysroot)


def test_what_a_killed_maker_left_is_swept(tmp_path, programs):
    programs("apt-get", "exit 100")
    programs("dpkg-deb", "exit 100")
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    left = tmp_path / f"{making_sysroot._SCRATCH}{os.uname().nodename}-{gone.pid}-abc"
    mine = tmp_path / f"{making_sysroot._SCRATCH}{os.uname().nodename}-{os.getpid()}-abc"
    left.mkdir()
    mine.mkdir()
    with pytest.raises(MissingExtraError):
        make_sysroot(AARCH64, tmp_path / "aarch64")
    assert not left.exists() and mine.exists()


def test_the_command_says_what_is_wrong(tmp_path, programs, capsys):
    assert making_sysroot.main(["--out", str(tmp_path / "out")]) == 3
    said = capsys.readouterr()
    assert "apt-get is not installed" in said.err and said.out == ""
