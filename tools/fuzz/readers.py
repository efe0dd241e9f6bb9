"""The process that reads damaged files, with edgekit's own functions, as `edgekit` itself does: it is the parent.

It takes jobs as JSON lines (`kind`, `route`, `path`) and answers each with what came of it. An `EdgekitError` is a
refusal, any other exception a fault. The native libraries are in the children that edgekit starts and keeps warm.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError
from edgekit.jobs.cache import Cache

JOB_LIMIT_S = 60.0
ADDRESS_SPACE = 16 << 30  # of this process and its children: a file that asks for more must not take the machine
ALLOWED_CODES = {0: "passes", 1: "fails a check"}
REFUSED_CODES = (2, 3)


class Readers:
    """What is kept between inputs: the cache, a worker with TensorFlow, a worker that reads data."""

    def __init__(self, corpus: Path, golden: Path) -> None:
        from edgekit.jobs.pool import Pool
        from edgekit.jobs.worker import Worker

        self.corpus, self.golden = corpus, golden
        self.cache = Cache()
        self._scratch = self.cache.scratch()
        self._temporary = self._scratch.__enter__()
        self.pool = Pool(1, temporary=self._temporary)
        self.ingest = Worker("edgekit.ingest")

    def close(self) -> None:
        """End the workers and remove their temporary folder."""
        self.pool.__exit__()
        self.ingest.close()
        self._scratch.__exit__(None, None, None)

    def tflite_read(self, path: Path) -> str:
        """All that is said of a file without running it."""
        from edgekit.devices.profile import load_profile
        from edgekit.measure.static import static
        from edgekit.tflite.reader import read_tflite
        from edgekit.tflite.weights import distinct_values, kernels

        for device in ("rpi4", "nucleo-l4r5zi"):
            static(path, load_profile(device))
        for kernel in kernels(read_tflite(path)):
            distinct_values(kernel.array, kernel.channel_axis)
        return "read"

    def tflite_given(self, path: Path) -> str:
        """A `.tflite` as the model of a build: its facts, and what is made of it without TensorFlow."""
        from edgekit.cost.lowering import lower
        from edgekit.ingest.from_tflite import facts_of
        from edgekit.tflite.float16_weights import with_float16_weights
        from edgekit.tflite.int8_weights import with_int8_weights
        from edgekit.tflite.reader import parse_tflite, read_tflite

        model = read_tflite(path)
        lower(facts_of(model, sha256="0" * 64))
        for write in (with_float16_weights, with_int8_weights):
            parse_tflite(write(model.content, where=str(path)), where=str(path))
        return "given"

    def tflite_check(self, path: Path) -> str:
        """`edgekit check`, with the interpreters in their children."""
        from edgekit import check

        device = "nucleo-l4r5zi" if path.stat().st_size % 4 == 0 else "rpi4"
        return f"outcome {check(path, device=device, time_limit_s=20.0).outcome}"

    def model_load(self, path: Path) -> str:
        """A model into the cache, as `plan` and `build` open it."""
        from edgekit.ingest.model import open_model
        from edgekit.project.project_file import ModelTable

        opened = open_model(
            ModelTable(source=str(path)), root=Path.cwd(), cache=self.cache, pool=self.pool, seed=0, trust=False,
            progress=_quiet, time_limit_s=JOB_LIMIT_S,
        )  # fmt: skip
        shutil.rmtree(opened.folder)
        return "loaded"

    def onnx_read(self, path: Path) -> str:
        """What an ONNX file says without its package, before any child sees it."""
        from edgekit.onnx_file.beside import require_sound

        require_sound(path)
        return "read"

    def torch_read(self, path: Path) -> str:
        """What a program of PyTorch says without PyTorch, and whether there is code in it."""
        from edgekit.torch_file.program import require_program

        require_program(path, trust=False)
        return "read"

    def torch_load(self, path: Path) -> str:
        """A program into the cache by PyTorch, where `EDGEKIT_TORCH_PYTHON` names a Python that has it."""
        from edgekit.machine.torch_python import torch_python

        return self.model_load(path) if torch_python() else self.torch_read(path)

    def npz_spool(self, path: Path) -> str:
        """The job that reads data, in a worker that stays warm."""
        return self._spool("npz", path)

    def table_spool(self, path: Path) -> str:
        """A table by its column `label`; every third with its other columns in their roles."""
        more: dict[str, Any] = {"target": "label"}
        size = path.stat().st_size
        if size % 3 == 0 and path.suffix == ".csv":
            more |= {"drop": ["who"], "group": None, "split": "fold", "missing": "drop"}
        elif size % 3 == 1 and path.suffix == ".csv":
            more |= {"drop": ["fold"], "group": "who", "window": 2, "target_kind": "classes"}
        else:
            more |= {"features": ["ax", "ay"]}
        return self._spool("table", path, **more)

    def picture_folder(self, path: Path) -> str:
        """A folder of classes with the picture in it, as it is or resized."""
        options = {"image_size": [7, 9]} if path.stat().st_size % 2 else {"grayscale": True}
        return self._spool("folder", self._photos(path), **options)

    def picture_init(self, path: Path) -> str:
        """`edgekit init` beside such a folder."""
        from edgekit.cli.init import write
        from edgekit.cli.starter import look

        self._photos(path)
        write(path.parent, look(path.parent))
        return "written"

    def _photos(self, path: Path) -> Path:
        photos = path.parent / "photos"
        for name in ("a", "b"):
            (photos / name).mkdir(parents=True)
            for number in range(3):
                shutil.copy(self.corpus / "sound.png", photos / name / f"{number}.png")
        shutil.copy(path, photos / "a" / "input.png")
        return photos

    def _spool(self, kind: str, path: Path, **more: Any) -> str:
        from edgekit.jobs.worker import Failed
        from edgekit.project.project_file import DataTable
        from edgekit.values import to_builtins

        options = {
            key: value for key, value in to_builtins(DataTable(source="")).items() if key not in ("source", "version")
        }
        with self.cache.scratch() as folder:
            job = {"do": "spool", "kind": kind, "source": str(path), "root": ".", "options": {**options, **more}, "wanted": {}, "whole": False,
                   "test_source": None, "seed": 0, "trust": False, "need": ("train", "test"), "key": "k", "target": str(folder)}  # fmt: skip
            answer = self.ingest.run(job, time_limit_s=JOB_LIMIT_S)
        if isinstance(answer, Failed):
            raise RuntimeError(f"{answer.reason}\n{answer.detail}")
        return "read"

    def npz_open(self, path: Path) -> str:
        """Data into the cache, as `build` opens it."""
        from edgekit.ingest.model import open_data
        from edgekit.project.project_file import DataTable

        data = open_data(
            DataTable(source=str(path)), root=Path.cwd(), cache=self.cache, progress=_quiet, time_limit_s=JOB_LIMIT_S
        )
        shutil.rmtree(data.root)
        return "read"

    def project_load(self, path: Path) -> str:
        """An `edgekit.toml` to a validated project."""
        from edgekit.project.project import load_project

        folder = path.parent / "folder"
        folder.mkdir(exist_ok=True)
        shutil.copy(path, folder / "edgekit.toml")
        load_project(folder)
        return "read"

    def profile_load(self, path: Path) -> str:
        """A device profile, shown, and a file judged by it."""
        from edgekit.cli.render.devices import print_device
        from edgekit.devices.profile import limits, load_profile
        from edgekit.measure.static import static

        profile = load_profile(path)
        print_device(profile, console=_console())
        limits(profile)
        static(self.golden, profile)
        return "read"

    def report_read(self, path: Path) -> str:
        """A `report.json` back to its value, and shown."""
        from edgekit.cli.render.report import print_report
        from edgekit.documents.report import Report
        from edgekit.values import from_json, to_json

        report = from_json(path.read_bytes(), Report, where=str(path))
        print_report(report, console=_console())
        to_json(report)
        return "read"

    def compare(self, path: Path) -> str:
        """`edgekit compare` of a damaged report or model with a sound one, either way round, and what it prints."""
        from edgekit import compare
        from edgekit.cli.render.compare import print_comparison

        sound = self.golden if path.suffix == ".tflite" else self.corpus / "out" / "rpi4" / "report.json"
        pair = (path, sound) if path.stat().st_size % 2 else (sound, path)
        found = compare(*pair, fail_if=("accuracy<-0.5pt", "flash>+2%"))
        print_comparison(found, console=_console())
        return f"outcome {found.outcome}"

    def inspect(self, path: Path) -> str:
        """`edgekit inspect` of a `.tflite`."""
        from edgekit import inspect

        inspect(path, device="rpi4")
        return "read"

    def diet(self, path: Path) -> str:
        """`edgekit diet` of a `.tflite` without running it: what comes of it is read again, and is its own diet."""
        from edgekit.tflite.diet.whole import dieted
        from edgekit.tflite.reader import parse_tflite, read_content

        content = read_content(path)
        found = dieted(content, where=str(path))
        parse_tflite(found.content, where=str(path))
        assert len(found.content) <= len(content), "it has grown"
        assert dieted(found.content, where=str(path)).content == found.content, "it is not its own diet"
        return "as it was" if found.reason else "smaller"

    def diet_proven(self, path: Path) -> str:
        """`edgekit diet` with both files on the interpreters, in their child."""
        from edgekit import diet
        from edgekit.cli.render.diet import print_diet

        found = diet(path, inputs=2)
        print_diet(found, console=_console())
        assert found.outcome == "pass", found.reason
        return "proven" if found.proof else "as it was"

    def init(self, path: Path) -> str:
        """`edgekit init` in a folder that holds the file."""
        from edgekit.cli.init import write
        from edgekit.cli.starter import look

        folder = path.parent / "folder"
        folder.mkdir()
        shutil.copy(path, folder)
        write(folder, look(folder))
        return "written"

    def lock_read(self, path: Path) -> str:
        """An `edgekit.lock` back to its value."""
        from edgekit.documents.lockfile import read_lock

        read_lock(path)
        return "read"

    def plan_read(self, path: Path) -> str:
        """A `plan.json` back to its value, and shown."""
        from edgekit.cli.render.plan import print_plan
        from edgekit.documents.candidate import Plan
        from edgekit.values import from_json

        print_plan(from_json(path.read_bytes(), Plan, where=str(path)), console=_console())
        return "read"

    def manifest_replace(self, path: Path) -> str:
        """A result written over one whose manifest is damaged: it must remove nothing but its own old files."""
        from edgekit.files import replace_files

        out = path.parent / "result"
        out.mkdir()
        (path.parent / "precious").write_text("precious")
        (out / "precious").write_text("precious")
        (out / "folder").mkdir()
        shutil.copy(path, out / "manifest.json")
        replace_files(out, {"model.tflite": b"new"}, last=("manifest.json", b"{}"))
        assert (path.parent / "precious").exists() and (out / "precious").exists() and (out / "folder").is_dir()
        assert (out / "model.tflite").read_bytes() == b"new" and (out / "manifest.json").read_bytes() == b"{}"
        return "written"

    def cache_find(self, path: Path) -> str:
        """A damaged entry: gone, or whole as it was; `path` is a folder with `kind` in its name and `sound` beside it."""
        kind, sound = path.name.partition("-")[0], path.parent / "sound"
        target = self.cache.root / kind / "k"
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(path, target, symlinks=True)
        found = self.cache.find(kind, "k")
        if found is None:
            assert not target.exists(), "a damaged entry was left"
            return "removed"
        listed = json.loads((found / "entry.json").read_bytes())
        assert listed == json.loads((sound / "entry.json").read_bytes()), "an index that was changed is taken for whole"
        assert all((found / name).read_bytes() == (sound / name).read_bytes() for name in listed["files"]), (
            "damage was not seen"
        )
        shutil.rmtree(target)
        return "whole"

    def command(self, path: Path, arguments: list[str]) -> str:
        """The real command in a process of its own."""
        environment = {**os.environ, "EDGEKIT_CACHE": str(path)} if path.is_dir() else None
        done = subprocess.run(
            [sys.executable, "-m", "edgekit", *arguments], capture_output=True, timeout=3 * JOB_LIMIT_S, env=environment
        )
        said = done.stderr.decode("utf-8", "replace")
        if done.returncode in REFUSED_CODES and ("error: " in said or "Error: " in said) and "Traceback" not in said:
            raise Refused(done.returncode, said)
        if done.returncode not in ALLOWED_CODES or "Traceback" in said:
            raise RuntimeError(f"exit code {done.returncode}: {said}")
        return ALLOWED_CODES[done.returncode]


class Refused(Exception):
    """What a command said when it refused."""

    def __init__(self, code: int, said: str) -> None:
        self.code, self.said = code, said
        super().__init__(said)


def _quiet(phase: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


def _console() -> Any:
    from edgekit.cli.render.console import make_console

    return make_console(io.StringIO())


def answer(work: Callable[[], str]) -> dict[str, Any]:
    """What came of one input."""
    try:
        return {"outcome": "accepted", "said": work()}
    except EdgekitError as error:
        clear = bool(error.what and error.where) and "Traceback" not in str(error)
        return {
            "outcome": "refused" if clear else "unclear",
            "said": error.what,
            "error": str(error),
            "code": error.exit_code,
        }
    except Refused as refused:
        clear = "where: " in refused.said or "Usage: " in refused.said
        first = next((line for line in refused.said.splitlines() if line.lower().startswith("error: ")), "")
        return {
            "outcome": "refused" if clear else "unclear",
            "said": first[7:],
            "error": refused.said,
            "code": refused.code,
        }
    except BaseException:
        trace = traceback.format_exc()
        return {"outcome": "fault", "said": trace.strip().splitlines()[-1][:200], "error": trace}


def main() -> None:
    """Answer jobs until standard input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    readers = Readers(Path(sys.argv[1]), Path(sys.argv[2]))
    with contextlib.closing(readers):
        for line in sys.stdin:
            job = json.loads(line)
            path, more = Path(job["path"]), job.get("arguments")
            route = getattr(readers, job["route"])
            given = answer(lambda: route(path, more) if more is not None else route(path))  # noqa: B023 - called at once
            print(json.dumps(given), file=answers, flush=True)


if __name__ == "__main__":
    main()
