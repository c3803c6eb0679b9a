"""`Live`: samples in, frames of a dance out; no threads, no clock of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from farandole.errors import AbilityError, AudioError, MotionError
from farandole.generation.live.controls import LiveControls
from farandole.generation.live.live_dancer import LiveDancer

if TYPE_CHECKING:
    from farandole.generation.completer import Completer
    from farandole.motion.rotations import Array
    from farandole.motion.skeleton import Skeleton
    from farandole.music.live import LiveState

_HOP_SECONDS = 256 / 22050  # the ears' step: onsets are read as often, so that none is lost between two frames
SLOWEST, FASTEST = 10.0, 120.0
"""Frames per second that can be asked for."""
MOST_CHANNELS = 32


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """A pose and the moment it belongs to.

    Attributes:
        time: s, on the clock of the samples.
        rotations: Local quaternions of `Live.skeleton`, w x y z, [J, 4].
        root: Position of the hips, y up, [3] m.
        count: Beat count that is danced; whole on beats.
        tempo: Beats of the music per minute.
        bar: Place in the bar in beats, 0 on downbeats.
        beats_per_bar: Beats of a bar.
        sure: How far beat and tempo can be trusted, 0 to 1.
        energy: Loudness of the music against what came before, -2.5 to 2.5.
        standing: Whether the dancer waits for music.
    """

    time: float
    rotations: Array
    root: Array
    count: float
    tempo: float
    bar: float
    beats_per_bar: int
    sure: float
    energy: float
    standing: bool


class Live:
    """A dancer that hears what plays.

        live = fa.Live(sample_rate=48000, fps=60, seed=1)
        for block in microphone:              # float32 [n] or [n, channels] in -1..1, any n
            for frame in live.push(block):    # 0, 1 or more frames have become due
                character.pose(live.skeleton.names, frame.rotations, frame.root)

    `push` keeps time by counting samples. A program with its own clock calls `hear` for sound and `frame` when it draws.
    The same samples and the same seed give the same frames, however the samples are cut.

    Args:
        sample_rate: Of the samples to come, Hz.
        fps: Frames per second, 10 to 120.
        style: A style of the model, or "auto": what suits the music.
        energy: 1 follows the music; 0.25 to 2.
        seed: Another number, another dance.
        temperature: Scale of the randomness, 0 to 2.
        latency: Seconds from a sound to its samples plus those from a frame to when it is seen; the dance is that far ahead.
        model: Shipped name, checkpoint folder, run, or opened model.
        engine: "onnx", "torch" or "auto".

    Raises:
        AbilityError: If the model cannot dance live.
        FarandoleError: If an argument cannot be used.
    """

    def __init__(
        self,
        sample_rate: int = 44100,
        *,
        fps: float = 30.0,
        style: str = "auto",
        energy: float = 1.0,
        seed: int = 0,
        temperature: float = 1.0,
        latency: float = 0.0,
        model: str | Path | Completer = "starter",
        engine: str = "auto",
    ) -> None:
        from farandole.generation.completion import open_model
        from farandole.generation.latent_flow.dancer import LatentDancer
        from farandole.music.live import LiveEars

        if not SLOWEST <= fps <= FASTEST:
            raise MotionError(f"{fps:g} fps: accepted is {SLOWEST:g} to {FASTEST:g}")
        controls = LiveControls(style=style, energy=energy, seed=seed, temperature=temperature)
        completer = open_model(model, engine=engine, threads=1) if isinstance(model, str | Path) else model
        if not isinstance(completer, LatentDancer):
            raise AbilityError(
                f"{completer.checkpoint.name} cannot dance live: it completes by {completer.kind}, needed is latent_flow"
            )
        self.fps, self.sample_rate = float(fps), int(sample_rate)
        self._ears = LiveEars(sample_rate, latency=latency)
        self._dancer = LiveDancer(completer, controls)
        self._dancer.warm_up()
        self._hop = max(1, round(_HOP_SECONDS * sample_rate))
        self._bands, self._rest = np.zeros(4), np.zeros(0, np.float32)
        self._asked = 0.0  # last moment asked of the ears
        self._shown: float | None = None  # time of the last frame
        self._samples, self._frames = 0, 0

    @property
    def skeleton(self) -> Skeleton:
        """The body that is moved, T-pose at rest, facing +z, y up."""
        return self._dancer.dancer.codec.skeleton

    @property
    def styles(self) -> tuple[str, ...]:
        """Names that `style` may have."""
        from farandole.generation.latent_flow.styles import style_names

        return style_names(self._dancer.dancer.facts)

    @property
    def controls(self) -> LiveControls:
        """Style, energy, seed, temperature, and whether it dances."""
        return self._dancer.controls

    def change(self, **controls: Any) -> None:
        """Dance otherwise from now on: `style`, `energy`, `seed`, `temperature`, `dancing`.

        Raises:
            MotionError: If a name or number cannot be used; nothing changes then.
        """
        known = LiveControls.__dataclass_fields__
        for name in controls:
            if name not in known:
                raise MotionError(f"no control '{name}': there are {', '.join(known)}")
        self._dancer.change(replace(self.controls, **controls))

    def push(self, samples: Array) -> list[LiveFrame]:
        """Take in samples; the frames that have become due, in order.

        Args:
            samples: Float [n] or [n, channels] in -1..1, any n.

        Raises:
            AudioError: If they have another shape or type.
        """
        frames = []
        for block in self._whole_pieces(samples):
            self._ears.push(block)
            self._samples += len(block)
            now = self._samples / self.sample_rate
            while (due := self._frames / self.fps) <= now:
                frames.append(self.frame(due))
                self._frames += 1
            self._listen(now)
        return frames

    def hear(self, samples: Array, at: float) -> None:
        """Take in samples whose first sounded at a moment, s on the caller's clock, as `LiveEars.push`.

        Raises:
            AudioError: If they have another shape or type, or the moment is no number; nothing is taken in then.
        """
        _check_time(at)
        begin = 0
        for block in self._pieces(samples):
            self._ears.push(block, at + begin / self.sample_rate)
            begin += len(block)
            self._listen(at + begin / self.sample_rate)

    def frame(self, now: float) -> LiveFrame:
        """The frame of a moment, s on the clock of the samples; ask in ascending order.

        Raises:
            AudioError: If the moment is no number.
        """
        _check_time(now)
        state = self._listen(now)
        elapsed = 0.0 if self._shown is None else max(0.0, now - self._shown)
        self._shown = now
        pose = self._dancer.pose(state, elapsed, self._bands)
        self._bands = np.zeros(4)
        return LiveFrame(
            now, pose.rotations, pose.root, pose.count, state.tempo, state.bar, state.beats_per_bar, state.sure,
            state.energy, pose.standing,
        )  # fmt: skip

    def _whole_pieces(self, samples: Array) -> Iterator[Array]:
        """Pieces of one length; what is left waits for the next samples, so that nothing depends on how they are cut."""
        self._rest = np.concatenate((self._rest, _mono(samples)))
        while len(self._rest) >= self._hop:
            piece, self._rest = self._rest[: self._hop], self._rest[self._hop :]
            yield piece

    def _pieces(self, samples: Array) -> list[Array]:
        block = _mono(samples)
        return [block[at : at + self._hop] for at in range(0, len(block), self._hop)]

    def _listen(self, now: float) -> LiveState:
        """What is heard at a moment, or at the last one asked for if that is later; the strongest onsets are kept."""
        self._asked = max(self._asked, now)
        state = self._ears.clock(self._asked)
        self._bands = np.maximum(self._bands, state.bands)
        return state


def _check_time(seconds: float) -> None:
    if not math.isfinite(seconds):
        raise AudioError(f"a time of {seconds} s: needed is a number of seconds on one clock")


def _mono(samples: Array) -> Array:
    """The mean of the channels, float32 [n]. Raises AudioError if it is no sound."""
    block = np.asarray(samples)
    kinds = f"live samples are {block.dtype} {block.shape}; needed is float [n] or [n, channels] in -1..1"
    if block.ndim not in (1, 2) or not np.issubdtype(block.dtype, np.floating):
        raise AudioError(kinds)
    if block.ndim == 1:
        return block.astype(np.float32)
    if not 1 <= block.shape[1] <= MOST_CHANNELS:
        raise AudioError(f"{kinds}, at most {MOST_CHANNELS} channels: are the axes swapped?")
    return block.mean(axis=1).astype(np.float32)
