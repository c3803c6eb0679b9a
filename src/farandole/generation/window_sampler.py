"""Latents of a whole dance, window after window: each begins with the last tokens of the one before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from farandole.generation.engine import Engine
from farandole.motion.rotations import Array


@dataclass(frozen=True)
class SamplerConfig:
    """How windows are drawn.

    Attributes:
        tokens: Window length N of the model.
        context: Tokens that a window takes over from the one before.
        steps: Steps from noise to data.
        temperature: Scale of the noise; below 1 plainer and safer, above 1 wilder.
        frames_per_token: Frames of motion and music per token.
        decode_margin: Tokens decoded on either side of a piece and thrown away, so that pieces join without a seam.
    """

    tokens: int = 32
    context: int = 12
    steps: int = 8
    temperature: float = 1.0
    frames_per_token: int = 4
    decode_margin: int = 8


def sample_latents(
    engine: Engine,
    music: Array,
    style: Array,
    noise: Array,
    config: SamplerConfig,
    *,
    pinned: Array,
    start: Array | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Array:
    """Latents of B dances at once.

    Args:
        music: Music features, [B, T, C], T = 4 N_all.
        style: Style index per dance, [B] int64.
        noise: Standard normal numbers, [B, N_all, Z]: the dance is a deterministic function of them.
        pinned: Pinned features and flags, [T, D + G] (zeros: nothing is pinned).
        start: Clean latents of what was danced before, [B, S, Z]; they take the first places of the result.
        progress: Called with (tokens done, tokens in all).

    Returns:
        [B, N_all, Z] float32.
    """
    batch, total, size = noise.shape
    latents = np.zeros((batch, total, size), np.float32)
    done = 0
    if start is not None:
        done = start.shape[1]
        latents[:, :done] = start
    frames = config.frames_per_token
    while done < total:
        first = max(0, done - config.context)
        # The last window is moved back to end with the dance, and takes over more tokens instead.
        first = max(0, min(first, total - config.tokens))
        window = slice(first, first + config.tokens)
        count = min(config.tokens, total - first)
        known = np.zeros((batch, config.tokens), np.float32)
        known[:, : done - first] = 1.0
        x = np.zeros((batch, config.tokens, size), np.float32)
        x[:, :count] = noise[:, window] * config.temperature
        x[:, : done - first] = latents[:, first:done]
        in_window = slice(frames * first, frames * (first + config.tokens))
        x = _integrate(
            engine,
            x,
            known,
            _padded(music[:, in_window], frames * config.tokens),
            style,
            _padded(np.repeat(pinned[None, in_window], batch, axis=0), frames * config.tokens),
            config.steps,
        )
        end = first + count
        latents[:, done:end] = x[:, done - first : count]
        done = end
        if progress:
            progress(done, total)
    return latents


def _integrate(engine: Engine, x: Array, known: Array, music: Array, style: Array, pinned: Array, steps: int) -> Array:
    """The flow from t = 0 to 1 by the two-step Adams-Bashforth method; known tokens stay as they are.

    It costs what Euler's method does, one velocity per step, and comes with 8 steps as near as that with 32: Euler's shortcuts
    through the curves make dances smaller.
    """
    free = 1.0 - known[..., None]
    size = np.float32(1.0 / steps)
    before = None
    for n in range(steps):
        velocity = free * engine.velocity(x, np.full(len(x), n / steps, np.float32), known, music, style, pinned)
        slope = velocity if before is None else np.float32(1.5) * velocity - np.float32(0.5) * before
        x = x + size * slope
        before = velocity
    return x


def _padded(x: Array, length: int) -> Array:
    """Frames [B, T, C] with the last one repeated up to `length`."""
    missing = length - x.shape[1]
    return x if not missing else np.concatenate((x, np.repeat(x[:, -1:], missing, axis=1)), axis=1)


def decode_latents(engine: Engine, latents: Array, config: SamplerConfig, *, piece: int = 96) -> Array:
    """Scaled pose features [B, 4 N, D] of latents [B, N, Z], decoded in pieces so that memory does not grow with the song."""
    total, margin = latents.shape[1], config.decode_margin
    frames = config.frames_per_token
    parts = []
    for first in range(0, total, piece):
        left, right = max(0, first - margin), min(total, first + piece + margin)
        made = engine.decode(np.ascontiguousarray(latents[:, left:right]))
        parts.append(made[:, frames * (first - left) : frames * (min(first + piece, total) - left)])
    return np.concatenate(parts, axis=1)
