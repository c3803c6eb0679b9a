"""What a model predicts beside the motion, for a motion that it has made."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from farandole.generation.completer import FeatureJob, GenerationSettings

if TYPE_CHECKING:
    from farandole.models.abilities import Autoregressive
    from farandole.models.base import MotionModel
    from farandole.motion.rotations import Array

BATCH = 64
"""Windows at once."""


def further_features(
    model: MotionModel, facts: Autoregressive, job: FeatureJob, made: Array, settings: GenerationSettings
) -> dict[str, Array]:
    """Scaled features of every further output by modality, [T, D] float32; empty where no window fits.

    Row 0 is the first frame of the output's window, as many frames after the inputs' beginning as its offset says; windows lie end
    to end, all inputs of each being known.

    Args:
        model: With further outputs, ready to sample.
        facts: Its windows.
        job: Music and beginning.
        made: The motion that was made of it, scaled, [frames, D].
        settings: Seed and temperature.
    """
    import torch

    streams = dict(job.arrays)
    own = facts.past
    if own is not None:
        streams[own.name] = np.concatenate((job.arrays[own.name][: own.offset + own.frames], made))
    moving = [w for w in facts.inputs if not w.fixed]
    last = min(len(streams[w.name]) - w.offset - w.frames for w in moving)
    device = next(model.parameters()).device
    found: dict[str, list[Array]] = {w.name: [] for w in facts.also}
    for output in facts.also:
        random = torch.Generator(device).manual_seed(zlib.crc32(f"{settings.seed} {job.name} {output.name}".encode()))
        starts = list(range(0, last + 1, output.frames))
        for k in range(0, len(starts), BATCH):
            chosen = starts[k : k + BATCH]
            windows = {}
            for w in facts.inputs:
                rows = [streams[w.name][w.offset + (0 if w.fixed else s) :][: w.frames] for s in chosen]
                windows[w.name] = torch.from_numpy(np.stack(rows)).to(device)
            with torch.inference_mode():
                drawn = model.further_samples(windows, temperature=settings.temperature, generator=random)
            found[output.name].append(drawn[output.name].flatten(0, 1).float().cpu().numpy())
    return {name: np.concatenate(parts) for name, parts in found.items() if parts}
