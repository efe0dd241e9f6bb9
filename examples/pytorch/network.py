"""A residual network in PyTorch, and the function that edgekit calls for `model = "network:trained"`."""

from pathlib import Path

import torch
from torch import nn

HERE = Path(__file__).resolve().parent


class Network(nn.Module):
    """Four convolutions with batch normalization, two of them in a residual block, and a dense layer; it takes pixels of 0 to 16."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.first, self.second, self.wide = (
            normalized(1, 16),
            normalized(16, 16),
            normalized(16, 16),
            normalized(16, 32),
        )
        self.head = nn.Linear(32, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.stem(image / 16))
        x = torch.relu(x + self.second(torch.relu(self.first(x))))
        x = torch.relu(self.wide(nn.functional.max_pool2d(x, 2)))
        return self.head(x.mean((2, 3)))


def normalized(entering: int, leaving: int) -> nn.Sequential:
    """A convolution with batch normalization."""
    return nn.Sequential(nn.Conv2d(entering, leaving, 3, padding=1, bias=False), nn.BatchNorm2d(leaving))


def trained() -> tuple[nn.Module, torch.Tensor]:
    """The network with the weights of digits.pt2, and an example of its input."""
    network = Network()
    network.load_state_dict(torch.export.load(HERE / "digits.pt2").state_dict)
    return network, torch.zeros(1, 1, 8, 8)
