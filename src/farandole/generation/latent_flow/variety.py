"""Dances that do not come back to what was danced before: what a window becomes is pushed away from the nearest earlier passage.

Left to itself a flow draws every window anew, and again and again near the same few movements of its style. The push acts
on where the flow is heading, half of its way long, and the flow makes a movement of it again (as particle guidance keeps samples
apart: Corso et al., 2024, arXiv:2310.13102). It costs no further run of the network.
"""

from __future__ import annotations

import numpy as np

from farandole.motion.rotations import Array

APART = 1.0
"""Distance of passages from which on nothing is pushed, root mean square of scaled latents."""
_STRENGTH = 1.5  # push, in shares of what is missing to `APART`, per unit of flow time
_UNTIL = 0.6  # flow time up to which it acts: later details are drawn
_RECENT = 60  # tokens before a window that it may resemble: dancers repeat a move at once
_MEMORY = 1350  # tokens that a dance looks back: three minutes
_AROUND = 8  # tokens about the passage that a repeated section varies


class Danced:
    """Earlier passages of dances, as long as what a window makes anew."""

    def __init__(self, latents: Array, done: int, new: int, lag: Array | None = None) -> None:
        """What is danced so far.

        Args:
            latents: Scaled latents, [B, N, Z], of which the first `done` are made.
            done: Tokens made.
            new: Tokens that the window makes.
            lag: Tokens from `done` back to the passage that each dance is to vary, [B]; 0: none.
        """
        first, stop = max(0, done - _MEMORY), done - _RECENT
        self.new = new
        self.passages = np.empty((len(latents), 0, 0), np.float32)
        if stop - first >= new:
            views = np.lib.stride_tricks.sliding_window_view(latents[:, first:stop], new, axis=1)
            self.passages = np.ascontiguousarray(np.swapaxes(views, 2, 3).reshape(*views.shape[:2], -1))
        places = first + np.arange(self.passages.shape[1])
        meant = done - (np.zeros(len(latents)) if lag is None else np.asarray(lag))
        self.excluded = (np.abs(places - meant[:, None]) <= _AROUND) & (meant[:, None] < done)
        self.squares = (self.passages**2).sum(axis=2)

    def pushed(self, x: Array, velocity: Array, t: float) -> Array:
        """The velocity [B, M, Z] of new tokens at x [B, M, Z] and flow time t, with the push away from the nearest passage."""
        if not self.passages.shape[1] or t > _UNTIL:
            return velocity
        heading = (x + (1.0 - t) * velocity).reshape(len(x), -1)
        cross = np.einsum("bps,bs->bp", self.passages, heading)
        gaps = (self.squares + (heading**2).sum(axis=1, keepdims=True) - 2.0 * cross) / heading.shape[1]
        gaps[self.excluded] = np.inf
        nearest = gaps.argmin(axis=1)
        each = np.arange(len(x))
        gap = np.sqrt(np.maximum(gaps[each, nearest], 1e-6))
        share = _STRENGTH * np.where(gap < APART, APART / gap - 1.0, 0.0)
        push = share[:, None] * (heading - self.passages[each, nearest])
        return velocity + push.reshape(velocity.shape).astype(np.float32)
