"""Running the networks of a checkpoint with torch, for research and for devices other than the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from farandole.checkpoints.weights import load_model
from farandole.errors import CheckpointError
from farandole.models.acceleration import for_generation
from farandole.models.base import MotionModel
from farandole.motion.rotations import Array

if TYPE_CHECKING:
    from farandole.checkpoints.checkpoint import Checkpoint
    from farandole.models.networks import Network


class TorchSession:
    """The model itself, on the CPU or another device.

    Raises:
        CheckpointError: If there is no such device, or the weights do not fit.
    """

    engine = "torch"

    def __init__(self, checkpoint: Checkpoint, *, device: str = "auto") -> None:
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            self.device = torch.device(device)
            model = load_model(checkpoint).to(self.device)
        except (RuntimeError, AssertionError) as error:
            raise CheckpointError(f"device '{device}': {str(error).splitlines()[0]}") from error
        self.threads = torch.get_num_threads()
        self.model = for_generation(model, consume=True) if isinstance(model, MotionModel) else model

    @cached_property
    def networks(self) -> dict[str, Network]:
        """The model's networks by name."""
        return self.model.networks()

    def open_ahead(self, *networks: str) -> None:
        """See `Session.open_ahead`: all are there."""

    def run(self, network: str, inputs: Mapping[str, Array]) -> list[Array]:
        """See `Session.run`."""
        part = self.networks[network]
        tensors = (torch.from_numpy(np.ascontiguousarray(inputs[name])).to(self.device) for name in part.inputs)
        with torch.inference_mode():
            out = part.module(*tensors)
        return [t.cpu().numpy() for t in (out if isinstance(out, tuple) else (out,))]

    def inputs(self, network: str) -> dict[str, tuple[int | None, ...]]:
        """See `Session.inputs`."""
        part = self.networks[network]
        free = {name: part.axes.get(name, {}) for name in part.inputs}
        return {
            name: tuple(None if k in free[name] else n for k, n in enumerate(example.shape))
            for name, example in part.inputs.items()
        }
