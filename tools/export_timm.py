"""Writes programs of timm's networks for `tools/make_import_table.py`, by the Python of an environment with torch and timm.

    python tools/export_timm.py DIR

The weights are random, none are downloaded. Batch normalization gets the statistics of noise, so that a deep network does not answer the same to everything.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import types
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

NETWORKS = (
    "resnet18",
    "mobilenetv2_035",
    "mobilenetv3_small_050",
    "mobilenetv4_conv_small_050",
    "efficientnet_lite0",
    "ghostnet_050",
)
SIZE, SETTLING = 96, 64
"""Rows and columns of a picture; pictures that give batch normalization its statistics."""
SPREAD, OFFSET = 0.5, 0.7
"""Of what leaves a batch normalization, as in `coverage_table/builder.py`."""


def main(arguments: list[str] | None = None) -> None:
    """Write `NAME.pt2` for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", action="append", choices=NETWORKS, metavar="NAME", help="these networks")
    options = parser.parse_args(arguments)
    if importlib.util.find_spec("torchvision") is None:
        _stand_in_for_torchvision()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.only or NETWORKS:
        export(name, options.folder / f"{name}.pt2")


def export(name: str, path: Path) -> None:
    """One network with a free batch, in evaluation mode."""
    import timm  # type: ignore[import-not-found, unused-ignore]
    import torch

    torch.manual_seed(0)
    model = timm.create_model(name, pretrained=False)
    _settle_statistics(torch, model)
    batch = torch.export.Dim("batch", min=1, max=64)
    pictures = torch.randn(2, 3, SIZE, SIZE)
    program = torch.export.export(model.eval(), (pictures,), dynamic_shapes=({0: batch},))
    torch.export.save(program, path)
    answers = program.module()(torch.randn(4, 3, SIZE, SIZE))
    print(
        f"{path.name}: {tuple(answers.shape)}, varies by {answers.std(0).mean() / answers.abs().max():.2g}",
        file=sys.stderr,
    )


def _settle_statistics(torch: Any, model: Any) -> None:
    layers = [one for one in model.modules() if isinstance(one, torch.nn.BatchNorm2d)]
    for one in layers:
        one.momentum = None  # the mean of all that it sees
        torch.nn.init.constant_(one.weight, SPREAD)
        torch.nn.init.constant_(one.bias, OFFSET)
    with torch.no_grad():
        model.train()(torch.randn(SETTLING, 3, SIZE, SIZE))


def _stand_in_for_torchvision() -> None:
    """timm imports torchvision for its pictures alone; none of these networks computes with it."""
    sys.meta_path.append(StandIn())


class Named(type):
    """A class that has a class of any name inside, but no special methods beyond its own."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Named(name, (), {})


class Stub(types.ModuleType):
    """A module that has an empty class of any name."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Named(name, (), {})


class StandIn(MetaPathFinder, Loader):
    """Stubs of torchvision and of the modules in it."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name.partition(".")[0] == "torchvision" else None

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        return Stub(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing is in it."""


if __name__ == "__main__":
    main()
