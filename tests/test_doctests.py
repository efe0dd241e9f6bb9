"""The examples in docstrings and in docs/api.md give what they say.

Every module with an example in it is run, so that a new one needs no entry here. In the page an example behind
`<!-- doctest: slow -->` needs TensorFlow: it runs with the slow tests, in a folder of its own.
"""

from __future__ import annotations

import doctest
import importlib
import re
import shutil
import sys
from pathlib import Path

import pytest

import edgekit

ROOT = Path(__file__).resolve().parent.parent
PAGE = "docs/api.md"
SLOW = "<!-- doctest: slow -->\n"
WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "edgekit").rglob("*.py")
    if re.search(r"^\s*>>> ", path.read_text(encoding="utf-8"), re.MULTILINE)
)


def examples(*, slow: bool) -> list[str]:
    """The page's examples of one kind, fence by fence."""
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    fences = re.findall(rf"({re.escape(SLOW)})?^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [body for mark, body in fences if bool(mark) == slow and ">>>" in body]


def run(text: str) -> doctest.TestResults:
    test = doctest.DocTestParser().get_doctest(text, {}, PAGE, PAGE, 0)
    return doctest.DocTestRunner().run(test)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_examples_of_a_module(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0 and found.failed == 0


def test_the_examples_of_the_api_page(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path))
    with_tensorflow = [name for name in sys.modules if name.split(".")[0] == "tensorflow"]
    for name in with_tensorflow:  # of an earlier test: the page says that edgekit imports none
        monkeypatch.delitem(sys.modules, name)
    text = "".join(examples(slow=False))
    found = run(text)
    assert found.attempted > 20 and found.failed == 0


@pytest.mark.slow
def test_the_examples_of_the_api_page_that_need_tensorflow(monkeypatch, tmp_path):
    shutil.copytree(ROOT / "examples" / "digits", tmp_path / "examples" / "digits")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "cache"))
    found = run("".join([">>> import edgekit\n", *examples(slow=True)]))
    assert found.attempted > 5 and found.failed == 0


def test_every_function_of_the_page_has_an_example():
    text = "".join([*examples(slow=False), *examples(slow=True)])
    functions = [name for name in edgekit.__all__ if name.islower()]
    assert [name for name in functions if f"edgekit.{name}(" not in text] == []
