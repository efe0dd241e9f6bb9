"""A user's function: what identifies it without running it, and what is said when it cannot be called."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from edgekit.errors import DataError, ModelError
from edgekit.project.userfunction import (
    call,
    digest,
    import_modules,
    imported_packages,
    is_function,
    load,
    module_digest,
)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder of the user's modules; what is imported from it is forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(root, **sources):
    for name, source in sources.items():
        path = root / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("module:function", True), ("package.module:function", True), ("_m:_f", True), ("model.keras", False),
        ("C:/model.keras", False), ("a:b:c", False), (":f", False), ("m:", False), ("1m:f", False), ("a-b:f", False),
        ("folder/module:function", False),
    ],
)  # fmt: skip
def test_what_names_a_function(source, expected):
    assert is_function(source) is expected


def changed_by(root, spec, **sources) -> bool:
    before = digest(spec, root=root)
    write(root, **sources)
    return digest(spec, root=root) != before


def test_the_digest_follows_the_source_and_what_it_imports(root):
    write(
        root,
        **{
            "own_data": "import own_helper\nfrom own_pack import deep\nimport numpy\ndef make(): return 1\n",
            "own_helper": "A = 1\n",
            "own_pack/__init__": "",
            "own_pack/deep": "from . import beside\nfrom .. import nothing\n",
            "own_pack/beside": "from .below.lowest import B\n",
            "own_pack/below/__init__": "",
            "own_pack/below/lowest": "B = 1\n",
            "own_unrelated": "C = 1\n",
        },
    )
    spec = "own_data:make"
    assert digest(spec, root=root) == digest(spec, root=root)
    assert not changed_by(root, spec, own_unrelated="C = 2\n")
    assert changed_by(root, spec, own_helper="A = 2\n")
    assert changed_by(root, spec, **{"own_pack/deep": "from . import beside\nD = 2\n"})
    assert changed_by(root, spec, **{"own_pack/beside": "from .below.lowest import B\nE = 2\n"})
    assert changed_by(root, spec, **{"own_pack/below/lowest": "B = 2\n"})
    assert changed_by(root, spec, **{"own_pack/__init__": "F = 2\n"}), "a package's own file runs too"
    assert changed_by(root, spec, own_data="def make(): return 2\n")
    assert not changed_by(root, spec, own_helper="A = 3\n"), "it is not imported any more"


def test_the_digest_follows_name_and_version(root):
    write(root, own_data="def make(): return 1\ndef other(): return 1\n")
    digests = {
        digest("own_data:make", root=root),
        digest("own_data:make", root=root, version="2"),
        digest("own_data:other", root=root),
    }
    assert len(digests) == 3


def test_a_module_that_is_nowhere_is_an_error_before_anything_runs(root):
    (root / "own_folder").mkdir()  # a namespace package: it can be imported, and has no source
    for name in ("own_absent", "own_folder", "numpy.own_absent", "own_absent.deep"):
        with pytest.raises(ModelError) as caught:
            digest(f"{name}:make", root=root, error=ModelError)
        found = caught.value
        assert found.what == f"no module named {name!r}" and found.received == name
        assert str(root) in found.allowed and "--project" in found.next_step
    with pytest.raises(ModelError, match="own_absent"):
        module_digest(("own_absent",), root=root, error=ModelError)


@pytest.fixture
def beside(tmp_path_factory, root, monkeypatch):
    """A folder outside the project that modules are imported from too."""
    folder = tmp_path_factory.mktemp("beside")
    monkeypatch.syspath_prepend(folder)
    return folder


def test_the_digest_follows_sources_outside_the_project(root, beside):
    """As in a src layout, with an editable install, or beside the script."""
    write(root, own_data="import own_outer.inner.deep\n")
    write(beside, **{"own_outer/__init__": "", "own_outer/inner/deep": "from own_helper import A\n", "own_helper": ""})
    assert digest("own_outer.inner.deep:make", root=root) == digest("own_outer.inner.deep:make", root=root)
    for spec in ("own_data:make", "own_outer.inner.deep:make"):
        before = digest(spec, root=root)
        write(beside, own_helper=f"A = {spec!r}\n")
        assert digest(spec, root=root) != before


def test_a_finder_of_an_editable_install_is_asked(root, tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("editable")
    write(folder, own_hooked="A = 1\n")

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == "own_hooked":
                return importlib.util.spec_from_file_location(name, folder / "own_hooked.py")
            return None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    before = digest("own_hooked:make", root=root)
    write(folder, own_hooked="A = 2\n")
    assert digest("own_hooked:make", root=root) != before


def test_an_installed_distribution_counts_by_its_version(root, beside):
    packages = beside / "site-packages"
    write(packages, **{"own_dist/__init__": "import own_single\n", "own_single": "A = 1\n"})
    sys.path.append(str(packages))
    (packages / "Own.Dist-1.0.dist-info").mkdir()
    write(root, own_data="import own_dist\n", own_other="import own_single\n", own_third="import json\n")
    digests = [digest(f"own_{name}:make", root=root) for name in ("data", "other", "third")]
    write(packages, **{"own_dist/__init__": "B = 1\n", "own_single": "A = 2\n"})
    data, other, third = [digest(f"own_{name}:make", root=root) for name in ("data", "other", "third")]
    assert data == digests[0] and third == digests[2]
    assert other != digests[1], "a module without metadata of its name counts by its content"
    (packages / "Own.Dist-1.0.dist-info").rename(packages / "Own.Dist-1.1.dist-info")
    assert digest("own_data:make", root=root) != data


def test_content_that_moves_between_modules_changes_the_digest(root):
    write(root, own_data="import own_one\nimport own_two\n", own_one="A = 1\nB = 1\n", own_two="C = 1\n")
    assert changed_by(root, "own_data:make", own_one="A = 1\n", own_two="B = 1\nC = 1\n")


def test_modules_that_import_each_other_and_one_that_cannot_be_parsed(root):
    write(root, own_one="import own_two\n", own_two="import own_one\nimport own_broken\n", own_broken="def (:\n")
    assert digest("own_one:f", root=root)
    assert changed_by(root, "own_one:f", own_broken="def (((:\n")


def test_the_digest_runs_nothing(root):
    write(root, own_data="raise SystemExit('it was run')\n")
    assert digest("own_data:make", root=root)
    assert "own_data" not in sys.modules


def test_the_digest_of_modules_that_register_layers(root):
    write(root, own_layers="A = 1\n")
    first = module_digest(("own_layers", "numpy"), root=root)
    write(root, own_layers="A = 2\n")
    assert module_digest(("own_layers", "numpy"), root=root) != first
    assert module_digest(("numpy",), root=root) != module_digest(("scipy",), root=root)


def test_a_function_is_called_and_loaded(root):
    write(root, own_data="import own_helper\ndef make(): return own_helper.A\n", own_helper="A = 41\n")
    assert call("own_data:make", root=root, imports=("own_helper",), error=DataError) == 41
    assert load("own_data:make", root=root, error=DataError)() == 41


def problem(root, spec, error=DataError, imports=()):
    with pytest.raises(error) as caught:
        call(spec, root=root, imports=imports, error=error)
    return caught.value


def test_no_such_function_says_the_nearest(root):
    write(root, own_data="def make_data(): return 1\nNUMBER = 3\n")
    error = problem(root, "own_data:make_dat")
    assert error.what == "module 'own_data' has no function 'make_dat'"
    assert error.next_step == "did you mean 'make_data'?" and error.where == str(root / "own_data.py")
    assert "'NUMBER' of module 'own_data' is no function" in problem(root, "own_data:NUMBER").what
    with pytest.raises(DataError, match="has no function") as caught:
        load("own_data:zzz", root=root, error=DataError)
    assert caught.value.allowed == "make_data" and caught.value.next_step == "name a function of the module"


def test_no_such_module(root):
    error = problem(root, "own_absent:make", ModelError)
    assert error.what == "no module named 'own_absent'" and str(root) in error.allowed
    assert "--project" in error.next_step


def test_a_module_whose_import_is_missing_names_both(root):
    write(root, own_data="import own_absent_too\n")
    error = problem(root, "own_data:make")
    assert "own_absent_too" in error.what and "own_data" in error.where


@pytest.mark.parametrize("source", ["1 / 0\n", "\n\ndef (:\n"])
def test_a_module_that_cannot_be_imported_names_the_error(root, source):
    write(root, own_data=source)
    error = problem(root, "own_data:make")
    assert error.what == "the module cannot be imported"
    assert error.received.startswith(("ZeroDivisionError", "SyntaxError"))
    if "1 / 0" in source:
        assert error.where == f"{root / 'own_data.py'}:1"


def test_a_function_that_raises_names_the_line(root):
    write(root, own_data="def make():\n    return {}['x']\ndef own():\n    from edgekit.errors import DataError\n"
          "    raise DataError('said by the user')\n")  # fmt: skip
    error = problem(root, "own_data:make")
    assert error.what == "the function raised an error" and error.received == "KeyError: 'x'"
    assert error.where == f"{root / 'own_data.py'}:2"
    assert problem(root, "own_data:own").what == "said by the user"


@pytest.mark.parametrize("spec", ["data.npz", "", "a b:c"])
def test_what_is_no_function(root, spec):
    assert problem(root, spec).what == "not module:function"
    with pytest.raises(DataError, match="not module:function"):
        load(spec, root=root, error=DataError)


def test_an_import_that_there_is_not(root):
    with pytest.raises(ModelError, match="own_layers"):
        import_modules(("own_layers",), root=root, error=ModelError)


def test_the_packages_that_a_module_and_its_own_modules_import_are_named_without_importing_them(root):
    write(
        root,
        own_nets="import own_layers\nfrom numpy import zeros\ndef make(): return 1\n",
        own_layers="def f():\n    from no_such_package.nn import Module\n",
        own_other="import json\n",
    )
    assert {"own_nets", "own_layers", "numpy", "no_such_package"} <= imported_packages("own_nets", root=root)
    assert imported_packages("own_other", root=root) == {"own_other", "json"}
    assert "own_nets" not in sys.modules
