"""What is said where a user's module or function fails: the user's own file and line, whatever raised, and the next step."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgekit.errors import ModelError
from edgekit.project.module_files import place_of
from edgekit.project.user_errors import users_line
from edgekit.project.userfunction import call


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder of the user's modules; what is imported from it is forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def refusal(root: Path, text: str, spec: str = "own_net:make", **others: str) -> ModelError:
    for name, content in {"own_net": text, **others}.items():
        (root / f"{name}.py").write_bytes(content.encode())
    with pytest.raises(ModelError) as caught:
        call(spec, root=root, imports=(), error=ModelError)
    assert caught.value.exit_code == 2 and caught.value.received and caught.value.next_step
    return caught.value


def at(root: Path, line: int, name: str = "own_net") -> str:
    return f"{root / name}.py:{line}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import json\ndef make():\n    return json.loads('{')\n", 3),  # raised in the standard library
        ("def make():\n    import numpy\n    numpy.zeros((2, 2)).reshape(3)\n", 3),  # in an installed package
        ("def make():\n    exec('1 / 0')\n", 2),  # in a text
        ("def make():\n    eval('1 +')\n", 2),  # a SyntaxError that is of no file
        (
            "def make():\n    try:\n        1 / 0\n    except Exception as e:\n        raise e from e\n",
            3,
        ),  # a chain that is a circle
        ("def make():\n    return make()\n", 2),
    ],
)
def test_an_exception_is_placed_at_the_last_line_of_the_users_own(root, text, line):
    found = refusal(root, text)
    assert found.what == "the function raised an error" and found.where == at(root, line)
    assert f"{sys.executable} -c 'import own_net; own_net.make()'" in found.next_step


def test_a_syntax_error_is_placed_where_it_is_written(root):
    found = refusal(root, "import json\n\ndef make(:\n")
    assert found.what == "the module cannot be imported" and found.where == at(root, 3)
    assert found.received.startswith("SyntaxError") and found.next_step == "mend that line"
    found = refusal(root, "import own_part\n", own_part="a = 1\n  b = 2\n", spec="own_net:make")
    assert found.where == at(root, 2, "own_part") and found.received.startswith("IndentationError")


@pytest.mark.parametrize("content", ["a = 1\0\n", "# coding: nonsense\n"])
def test_a_module_whose_text_cannot_be_read_is_named_as_a_file(root, content):
    found = refusal(root, content)
    assert found.where.startswith(str(root / "own_net.py")) and found.what == "the module cannot be imported"


def test_a_package_that_is_missing_is_placed_where_it_is_imported_and_told_how_to_install(root):
    for text in ("import json\nimport no_such_package.part\n", "def make():\n    import no_such_package\n"):
        found = refusal(root, text)
        sys.modules.pop("own_net", None)
        assert found.what == "no module named 'no_such_package'" and found.where == at(root, 2)
        assert f"{sys.executable} -m pip install" in found.next_step and str(root) in found.allowed


def test_a_name_that_a_package_lacks_is_placed_too(root):
    found = refusal(root, "from json import no_such_name\n")
    assert found.where == at(root, 1) and "no_such_name" in found.received


def test_an_exception_that_cannot_say_its_message_is_told_by_its_type(root):
    text = "class Odd(Exception):\n    def __str__(self):\n        raise ValueError\ndef make():\n    raise Odd\n"
    found = refusal(root, text)
    assert found.received == "Odd" and found.where == at(root, 5)


def test_what_is_no_function_is_told_by_its_type(root):
    found = refusal(root, "a = 1\nmake = 3\n")
    assert "is no function" in found.what and found.received == "int" and found.where == at(root, 2)


@pytest.mark.parametrize(
    ("text", "line"), [("import sys\nsys.exit(3)\n", 2), ("def make():\n    raise SystemExit('bye')\n", 2)]
)
def test_code_that_ends_the_process_is_told_so(root, text, line):
    found = refusal(root, text)
    assert "ends the process" in found.what and found.where == at(root, line)
    assert found.received in ("sys.exit(3)", "sys.exit('bye')") and "__main__" in found.next_step


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\ndef make(size, *, depth): return size\n", 2),
        ("class make:\n    def __init__(self, size): ...\n", 1),
        ("def inner(x): return x\nmake = inner\n", 2),
    ],
)
def test_a_function_that_needs_arguments_is_not_called(root, text, line):
    found = refusal(root, text)
    assert found.what == "the function needs arguments" and found.where == at(root, line)
    assert "missing a required argument" in found.received and "without any" in found.next_step


def test_arguments_with_defaults_are_none_that_are_needed(root):
    (root / "own_net.py").write_text("def make(size=3, *sizes, depth=1, **more): return size\n")
    assert call("own_net:make", root=root, imports=(), error=ModelError) == 3


def test_where_a_function_is_defined_is_read_from_the_source(root):
    text = "from json import loads\nif True:\n    pass\ndef make(): ...\nmade: int = 3\ndef make(): ...\n"
    (root / "own_net.py").write_text(text)
    assert place_of("own_net:make", root=root) == at(root, 6) and place_of("own_net:loads", root=root) == at(root, 1)
    assert (
        place_of("own_net:made", root=root) == at(root, 5) and place_of("own_net:gone", root=root) == at(root, 0)[:-2]
    )
    assert place_of("own_nowhere:make", root=root) == "own_nowhere:make"
    assert "own_net" not in sys.modules


def test_an_error_without_a_line_of_the_users_is_placed_otherwise():
    assert users_line(ValueError("of nobody"), "own_net:make") == "own_net:make"
