"""What the masked models share: input projection, mask embedding, output head.

Each has three presets. `dancebert` is the published family with its quirks, one named field each. `farandole`, of the published
size, and `small`, for two CPU cores, mend them: a learned projection, embeddings of mask and modality, orthonormal rotations, a
correction to slerp instead of a pose from scratch, any length of window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from farandole.models.abilities import Abilities
from farandole.models.body import matrices_from_6d
from farandole.models.errors import ShapeError
from farandole.models.layers.correction import corrected, correction
from farandole.models.layers.curves import hermite
from farandole.models.layers.filling import fill
from farandole.models.layers.frame_view import FrameView, ease
from farandole.models.masked_config import MaskedConfig
from farandole.models.model import Model
from farandole.models.networks import Network
from farandole.models.objectives.masking_objective import MaskingObjective

if TYPE_CHECKING:
    from farandole.motion.skeleton import Skeleton

CONTRAST = 4.0
"""Factor on differences from the mean over a window: elements of rotation matrices deviate by about a quarter."""
ROUNDS = 8
"""Rounds of denoising where a recipe says nothing else."""
FITTED = 0.1
"""Least deviation of a correction's numbers in training data; those that hardly change would get no noise."""


class MaskedMotionModel(Model):
    """A model that fills hidden frames of a motion."""

    Objective = MaskingObjective
    spread: Tensor
    Config: ClassVar[type[MaskedConfig]]
    """Settings; the only argument of the constructor. `forward` wants music if `Config.dims` names it."""

    def __init__(self, config: MaskedConfig) -> None:
        super().__init__()
        self.config = config
        self.view = FrameView(config.joints) if config.view == "frame" else None
        if config.guess:
            self.register_buffer("spread", torch.ones(config.outputs))

    def forward(
        self,
        motion: Tensor,
        hidden: Tensor,
        attention: Tensor | None = None,
        music: Tensor | None = None,
        guess: Tensor | None = None,
        noise: Tensor | None = None,
        base: Tensor | None = None,
    ) -> Tensor:
        """Predict all frames, hidden and visible.

        Args:
            motion: [B, T, motion]: rotation matrices row by row, root position. Hidden values are ignored with `mask_flags`;
                without, they must be 0.
            hidden: 1 for what is hidden, [B, T, 1], or [B, T, J + 1] by joint with the root's position last.
            attention: 1 for frames of the sequence, 0 for padding at its end, [B, T]; None: no padding.
            music: [B, T, music].
            guess: The correction of hidden frames with noise in it, see `guesses`, [B, T, outputs]; None: nothing is guessed.
            noise: Share of noise in it, [B, 1]; None: 1.
            base: The `baseline` of these windows, if it has been made already.

        Returns:
            [B, T, motion].

        Raises:
            ShapeError: If a shape is not that, or music is missing.
        """
        self._check(motion, hidden, attention, music)
        config = self.config
        hidden = hidden.to(motion.dtype)
        attention = None if attention is None else attention.to(motion.dtype)
        unknown = hidden if attention is None else torch.maximum(hidden, 1 - attention.unsqueeze(-1))
        if config.residual:
            base = self.baseline(motion, unknown) if base is None else base
        elif config.mask_flags:
            wide = unknown if config.joint_flags else unknown.amax(dim=-1, keepdim=True)
            motion = motion * (1 - _by_feature(wide, config.motion))
        visible = motion if base is None else base
        seen = [visible if self.view is None else self.view(visible, ~unknown.bool())]
        if config.contrast:
            seen.append(CONTRAST * (visible - _mean_over_time(visible, attention)))
        flags = self._flags(hidden)
        if flags is not None:
            seen.append(flags)
        if config.guess:
            seen += self._guess(hidden, guess, noise)
        out = self.encode(torch.cat(seen, dim=-1), attention, music)
        if not config.orthonormal:
            return out.tanh() if config.tanh else out
        if base is not None:
            return corrected(base, out, self._ease(unknown), headed=self.view is not None)
        return _poses(out)

    def baseline(self, motion: Tensor, unknown: Tensor) -> Tensor:
        """What a `residual` model corrects: the windows with what is unknown filled by a formula."""
        config = self.config
        return hermite(motion, unknown, config.reach) if config.curve == "hermite" else fill(motion, unknown)

    def guesses(self, motion: Tensor, base: Tensor, hidden: Tensor) -> Tensor:
        """The correction that makes `motion` of its baseline, in deviations of training data, [B, T, outputs]."""
        return correction(base, motion, self._ease(hidden), headed=self.view is not None) / self.spread

    @torch.no_grad()
    def fit(self, skeleton: Skeleton, motion: Tensor) -> None:
        """Take what the model knows of body and data before any training, from windows [B, T, motion]."""
        if self.view is not None:
            self.view.fit(torch.tensor(skeleton.offsets.copy()), torch.tensor(skeleton.parents.copy()), motion)
        if self.config.guess:
            half = motion.shape[1] // 2
            hidden = (torch.arange(motion.shape[1], device=motion.device) >= half).to(motion.dtype)[None, :, None]
            hidden = hidden.expand(len(motion), -1, -1)
            own = self.guesses(motion, self.baseline(motion, hidden), hidden)[:, half:]
            self.spread.copy_((own.square().mean(dim=(0, 1)).sqrt() * self.spread).clamp_min(FITTED))

    fixed_length: int = 0
    """Frames that every window must have; 0: any number."""

    def abilities(self) -> Abilities:
        """See `Model.abilities`."""
        music = "music" in self.config.dims
        config = self.config
        return Abilities(
            nothing=music or config.guess,
            past=True,
            future=True,
            joints=config.joint_flags,
            music=music,
            random=config.guess,
        )

    def completion(self) -> dict[str, Any]:
        """See `Model.completion`; the length of windows and the scales are the data's."""
        rounds, shift = (ROUNDS, self.config.shift) if self.config.guess else (0, 1.0)
        return {"kind": "masked", "fixed_length": self.fixed_length > 0, "rounds": rounds, "shift": shift}

    def networks(self) -> dict[str, Network]:
        """See `Model.networks`: windows with hidden frames to filled ones."""
        frames, flags = self.fixed_length or 24, self.config.joints + 1 if self.config.joint_flags else 1
        axes = {0: "batch"} if self.fixed_length else {0: "batch", 1: "frames"}
        place = next(self.parameters()).device
        inputs = {
            "motion": torch.randn(2, frames, self.config.motion, device=place),
            "hidden": (torch.arange(frames, device=place) % 5 > 0).float()[None, :, None].repeat(2, 1, flags),
        }
        if "music" in self.config.dims:
            inputs["music"] = torch.randn(2, frames, self.config.dims["music"], device=place)
        if not self.config.guess:
            return {"model": Network(FillStep(self), inputs, ("filled",), dict.fromkeys(inputs, axes))}
        more = {
            "guess": torch.randn(2, frames, self.config.outputs, device=place),
            "noise": torch.full((2, 1), 0.5, device=place),
        }
        given = dict.fromkeys((*inputs, "guess"), axes) | {"noise": {0: "batch"}}
        return {"model": Network(GuessStep(self), inputs | more, ("filled", "guessed"), given, variadic=True)}

    def encode(self, motion: Tensor, attention: Tensor | None, music: Tensor | None) -> Tensor:
        """Motion with mask flags [B, T, motion + flags] and music [B, T, music] -> output of the head, [B, T, outputs]."""
        raise NotImplementedError

    def _flags(self, hidden: Tensor) -> Tensor | None:
        config = self.config
        if not config.mask_flags:
            return None
        if config.joint_flags:
            return hidden.expand(-1, -1, config.flags)
        return hidden.amax(dim=-1, keepdim=True)

    def _guess(self, hidden: Tensor, guess: Tensor | None, noise: Tensor | None) -> list[Tensor]:
        """Inputs that tell a guess of hidden frames and its noise."""
        batch, frames = hidden.shape[:2]
        noise = hidden.new_ones(batch, 1) if noise is None else noise
        guess = hidden.new_zeros(batch, frames, self.config.outputs) if guess is None else guess
        anywhere = hidden.amax(dim=-1, keepdim=True)
        return [guess * anywhere, noise.unsqueeze(1) * anywhere]

    def _ease(self, unknown: Tensor) -> Tensor | None:
        return ease(~unknown.bool()) if self.config.ease else None

    def _check(self, motion: Tensor, hidden: Tensor, attention: Tensor | None, music: Tensor | None) -> None:
        config = self.config
        if motion.ndim != 3 or motion.shape[-1] != config.motion:
            raise ShapeError(f"motion: expected [B, T, {config.motion}], got {tuple(motion.shape)}")
        batch = tuple(motion.shape[:2])
        if tuple(hidden.shape) not in ((*batch, 1), (*batch, config.joints + 1)):
            raise ShapeError(
                f"hidden: expected {(*batch, 1)} or {(*batch, config.joints + 1)}, got {tuple(hidden.shape)}"
            )
        if attention is not None and tuple(attention.shape) != batch:
            raise ShapeError(f"attention: expected {batch}, got {tuple(attention.shape)}")
        if "music" not in config.dims:
            return
        wanted = (*batch, config.dims["music"])
        if music is None or tuple(music.shape) != wanted:
            raise ShapeError(f"music: expected {wanted}, got {'none' if music is None else tuple(music.shape)}")


