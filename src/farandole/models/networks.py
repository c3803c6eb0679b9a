"""Parts of a model as plain functions of tensors: what is exported, and what a session runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn


@dataclass(frozen=True)
class Network:
    """A function of tensors.

    Attributes:
        module: Takes the inputs in order; returns a tensor, or a tuple of as many as `outputs`.
        inputs: An example of each by name, batch 2.
        outputs: Names.
        axes: Input -> axis -> name of its length where it may vary: "batch", "frames", "tokens", "4*tokens".
        variadic: Whether the module's `forward` is written with `*inputs`.
    """

    module: nn.Module
    inputs: Mapping[str, Tensor]
    outputs: tuple[str, ...]
    axes: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    variadic: bool = False
