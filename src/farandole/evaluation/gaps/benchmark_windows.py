"""Windows of motion with gaps in them: how LAFAN1 cuts and aligns them, and the two baselines that fill them.

Protocol: Harvey et al., 2020, arXiv:2102.04942, section 5, and its public benchmark.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from farandole.errors import MotionError
from farandole.motion import kinematics
from farandole.motion import rotations as rot
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

PAST = 10
"""Frames given before the gap."""

GAPS = (5, 15, 30, 45)
"""Lengths of the gap in the published tables, frames at 30 fps."""

TEST_WINDOW, TEST_STRIDE = 65, 40
"""Windows of the test subject, frames; the same for every gap length."""

STATISTICS_WINDOW, STATISTICS_STRIDE = 50, 20
"""Windows of the training subjects from which L2P's deviations come, frames."""


@dataclass(frozen=True)
class Clips:
    """A batch of windows of one skeleton.

    Attributes:
        rotations: Local unit quaternions, [B, T, J, 4].
        root_positions: World position of the root, [B, T, 3]; published L2P figures are made in centimetres, but the unit cancels.
    """

    rotations: Array
    root_positions: Array

    def __len__(self) -> int:
        return len(self.rotations)

    def frames(self, start: int, stop: int) -> Clips:
        """The same windows, cut in time."""
        return Clips(self.rotations[:, start:stop], self.root_positions[:, start:stop])

    def forward(self, skeleton: Skeleton) -> tuple[Array, Array]:
        """Global positions [B, T, J, 3] and quaternions [B, T, J, 4]."""
        return kinematics.forward(skeleton, self.rotations, self.root_positions)


def cut_windows(motion_rotations: Array, motion_roots: Array, window: int, stride: int) -> Clips:
    """Windows of one file, [T, J, 4] and [T, 3]; signs are made continuous over the whole file first.

    The last aligned window is left out when it ends exactly at the file's end, as the published loop does.
    """
    starts = np.arange(0, max(len(motion_rotations) - window, 0), stride)
    take = starts[:, None] + np.arange(window)
    return Clips(rot.unroll(motion_rotations)[take], motion_roots[take])


def centre(clips: Clips) -> Clips:
    """Windows whose mean of root x and z is 0; heights stay."""
    middle = clips.root_positions.mean(axis=1, keepdims=True) * np.array([1.0, 0.0, 1.0])
    return Clips(clips.rotations, clips.root_positions - middle)


def face(clips: Clips, frame: int = PAST - 1) -> Clips:
    """Windows turned about the vertical so that at `frame` the root's local y axis, laid on the floor, points along +x.

    The LAFAN1 skeleton's hips carry their forward direction along local y.
    """
    return _turned(clips, rot.rotate(clips.rotations[:, frame, 0], np.array([0.0, 1.0, 0.0])))


def turn_to(clips: Clips, facing: Array) -> Clips:
    """`align` for any body: windows centred, and turned so that a direction [B, 3], laid on the floor, points along +x."""
    return _turned(centre(clips), facing)


def _turned(clips: Clips, facing: Array) -> Clips:
    facing = facing * np.array([1.0, 0.0, 1.0])
    turn = rot.between(rot.normalize(facing), np.broadcast_to(np.array([1.0, 0.0, 0.0]), facing.shape))[:, None]
    local = clips.rotations.copy()
    local[:, :, 0] = rot.multiply(np.broadcast_to(turn, local[:, :, 0].shape), local[:, :, 0])
    return Clips(local, rot.rotate(turn, clips.root_positions))


def align(clips: Clips) -> Clips:
    """The benchmark's preparation of windows: `centre`, then `face`."""
    return face(centre(clips))


def position_deviation(clips: Clips, skeleton: Skeleton) -> Array:
    """Population deviation of every global coordinate over windows and frames, [J, 3]: the yardstick of `l2p`."""
    positions, _ = clips.forward(skeleton)
    return positions.std(axis=(0, 1))


def hold(clips: Clips, gap: int, past: int = PAST) -> Clips:
    """Zero velocity: the last known local pose and root position, repeated over the gap."""
    repeat = lambda x: np.repeat(x[:, past - 1 : past], gap, axis=1)  # noqa: E731
    return Clips(repeat(clips.rotations), repeat(clips.root_positions))


def interpolate(clips: Clips, gap: int, past: int = PAST) -> Clips:
    """Straight lines for the root, arcs for local rotations, between the last known frame and the target frame."""
    t = np.linspace(0.0, 1.0, gap + 2)[1:-1]
    first, target = past - 1, past + gap
    a, b = clips.root_positions[:, first, None], clips.root_positions[:, target, None]
    turns = [_arc(clips.rotations[:, first], clips.rotations[:, target], float(s)) for s in t]
    return Clips(np.stack(turns, axis=1), a + (b - a) * t[None, :, None])


def _arc(a: Array, b: Array, t: float) -> Array:
    """Spherical interpolation with the benchmark's switch: linear, then normalised, where the dot product exceeds 0.99."""
    dot = (a * b).sum(axis=-1, keepdims=True)
    a, dot = np.where(dot < 0, -a, a), np.abs(dot)
    linear = 1.0 - dot < 0.01
    angle = np.arccos(np.clip(dot, 0.0, 1.0))
    sine = np.where(linear, 1.0, np.sin(angle))
    wa = np.where(linear, 1.0 - t, np.sin((1.0 - t) * angle) / sine)
    wb = np.where(linear, t, np.sin(t * angle) / sine)
    return rot.normalize(wa * a + wb * b)


def keyframe_mask(frames: int, every: int) -> Array:
    """Which frames are given when every `every`-th is a key frame, [T] bool; the last frame is given too."""
    mask = np.arange(frames) % every == 0
    mask[-1] = True
    return mask


def interpolate_keyframes(clips: Clips, given: Array) -> Clips:
    """The interpolation baseline for any pattern of given frames [T] bool, whose first and last frame are given."""
    known = np.flatnonzero(given)
    if not len(known) or known[0] != 0 or known[-1] != len(given) - 1:
        raise MotionError("a key-frame pattern must give the first and the last frame")
    local, roots = clips.rotations.copy(), clips.root_positions.copy()
    for low, high in pairwise(known):
        if high - low > 1:
            part = interpolate(clips.frames(int(low), int(high) + 1), int(high - low - 1), past=1)
            local[:, low + 1 : high], roots[:, low + 1 : high] = part.rotations, part.root_positions
    return Clips(local, roots)