class FillStep(nn.Module):
    """A masked model as a function of motion [B, T, D], hidden [B, T, 1 or J + 1] and music [B, T, A]."""

    def __init__(self, model: MaskedMotionModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, motion: Tensor, hidden: Tensor, music: Tensor | None = None) -> Tensor:
        """All frames, [B, T, D]."""
        return self.model(motion, hidden, None, music)


class GuessStep(nn.Module):
    """A masked model that guesses as a function of motion, hidden, music where it hears it, guess [B, T, U] and noise [B, 1]."""

    def __init__(self, model: MaskedMotionModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """All frames, [B, T, D], and the guess without noise, [B, T, U]."""
        motion, hidden, *music, guess, noise = inputs
        base = self.model.baseline(motion, hidden)
        filled = self.model(motion, hidden, None, music[0] if music else None, guess, noise, base)
        return filled, self.model.guesses(filled, base, hidden)


def zero_initialise(outlet: nn.Linear | nn.Conv1d) -> None:
    """Initialise a head to zero: the model begins as its baseline."""
    nn.init.zeros_(outlet.weight)
    if outlet.bias is not None:
        nn.init.zeros_(outlet.bias)


def _poses(out: Tensor) -> Tensor:
    """Output of a head without a baseline, [B, T, 6 J + 3], as features."""
    unit = out.new_tensor((1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    turns = matrices_from_6d(out[..., :-3].unflatten(-1, (-1, 6)) + unit)
    return torch.cat((turns.flatten(-3), out[..., -3:]), dim=-1)


def _mean_over_time(motion: Tensor, attention: Tensor | None) -> Tensor:
    """Mean of motion [B, T, D] over the frames of the sequence, [B, 1, D]."""
    if attention is None:
        return motion.mean(dim=1, keepdim=True)
    there = attention.unsqueeze(-1)
    return (motion * there).sum(dim=1, keepdim=True) / there.sum(dim=1, keepdim=True).clamp(min=1)


def _by_feature(hidden: Tensor, features: int) -> Tensor:
    """Flags [B, T, 1] or [B, T, J + 1] for every feature of 9 J + 3, [B, T, 1 or 9 J + 3]."""
    if hidden.shape[-1] == 1:
        return hidden
    joints = hidden.shape[-1] - 1
    return torch.cat(
        (hidden[..., :-1].repeat_interleave(9, dim=-1), hidden[..., -1:].expand(-1, -1, features - 9 * joints)), dim=-1
    )
