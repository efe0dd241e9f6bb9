"""Networks of PyTorch as a user's own module has them, and files of them: `python networks.py FOLDER` writes these."""

import os
import sys
from pathlib import Path

import torch
from torch import nn


class Residual(nn.Module):
    """A convolution, a residual block and a dense layer, with batch normalization whose statistics are not those of a fresh layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.stem_bn = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.inner, self.inner_bn = nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.head = nn.Linear(8 * 4 * 5, 4)
        for normal in (self.stem_bn, self.inner_bn):
            nn.init.uniform_(normal.running_mean, -0.5, 0.5)
            nn.init.uniform_(normal.running_var, 0.5, 2.0)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.stem_bn(self.stem(image)))
        x = torch.relu(x + self.inner_bn(self.inner(x)))
        return self.head(nn.functional.max_pool2d(x, 2).flatten(1))


class TwoInputs(nn.Module):
    """Numbers of two tensors, one of them by its name, and two outputs in a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.dense = nn.Embedding(10, 4), nn.Linear(6, 3)

    def forward(self, words: torch.Tensor, *, more: torch.Tensor) -> dict[str, torch.Tensor]:
        joined = torch.cat([self.table(words).mean(1), more], 1)
        return {"logits": self.dense(joined), "sum": joined.sum(1, keepdim=True)}


class Recurrent(nn.Module):
    """A GRU over sequences with the batch in the second axis."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(3, 5)

    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        return self.gru(sequence)[0]


def seeded(kind: type[nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    return kind()


def with_examples() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    return seeded(Residual), (torch.zeros(1, 3, 8, 10),)


def bare() -> nn.Module:
    return seeded(Residual)


def batched() -> tuple[nn.Module, torch.Tensor]:
    """A batch of three, in training mode."""
    return seeded(Residual).train(), torch.zeros(3, 3, 8, 10)


def no_module() -> int:
    return 3


def a_class() -> type[nn.Module]:
    return Residual


def no_samples() -> tuple[nn.Module, torch.Tensor]:
    return seeded(Residual), torch.zeros(0, 3, 8, 10)


def a_number_beside() -> tuple[nn.Module, torch.Tensor]:
    class Beside(nn.Module):
        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor | int]:
            return {"doubled": 2 * x, "scale": 2}

    return Beside(), torch.zeros(1, 3)


def untraceable() -> tuple[nn.Module, torch.Tensor]:
    class Depends(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + 1 if x.sum() > 0 else x.flatten()

    return Depends(), torch.zeros(1, 3)


def nothing() -> None:
    seeded(Residual)


def weights_alone() -> dict[str, torch.Tensor]:
    return seeded(Residual).state_dict()


def three() -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    return seeded(Residual), torch.zeros(1, 3, 8, 10), torch.zeros(1)


def a_program() -> torch.export.ExportedProgram:
    return torch.export.export(nn.Linear(2, 2).eval(), (torch.zeros(1, 2),))


def no_tensors() -> tuple[nn.Module, list[float]]:
    return seeded(Residual), [0.0, 1.0]


def no_examples() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    return seeded(Residual), ()


def without_numbers() -> tuple[nn.Module, torch.Tensor]:
    return nn.Linear(2, 2, device="meta"), torch.zeros(1, 2)


def an_example_without_numbers() -> tuple[nn.Module, torch.Tensor]:
    return nn.Linear(2, 2), torch.zeros(1, 2, device="meta")


def other_sizes() -> tuple[nn.Module, torch.Tensor]:
    return seeded(Residual), torch.zeros(1, 4, 8, 10)


def loud() -> tuple[nn.Module, torch.Tensor]:
    """What it writes goes to the log, however it writes it."""
    print('{"event": "result", "value": 1}', flush=True)
    os.write(1, b"more\n")
    return seeded(Residual), torch.zeros(1, 3, 8, 10)


def asks() -> nn.Module:
    return nn.Linear(int(input("how many? ")), 2)


def leaves() -> nn.Module:
    os._exit(7)


def programs(folder: Path) -> None:
    """`fixed.pt2`, `free.pt2` of any batch, `two.pt2`, `gru.pt2`, and files of other kinds."""
    save, export, free = torch.export.save, torch.export.export, torch.export.Dim("batch", min=2, max=64)
    network = seeded(Residual).eval()
    save(export(network, (torch.randn(1, 3, 8, 10),)), folder / "fixed.pt2")
    save(export(network, (torch.randn(2, 3, 8, 10),), dynamic_shapes=({0: free},)), folder / "free.pt2")
    words, more = torch.zeros(1, 5, dtype=torch.int64), torch.randn(1, 2)
    save(export(seeded(TwoInputs).eval(), (words,), {"more": more}), folder / "two.pt2")
    save(export(seeded(Recurrent).eval(), (torch.randn(7, 1, 3),)), folder / "gru.pt2")
    torch.jit.script(network).save(folder / "script.pt")
    torch.save(network.state_dict(), folder / "weights.pt")
    torch.save(network, folder / "module.pt")


if __name__ == "__main__":
    programs(Path(sys.argv[1]))
