"""The one switch for the faster CPU kernels of `models.kernels`, which may be missing: then the plain layers run."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from farandole.models.base import MotionModel
from farandole.models.flows.constants import with_constants

M = TypeVar("M", bound=nn.Module)
S = TypeVar("S", bound=MotionModel)


class SequenceSampler(Protocol):
    """Samples whole sequences at once."""

    def generate(
        self,
        sequences: Mapping[str, Tensor],
        frames: int,
        *,
        noise: Tensor | None = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
        bounds: tuple[Tensor, Tensor] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Tensor:
        """Frames after the seed, [B, frames, D]; see `generation.autoregressive.sliding.generate`."""
        ...


def for_training(model: M, *, untested: bool = False) -> M:
    """Let a model train with quicker kernels, in place; returns it.

    Parameters and state dict stay as they are, results are equal up to rounding, dropout draws other numbers.

    Args:
        model: Any model.
        untested: Also with a version of torch that the kernels were not tested with.
    """
    kernels = _kernels(untested)
    return model if kernels is None else kernels.enable(model)


def for_generation(model: S, batch: int = 1, *, consume: bool = False, untested: bool = False) -> S:
    """A copy of a model (or with `consume` itself) that samples the same numbers, up to rounding, in less time.

    It has no likelihood any more, and its weights cannot change: after training take another copy.

    Args:
        model: In evaluation mode; not changed unless `consume`.
        batch: Sequences per call.
        consume: Change `model` itself and return it, so that no weight is ever held twice.
        untested: Also with a version of torch that the kernels were not tested with.
    """
    if not consume:  # weights that stay as they are are shared
        shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
        model = copy.deepcopy(model, shared)
    kernels = _kernels(untested)
    model = with_constants(model)
    return model if kernels is None else kernels.prepare(model, batch)


def sequence_sampler(model: MotionModel, *, untested: bool = False) -> SequenceSampler | None:
    """What samples whole sequences from a model sooner than frame by frame, or None if nothing does."""
    kernels = _kernels(untested)
    return None if kernels is None else kernels.sequence_sampler(model)


def _kernels(untested: bool) -> Any:
    """The room of the kernels, or None where it was removed or torch is a version that it was not tested with."""
    try:
        kernels = importlib.import_module("farandole.models.kernels")
    except ModuleNotFoundError as error:
        if error.name is not None and not error.name.startswith("farandole.models.kernels"):
            raise
        return None
    return kernels if untested or kernels.tested(torch.__version__) else None
