"""Motion from the left, window after window: the research loop, on feature arrays.

`plan` and `slide` work on whatever samples like a `MotionModel`, on tensors and on NumPy arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from farandole.errors import DataError
from farandole.generation.window_plan import forward_windows

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from farandole.models.abilities import InputWindow
    from farandole.models.base import MotionModel
    from farandole.models.layers.multimodal import Modality

    Window = InputWindow | Modality
    Progress = Callable[[int, int], None]


class Reader(Protocol):
    """A `MotionModel`, or what reads and predicts the windows of one."""

    @property
    def generation_inputs(self) -> tuple[Window, ...]:
        """See `MotionModel.generation_inputs`."""
        ...

    @property
    def generation_frames(self) -> int:
        """See `MotionModel.generation_frames`."""
        ...

    @property
    def target(self) -> Window:
        """See `MotionModel`."""
        ...


class Sampler(Reader, Protocol):
    """A `MotionModel`, or what samples like one, on arrays of any kind."""

    @property
    def sample(self) -> Callable[..., tuple[Any, Any]]:
        """See `MotionModel.sample`."""
        ...


def frames_available(model: Reader, sequences: Mapping[str, Any], keep: int = 1) -> int:
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
    bounds: tuple[Tensor, Tensor] | None = None,
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
        bounds: Least and greatest value of each feature, [D] each: frames are clamped before the model goes on from them.
        progress: Called with (frames done, frames in all) after each step.
        fast: Take quicker ways to the same numbers, up to rounding (`models.acceleration`); False: model.sample as
            it stands.
    Returns:
        Motion features [B, frames, D], seed not included: frame 0 follows the seed's window.
    Raises:
        DataError: If a sequence is too short for one window, too many frames are asked for, or `keep` is out of range.
    """
    import torch

    from farandole.models.acceleration import for_generation, sequence_sampler

    past, total = plan(model, sequences, frames, keep)
    batch = sequences[model.generation_inputs[0].name].shape[0]
    like = next(model.parameters())
    made = torch.empty(batch, past + total, model.target.dim, dtype=like.dtype, device=like.device)
    with torch.inference_mode():
        options: dict[str, Any] = {"temperature": temperature, "generator": generator}
        sampler = sequence_sampler(model) if fast else None
        if sampler is not None:
            return sampler.generate(sequences, total, noise=noise, bounds=bounds, progress=progress, **options)
        slide(
            for_generation(model, batch) if fast else model,
            sequences,
            made,
            keep=keep,
            noise=noise,
            bounds=bounds,
            progress=progress,
            **options,
        )
    return made[:, past:].clone()


def plan(model: Reader, sequences: Mapping[str, Any], frames: int | None, keep: int) -> tuple[int, int]:
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
    bounds: tuple[Any, Any] | None = None,
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
        bounds: Least and greatest value of each feature, [D] each, or None.
        progress: Called with (frames done, frames in all) after each step.
        options: For `model.sample`.
    """
    own = _own(model)
    past = own.frames if own else 0
    total = made.shape[1] - past
    if own:
        made[:, :past] = sequences[own.name][:, own.offset : own.offset + past]
    state = None
    for number, step in enumerate(forward_windows(past, past + total, window=past + keep, context=past, keep=keep)):
        windows = {}
        for m in model.generation_inputs:
            if m.name == model.target.name:
                windows[m.name] = made[:, step.first : step.done]
                continue
            start = m.offset + (0 if m.fixed else step.first)
            windows[m.name] = sequences[m.name][:, start : start + m.frames]
        latent = None if noise is None else noise[number]
        drawn, state = model.sample(windows, noise=latent, state=state, **options)
        if bounds is not None:
            drawn = drawn.clip(*bounds)
        made[:, step.done : step.end] = drawn[:, : step.end - step.done]
        if progress is not None:
            progress(step.end - past, total)


def _own(model: Reader) -> Window | None:
    """The window of motion made before, if the model looks at it."""
    return next((m for m in model.generation_inputs if m.name == model.target.name), None)


def _controls(model: Reader) -> list[Window]:
    """Inputs that move with the window and are given, not generated."""
    return [m for m in model.generation_inputs if not m.fixed and m.name != model.target.name]


def _check(model: Reader, sequences: Mapping[str, Any]) -> None:
    missing = [m.name for m in model.generation_inputs if m.name not in sequences]
    if missing:
        raise DataError(f"missing modality {', '.join(missing)}; given: {', '.join(sequences) or 'none'}")
