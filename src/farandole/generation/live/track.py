"""What is danced: frames that were, and those planned from here on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from farandole.motion import rotations as rot
from farandole.motion.rotations import Array

PAST = 64
"""Frames that are remembered."""


@dataclass(frozen=True, eq=False)
class Track:
    """Consecutive frames of a dance at the model's frame rate.

    `rotations` and `roots` are what is shown; `free` and `path` the same before the legs reached for `balls`, so that two plans can
    be blended and the feet still stand.

    Attributes:
        first: Number of the first frame, a multiple of a token's frames.
        rotations: Local quaternions, [T, J, 4].
        roots: Root positions, [T, 3] m.
        free: Local quaternions before inverse kinematics, [T, J, 4].
        balls: Where the balls of the feet are, [T, 2, 3] m (left, right).
        count: Beat count, [T].
        latents: Of every token, [T / 4, Z]; NaN where they are not known (standing).
        shift: Frames by which its moments were moved to the beat, [T] (see `on_beat`).
    """

    first: int
    rotations: Array
    roots: Array
    free: Array
    balls: Array
    count: Array
    latents: Array
    shift: Array

    @property
    def end(self) -> int:
        """Number of the frame behind the last one."""
        return self.first + len(self.rotations)

    def since(self, frame: int, per_token: int) -> Track:
        """Without the frames before the token that holds `frame`."""
        drop = max(0, (frame - self.first) // per_token)
        at = drop * per_token
        return Track(
            self.first + at,
            self.rotations[at:],
            self.roots[at:],
            self.free[at:],
            self.balls[at:],
            self.count[at:],
            self.latents[drop:],
            self.shift[at:],
        )

    def continued(self, later: Track) -> Track:
        """These frames up to where `later` begins, and then that."""
        cut = later.first - self.first
        tokens = cut * len(self.latents) // len(self.rotations)
        join = lambda a, b: np.concatenate((a[:cut], b))  # noqa: E731
        return replace(
            self,
            rotations=join(self.rotations, later.rotations),
            roots=join(self.roots, later.roots),
            free=join(self.free, later.free),
            balls=join(self.balls, later.balls),
            count=join(self.count, later.count),
            shift=join(self.shift, later.shift),
            latents=np.concatenate((self.latents[:tokens], later.latents)),
        )

    def count_at(self, place: float) -> float:
        """Count at a frame number with its fraction."""
        within = min(max(place - self.first, 0.0), len(self.count) - 1.0)
        low = min(int(within), len(self.count) - 2)
        return float(self.count[low] + (within - low) * self.slope(place))

    def at(self, place: float) -> tuple[Array, Array]:
        """Rotations [J, 4] and root position [3] at a frame number with its fraction.

        Cubic (Catmull-Rom), so that speeds are continuous at any frame rate.
        """
        within = min(max(place - self.first, 0.0), len(self.rotations) - 1.0)
        low = min(int(within), len(self.rotations) - 2)
        t = within - low
        if t == 0.0:
            return self.rotations[low], self.roots[low]
        around = [max(low - 1, 0), low, low + 1, min(low + 2, len(self.rotations) - 1)]
        weights = np.array((-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2)) * 0.5
        turns = self.rotations[around]
        signed = np.copysign(weights[:, None], weights[:, None] * (turns * turns[1]).sum(-1))
        return rot.normalize((signed[..., None] * turns).sum(0)), weights @ self.roots[around]

    def slope(self, place: float) -> float:
        """Counts per frame there; a jump to another place in the phrase is none."""
        low = min(max(int(place - self.first), 0), len(self.count) - 2)
        step = float(self.count[low + 1] - self.count[low])
        return step - round(step)
