"""One sampling step of a flow-family model as an ONNX file, written only if it gives torch's numbers."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from farandole.errors import CheckpointError
from farandole.generation.flow_engine import OnnxFlow, TorchFlow
from farandole.generation.motion_checkpoint import InputWindow, MotionCheckpoint
from farandole.generation.prepared import with_constants
from farandole.models.base import MotionModel
from farandole.models.flows.coupling import Coupling
from farandole.training.motion_checkpoint import rewrite_texts

TOLERANCE = 1e-4
"""Largest difference between the engines, in standard deviations of the features (relative to the number where that is larger)."""
CHECKED_STEPS = 4
_LARGEST_FILE = 1_800_000_000  # bytes: protobuf holds no more than 2 GiB


def export_motion(checkpoint: MotionCheckpoint, *, tolerance: float = TOLERANCE) -> float:
    """Write `model.onnx` into a checkpoint, and say so on its card.

    The file holds a deterministic function: windows, noise and recurrent states in, frames and states out, for any
    batch size. It is compared with torch over some steps of generation first.

    Args:
        checkpoint: The checkpoint.
        tolerance: Difference from which on nothing is written.

    Returns:
        The largest difference found.

    Raises:
        CheckpointError: If the model cannot be exported, or the file does not give torch's numbers.
    """
    reference = TorchFlow(checkpoint, device="cpu")
    with tempfile.TemporaryDirectory(dir=checkpoint.folder) as name:
        folder = Path(name)
        _write(checkpoint, folder / checkpoint.step.name)
        made = OnnxFlow(checkpoint, path=folder / checkpoint.step.name)
        difference = _difference(reference, made)
        if not difference <= tolerance:  # also if it is NaN
            raise CheckpointError(
                f"{checkpoint.folder}: nothing was exported, for ONNX Runtime differs from torch by {difference:.1e} "
                f"(tolerance {tolerance:g})"
            )
        del made
        for file in folder.iterdir():
            os.replace(file, checkpoint.folder / file.name)
    facts = {"steps": CHECKED_STEPS, "difference": float(f"{difference:.3g}"), "tolerance": tolerance}
    rewrite_texts(checkpoint, onnx=facts)
    return difference


class SamplingStep(nn.Module):
    """`MotionModel.sample` on tensors in a row: windows, noise (if the model has latents), states."""

    def __init__(self, model: MotionModel, windows: tuple[InputWindow, ...], state: Any) -> None:
        super().__init__()
        self.model, self.names, self.template = model, [w.name for w in windows], state

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Frames [B, frames, D], then the next states."""
        rest = iter(inputs)
        windows = {name: next(rest) for name in self.names}
        noise = next(rest) if self.model.latent_channels else None
        drawn, state = self.model.sample(windows, noise=noise, state=_rebuilt(self.template, rest))
        return drawn, *_tensors(state)


def _write(checkpoint: MotionCheckpoint, path: Path) -> None:
    windows, target = checkpoint.generation_inputs, checkpoint.target
    model = checkpoint.load()
    if any(isinstance(module, Coupling) and module.components for module in model.modules()):
        # Their inverse is a search of unknown length.
        raise CheckpointError("couplings by mixtures of logistics cannot be exported: generate with --engine torch")
    model = with_constants(model)
    batch = 2
    inputs = [_example(w, batch) for w in windows]
    names = [w.name for w in windows]
    axes: list[dict[int, Any]] = [{0: torch.export.Dim("batch")} for _ in windows]
    if model.latent_channels:
        inputs.append(torch.randn(batch, target.frames, model.latent_channels))
        names.append("noise")
        axes.append({0: torch.export.Dim("batch")})
    with torch.no_grad():
        noise = inputs[-1] if model.latent_channels else None
        _, state = model.sample(dict(zip(names, inputs, strict=False)), noise=noise)
    states = _tensors(state)
    state_names = [f"state_{i}" for i in range(len(states))]
    step = SamplingStep(model, windows, state).eval()
    axes += [{1: torch.export.Dim("batch")} for _ in states]
    size = sum(t.numel() * t.element_size() for t in model.state_dict().values())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            step,
            (*inputs, *states),
            str(path),
            input_names=[*names, *state_names],
            output_names=["frames", *(f"next_{name}" for name in state_names)],
            dynamic_shapes={"inputs": tuple(axes)},
            dynamo=True,
            external_data=size > _LARGEST_FILE,
            verbose=False,
        )


def _example(window: InputWindow, batch: int) -> Tensor:
    if window.tokens:
        return torch.zeros(batch, window.frames, dtype=torch.int64)
    return torch.randn(batch, window.frames, window.dim)


def _difference(reference: TorchFlow, made: OnnxFlow) -> float:
    """Largest difference over some steps of generation on random input, for another batch size than the export's."""
    checkpoint, batch = made.checkpoint, 3
    random = np.random.default_rng(0)
    keep = made.generation_frames
    frames = keep * CHECKED_STEPS
    sequences = {}
    for w in made.generation_inputs:
        length = w.offset + w.frames + (0 if w.fixed else frames)
        if w.tokens:
            sequences[w.name] = random.integers(0, w.tokens, (batch, length))
        else:
            sequences[w.name] = random.standard_normal((batch, length, w.dim)).astype(np.float32)
    channels = checkpoint.config["sampling"]["latent_channels"]
    noise = random.standard_normal((CHECKED_STEPS, batch, keep, channels)).astype(np.float32) if channels else None
    a, b = (engine.generate(sequences, frames=frames, keep=keep, noise=noise) for engine in (reference, made))
    return float((np.abs(a - b) / np.maximum(1.0, np.abs(a))).max())


def _tensors(state: Any) -> list[Tensor]:
    """The tensors of nested tuples, in order."""
    if isinstance(state, Tensor):
        return [state]
    return [] if state is None else [t for part in state for t in _tensors(part)]


def _rebuilt(template: Any, tensors: Iterator[Tensor]) -> Any:
    """The inverse of `_tensors`: nested tuples such as the template."""
    if isinstance(template, Tensor):
        return next(tensors)
    return None if template is None else tuple(_rebuilt(part, tensors) for part in template)
