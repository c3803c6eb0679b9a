"""Motion from a trained model of the flow family, window after window: the research loop, on feature arrays.

`plan` and `slide` work on whatever samples like a `MotionModel`, on tensors and on NumPy arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from farandole.errors import DataError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from farandole.generation.motion_checkpoint import InputWindow
    from farandole.models.base import MotionModel

    Progress = Callable[[int, int], None]


Sampler = Any
"""A `MotionModel`, or what has its `generation_inputs`, `generation_frames`, `target` and `sample`, on arrays of any kind."""


def frames_available(model: Sampler, sequences: Mapping[str, Any], keep: int = 1) -> int:
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
        fast: Take quicker ways to the same numbers, up to rounding (`prepared`, `MoGlowSampler`); False: model.sample as
            it stands.
    Returns:
        Motion features [B, frames, D], seed not included: frame 0 follows the seed's window.
    Raises:
        DataError: If a sequence is too short for one window, too many frames are asked for, or `keep` is out of range.
    """
    import torch

    from farandole.generation.moglow import MoGlowSampler
    from farandole.generation.prepared import prepared
    from farandole.models.moglow import MoGlow

    past, total = plan(model, sequences, frames, keep)
    batch = sequences[model.generation_inputs[0].name].shape[0]
    like = next(model.parameters())
    made = torch.empty(batch, past + total, model.target.dim, dtype=like.dtype, device=like.device)
    with torch.inference_mode():
        if fast and isinstance(model, MoGlow) and model.config.glow.network == "lstm":
            seed = sequences["motion"][:, :past].to(made)
            options: dict[str, Any] = {"noise": noise, "temperature": temperature, "generator": generator}
            return MoGlowSampler(model).generate(seed, sequences["audio"], total, progress=progress, **options)
        options = {"temperature": temperature, "generator": generator}
        slide(
            prepared(model, batch) if fast else model,
            sequences,
            made,
            keep=keep,
            noise=noise,
            progress=progress,
            **options,
        )
    return made[:, past:].clone()


def plan(model: Sampler, sequences: Mapping[str, Any], frames: int | None, keep: int) -> tuple[int, int]:
    """Frames of the seed's window, and frames to make.

    Raises:
        DataError: As for `generate`.
    """
    _check(model, sequences)
    if not 1 <= keep <= model.generation_frames:
        raise DataError(f"keep must be from 1 to the model's {model.generation_frames} predicted frames, got {keep}")
    most = frames_available(model, sequences, keep) if frames is None or _controls(model) else frames
    total = most if frames is None else frames
    if not 0 < total <= most:
        inputs = ", ".join(f"{m.name} {sequences[m.name].shape[1]} (window {m.frames})" for m in _controls(model))
        raise DataError(f"cannot generate {total} frames: the inputs' lengths are {inputs}, enough for {most}")
    own = _own(model)
    if own and sequences[own.name].shape[1] < own.offset + own.frames:
        given = sequences[own.name].shape[1]
        raise DataError(f"seed {own.name}: {given} frames, but a window needs {own.offset + own.frames}")
    return own.frames if own else 0, total


def slide(
    model: Sampler,
    sequences: Mapping[str, Any],
    made: Any,
    *,
    keep: int,
    noise: Any = None,
    progress: Progress | None = None,
    **options: Any,
) -> None:
    """Fill `made` [B, past + frames, D]: the seed, then what the model draws step by step.

    Args:
        model: What samples.
        sequences: As for `generate`.
        made: Written in place, a tensor or an array.
        keep: Frames kept per step.
        noise: Latents [steps, B, generation_frames, latent_channels], or None.
        progress: Called with (frames done, frames in all) after each step.
        options: For `model.sample`.
    """
    own = _own(model)
    past = own.frames if own else 0
    total = made.shape[1] - past
    if own:
        made[:, :past] = sequences[own.name][:, own.offset : own.offset + past]
    state = None
    for step, done in enumerate(range(0, total, keep)):
        fresh = min(keep, total - done)
        windows = {}
        for m in model.generation_inputs:
            if m.name == model.target.name:
                windows[m.name] = made[:, done : done + past]
                continue
            start = m.offset + (0 if m.fixed else done)
            windows[m.name] = sequences[m.name][:, start : start + m.frames]
        latent = None if noise is None else noise[step]
        drawn, state = model.sample(windows, noise=latent, state=state, **options)
        made[:, past + done : past + done + fresh] = drawn[:, :fresh]
        if progress is not None:
            progress(done + fresh, total)


def _own(model: Sampler) -> InputWindow | None:
    """The window of motion made before, if the model looks at it."""
    return next((m for m in model.generation_inputs if m.name == model.target.name), None)


def _controls(model: Sampler) -> list[InputWindow]:
    """Inputs that move with the window and are given, not generated."""
    return [m for m in model.generation_inputs if not m.fixed and m.name != model.target.name]


def _check(model: Sampler, sequences: Mapping[str, Any]) -> None:
    missing = [m.name for m in model.generation_inputs if m.name not in sequences]
    if missing:
        raise DataError(f"missing modality {', '.join(missing)}; given: {', '.join(sequences) or 'none'}")
