"""Motion from a trained model of the flow family, window after window: the research loop, on feature arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from farandole.errors import DataError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from farandole.models.base import MotionModel
    from farandole.models.layers.multimodal import Modality


def frames_available(model: MotionModel, sequences: Mapping[str, Tensor], keep: int = 1) -> int:
    """Frames that can be generated, `keep` per step: as far as the windows of the given inputs reach.

    For the published windows (120 poses, 140 audio frames, one frame kept) this is the song's length minus 139.

    Raises:
        DataError: If an input is missing, or there is no moving input to end the dance.
    """
    _check(model, sequences)
    starts = [sequences[m.name].shape[1] - m.offset - m.frames for m in _controls(model)]
    if not starts:
        raise DataError("the model has no control input whose length could end the dance; say how many frames")
    return 0 if min(starts) < 0 else (min(starts) // keep + 1) * keep


def generate(
    model: MotionModel,
    sequences: Mapping[str, Tensor],
    *,
    frames: int | None = None,
    keep: int = 1,
    noise: Tensor | None = None,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
    progress: Callable[[int, int], None] | None = None,
    fast: bool = True,
) -> Tensor:
    """Generate motion features for a batch of sequences at once.

    At each step the model samples its window of frames, the first `keep` of them are kept and appended to the motion,
    and all windows but labels move on by as many frames. keep = 1 is the published loop; models that predict more
    frames per window may keep them all, and take that many times fewer steps.

    Args:
        model: In evaluation mode.
        sequences: Features by modality, [B, T, D] (labels: [B, 1]); of the motion the first window is the seed.
        frames: How many to make; None: as many as the inputs allow.
        keep: Frames kept per step, from 1 to model.generation_frames.
        noise: Latents, [steps, B, generation_frames, latent_channels]; None draws them.
        temperature: Factor on the latent: 1 samples the model's distribution, 0 takes the centre of the prior.
        generator: Source of randomness; the same seed gives the same motion.
        progress: Called with (frames done, frames in all) after each step.
        fast: Use a quicker way to the same numbers where there is one (MoGlow with LSTMs); False: always model.sample.
    Returns:
        Motion features [B, frames, D], seed not included: frame 0 follows the seed's window.
    Raises:
        DataError: If a sequence is too short for one window, too many frames are asked for, or `keep` is out of range.
    """
    import torch

    from farandole.generation.moglow import MoGlowSampler
    from farandole.models.moglow import MoGlow

    _check(model, sequences)
    name = model.target.name
    if not 1 <= keep <= model.generation_frames:
        raise DataError(f"keep must be from 1 to the model's {model.generation_frames} predicted frames, got {keep}")
    most = frames_available(model, sequences, keep) if frames is None or _controls(model) else frames
    total = most if frames is None else frames
    if not 0 < total <= most:
        inputs = ", ".join(f"{m.name} {sequences[m.name].shape[1]} (window {m.frames})" for m in _controls(model))
        raise DataError(f"cannot generate {total} frames: the inputs' lengths are {inputs}, enough for {most}")
    own = next((m for m in model.generation_inputs if m.name == name), None)
    if own and sequences[name].shape[1] < own.offset + own.frames:
        raise DataError(f"seed {name}: {sequences[name].shape[1]} frames, but a window needs {own.offset + own.frames}")
    seed = sequences[name][:, own.offset : own.offset + own.frames] if own else None
    batch = sequences[model.generation_inputs[0].name].shape[0]
    like = next(model.parameters())
    past = own.frames if own else 0
    made = torch.empty(batch, past + total, model.target.dim, dtype=like.dtype, device=like.device)
    if seed is not None:
        made[:, :past] = seed
    if fast and isinstance(model, MoGlow) and model.config.glow.network == "lstm":
        options = {"noise": noise, "temperature": temperature, "generator": generator, "progress": progress}
        return MoGlowSampler(model).generate(made[:, :past], sequences["audio"], total, **options)
    state, step = None, 0
    with torch.inference_mode():
        for done in range(0, total, keep):
            fresh = min(keep, total - done)
            windows = {}
            for m in model.generation_inputs:
                if m.name == name:
                    windows[m.name] = made[:, done : done + past]
                    continue
                start = m.offset + (0 if m.fixed else done)
                windows[m.name] = sequences[m.name][:, start : start + m.frames]
            latent = None if noise is None else noise[step]
            drawn, state = model.sample(
                windows, noise=latent, temperature=temperature, generator=generator, state=state
            )
            made[:, past + done : past + done + fresh] = drawn[:, :fresh]
            step += 1
            if progress is not None:
                progress(done + fresh, total)
    return made[:, past:].clone()


def _controls(model: MotionModel) -> list[Modality]:
    """Inputs that move with the window and are given, not generated."""
    return [m for m in model.generation_inputs if not m.fixed and m.name != model.target.name]


def _check(model: MotionModel, sequences: Mapping[str, Tensor]) -> None:
    missing = [m.name for m in model.generation_inputs if m.name not in sequences]
    if missing:
        raise DataError(f"missing modality {', '.join(missing)}; given: {', '.join(sequences) or 'none'}")
