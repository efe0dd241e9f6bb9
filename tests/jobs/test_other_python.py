"""A child in the Python of another environment: it finds edgekit and the user's modules, and nothing that is installed for this one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from edgekit.jobs.other_python import command, module_path
from edgekit.jobs.worker import Done, Worker

CHILDREN = Path(__file__).parent / "children"


def test_this_python_gets_the_parents_folders(monkeypatch):
    monkeypatch.setattr(sys, "path", ["/users/folder", "", f"{sys.prefix}/lib/python3/site-packages"])
    assert module_path(None) == f"/users/folder{os.pathsep}{sys.prefix}/lib/python3/site-packages"
    assert command("small_child", None) == [sys.executable, "-m", "small_child"]


def test_another_python_gets_no_installed_packages_of_this_one(monkeypatch):
    installed = [
        f"{sys.prefix}/lib/python3/site-packages",
        "/usr/lib/python3/dist-packages",
        os.__file__.removesuffix("/os.py"),
    ]
    monkeypatch.setattr(sys, "path", ["/users/folder", *installed, "/usr/lib/python311.zip"])
    assert module_path("/other/python") == "/users/folder"


def test_a_child_in_a_named_python_serves_jobs(monkeypatch):
    """This environment's own Python stands for another one."""
    monkeypatch.syspath_prepend(CHILDREN)
    with Worker("small_child", python=sys.executable) as worker:
        answer = worker.run({"do": "count", "total": 1})
    assert isinstance(answer, Done) and answer.value["counted"] == 1
