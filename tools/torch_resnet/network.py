"""The network of `benchmark_projects/cifar.py` as a module of PyTorch, and Keras's weights put into it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import recipe
import torch
from torch import nn
from torch.nn import functional

PARTS = {
    nn.Conv2d: ("convolution", {"kernel": "weight", "bias": "bias"}),
    nn.BatchNorm2d: (
        "normalization",
        {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"},
    ),
    nn.Linear: ("dense", {"kernel": "weight", "bias": "bias"}),
}
"""The kinds of layers with their names in `train_keras.py`, and the names of Keras's weights with those of PyTorch's tensors."""
COUNT = "num_batches_tracked"
"""A tensor of PyTorch's batch normalization that nothing here reads."""


class Normalized(nn.Module):
    """A convolution with batch normalization; with a stride of 2 its zeros stand below and on the right, as TensorFlow's "same" puts them."""

    def __init__(self, entering: int, leaving: int, stride: int = 1) -> None:
        super().__init__()
        self.is_halved = stride == 2
        self.convolution = nn.Conv2d(entering, leaving, 3, stride, padding=0 if self.is_halved else 1)
        self.normalization = nn.BatchNorm2d(leaving, eps=recipe.EPSILON, momentum=1 - recipe.MOMENTUM)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.pad(x, (0, 1, 0, 1)) if self.is_halved else x
        return self.normalization(self.convolution(x))


class Block(nn.Module):
    """A residual block, with a convolution of a single point beside it where it halves the picture."""

    def __init__(self, entering: int, leaving: int, stride: int) -> None:
        super().__init__()
        self.first, self.second = Normalized(entering, leaving, stride), Normalized(leaving, leaving)
        self.beside = nn.Conv2d(entering, leaving, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.beside(x) + self.second(torch.relu(self.first(x))))


class ResNet8(nn.Module):
    """Images [batch, 3, 32, 32] of 0 to 1 to the logits of ten classes."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Normalized(3, 16)
        self.blocks = nn.Sequential(Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2))
        self.head = nn.Linear(64, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.blocks(torch.relu(self.stem(image)))
        return self.head(functional.avg_pool2d(x, 8).flatten(1))

    def penalty(self) -> torch.Tensor:
        """The squares of the normalized convolutions' weights, which Keras's network has in its loss."""
        kernels = [one.convolution.weight for one in self.modules() if isinstance(one, Normalized)]
        return recipe.KERNEL_PENALTY * sum(kernel.square().sum() for kernel in kernels)

    def take(self, weights: Mapping[str, np.ndarray]) -> None:
        """Put in the weights that `train_keras.py` wrote; raises `RuntimeError` where they are not all of the module's, and of its shapes."""
        state = {
            f"{name}.{COUNT}": torch.tensor(0) for name, one in self.named_modules() if type(one) is nn.BatchNorm2d
        }
        for kind, (title, names) in PARTS.items():
            layers = [name for name, one in self.named_modules() if type(one) is kind]
            for index, layer in enumerate(layers):
                for theirs, ours in names.items():
                    state[f"{layer}.{ours}"] = torch.from_numpy(in_torch(weights[f"{title}_{index}.{theirs}"]))
        self.load_state_dict(state)


def in_torch(array: np.ndarray) -> np.ndarray:
    """A kernel with its axes in PyTorch's order: [height, width, channels, filters] becomes [filters, channels, height, width]."""
    if array.ndim == 4:
        return np.ascontiguousarray(array.transpose(3, 2, 0, 1))
    return np.ascontiguousarray(array.T)
