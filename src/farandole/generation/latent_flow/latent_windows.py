"""Latents of a whole dance, window after window: each begins with the last tokens of the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from farandole.generation.latent_flow.variety import Danced
from farandole.generation.window_plan import forward_windows
from farandole.models.abilities import LatentFlow
from farandole.motion.rotations import Array
from farandole.music.dance_features import DYNAMICS

if TYPE_CHECKING:
    from farandole.checkpoints.session import Session


def sample_latents(
    session: Session,
    music: Array,
    style: Array,
    noise: Array,
    facts: LatentFlow,
    *,
    pinned: Array,
    start: Array | None = None,
    lag: Array | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Array:
    """Latents of B dances at once.

    Args:
        session: Runs the network "flow".
        music: Music features, [B, T, C], T = 4 N_all.
        style: Weights of the styles, [B, N_all, S].
        noise: Random numbers, [B, N_all, Z]: the dance is a deterministic function of them.
        facts: Windows and steps.
        pinned: Pinned features and flags, [T, D + G] (zeros: nothing is pinned).
        start: Clean latents of what was danced before, [B, S, Z]; they take the first places of the result.
        lag: Tokens from each place back to the one that it varies, [B, N]; 0: none. Everything else that was danced before is
            kept away from (`variety`). None: nothing is.
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
    frames, apart = facts.frames_per_token, np.array([kind.apart for kind in facts.styles.values()])
    # The last window is moved back to end with the dance, and takes over more tokens instead.
    for step in forward_windows(done, total, window=facts.tokens, context=facts.context, flush=True):
        first, done = step.first, step.done
        window, count = slice(first, first + facts.tokens), step.end - first
        known = np.zeros((batch, facts.tokens), np.float32)
        known[:, : done - first] = 1.0
        x = np.zeros((batch, facts.tokens, size), np.float32)
        x[:, :count] = noise[:, window]
        x[:, : done - first] = latents[:, first:done]
        in_window = slice(frames * first, frames * (first + facts.tokens))
        inputs = {
            "known": known,
            "music": _padded(music[:, in_window], frames * facts.tokens),
            "style": _padded(style[:, window], facts.tokens),
            "pinned": _padded(np.repeat(pinned[None, in_window], batch, axis=0), frames * facts.tokens),
        }
        guidance = guidance_of(inputs["style"], facts)
        danced = None if lag is None else Danced(latents, done, step.end - done, style[:, done] @ apart, lag[:, done])
        *_, x = velocity_steps(session, x, inputs, facts.steps, guidance=guidance, danced=danced)
        latents[:, done : step.end] = x[:, done - first : count]
        if progress:
            progress(step.end, total)
    return latents


def closed_latents(
    session: Session, latents: Array, music: Array, style: Array, noise: Array, facts: LatentFlow, *, pinned: Array
) -> Array:
    """Latents of dances [B, N, Z] whose last tokens lead to their first: made anew between those before and the first ones.

    Arguments as for `sample_latents`; N is at least a window and its context.
    """
    total, frames, context = latents.shape[1], facts.frames_per_token, facts.context
    first = total + context - facts.tokens
    places = np.arange(first, total + context) % total
    rows = (frames * places[:, None] + np.arange(frames)).ravel()
    known = np.ones((len(latents), facts.tokens), np.float32)
    known[:, context : total - first] = 0.0
    inputs = {
        "known": known,
        "music": music[:, rows],
        "style": style[:, places],
        "pinned": np.repeat(pinned[None, rows], len(latents), axis=0),
    }
    x = np.where(known[..., None] > 0, latents[:, places], noise[:, places]).astype(np.float32)
    *_, x = velocity_steps(session, x, inputs, facts.steps, guidance=guidance_of(style[:, places], facts))
    result = latents.copy()
    result[:, places[: total - first]] = x[:, : total - first]
    return result


ECHO = 0.6
"""Correlation of the noise of a repeated section with that of the first."""


def echoed(noise: Array, lag: Array) -> Array:
    """Noise [N, Z] of which repeated sections share a part: dances to them are alike, but not equal.

    Args:
        noise: Independent normal numbers.
        lag: Tokens from each place back to the one that it repeats, [N]; 0, or beyond the first: none.
    """
    places = np.arange(len(noise))
    source = places - np.round(lag).astype(int)
    repeats = ((source >= 0) & (source < places))[:, None]
    return np.where(repeats, ECHO * noise[np.maximum(source, 0)] + np.sqrt(1.0 - ECHO**2) * noise, noise)


def velocity_steps(
    session: Session,
    x: Array,
    inputs: dict[str, Array],
    steps: int,
    *,
    guidance: float | Array = 1.0,
    halves: bool = False,
    danced: Danced | None = None,
) -> Iterator[Array]:
    """The flow from t = 0 to 1 by the two-step Adams-Bashforth method, step by step; known tokens stay as they are.

    It costs what Euler's method does, one velocity per step, and comes with 8 steps as near as that with 32: Euler's shortcuts
    through the curves make dances smaller.

    Guidance above 1 follows the dynamics more closely than the model would: its velocity is carried beyond the one without them
    (classifier-free guidance: Ho and Salimans, 2022, arXiv:2207.12598), at twice the work. It may differ by token, [B, N, 1].
    With `halves`, x is yielded unchanged between the two runs of such a step too, for callers that have little time at once.

    Tokens that are free in all dances, one after the other, keep away from what was `danced`.
    """
    free = 1.0 - inputs["known"][..., None]
    size = np.float32(1.0 / steps)
    begin = int(free[0].argmax())
    new = slice(begin, begin + danced.new) if danced is not None else slice(0)
    before = None
    guided = bool(np.any(np.asarray(guidance) != 1.0)) and bool(inputs["music"][..., DYNAMICS].any())
    alone = _without_dynamics(inputs) if guided else None
    with _velocities(session, inputs, alone) as velocities:
        for n in range(steps):
            if alone is not None and halves:
                velocity = _velocity(session, inputs, x, n / steps)
                yield x
                without = _velocity(session, alone, x, n / steps)
            else:
                velocity, without = velocities(x, n / steps)
            if without is not None:
                velocity = without + np.asarray(guidance, np.float32) * (velocity - without)
            if danced is not None:
                velocity[:, new] = danced.pushed(x[:, new], velocity[:, new], n / steps)
            velocity = free * velocity
            slope = velocity if before is None else np.float32(1.5) * velocity - np.float32(0.5) * before
            x = x + size * slope
            before = velocity
            yield x


def _velocity(session: Session, inputs: Mapping[str, Array], x: Array, t: float) -> Array:
    return session.run("flow", {"x": x, "t": np.full(len(x), t, np.float32), **inputs})[0]


def _without_dynamics(inputs: Mapping[str, Array]) -> dict[str, Array]:
    alone = {**inputs, "music": inputs["music"].copy()}
    alone["music"][..., DYNAMICS] = 0.0
    return alone


@contextmanager
def _velocities(
    session: Session, inputs: Mapping[str, Array], alone: Mapping[str, Array] | None
) -> Iterator[Callable[[Array, float], tuple[Array, Array | None]]]:
    """Velocities at (x, t), and those with the inputs `alone` if there are any.

    Both at once where the session has threads for it; else in one batch, which takes four fifths of two runs' time. The numbers
    are the same.
    """
    if alone is None:
        yield lambda x, t: (_velocity(session, inputs, x, t), None)
    elif session.threads == 1:
        both = {name: np.concatenate((inputs[name], alone[name])) for name in inputs}

        def in_one_run(x: Array, t: float) -> tuple[Array, Array]:
            made, freely = np.split(_velocity(session, both, np.concatenate((x, x)), t), 2)
            return made, freely

        yield in_one_run
    else:
        with ThreadPoolExecutor(1) as beside:

            def side_by_side(x: Array, t: float) -> tuple[Array, Array]:
                freely = beside.submit(_velocity, session, alone, x, t)
                return _velocity(session, inputs, x, t), freely.result()

            yield side_by_side


def guidance_of(style: Array, facts: LatentFlow) -> Array:
    """Guidance at tokens with these weights of styles, [B, N, S] -> [B, N, 1]."""
    each = [facts.guidance if kind.guidance is None else kind.guidance for kind in facts.styles.values()]
    return (style @ np.array(each, np.float32))[..., None]


def _padded(x: Array, length: int) -> Array:
    """Frames [B, T, C] with the last one repeated up to `length`."""
    missing = length - x.shape[1]
    return x if not missing else np.concatenate((x, np.repeat(x[:, -1:], missing, axis=1)), axis=1)


def decode_latents(session: Session, latents: Array, facts: LatentFlow, *, piece: int = 96) -> Iterator[Array]:
    """Scaled pose features [B, 4 N, D] of latents [B, N, Z] in pieces of some hundred frames, [B, K, D]."""
    total, margin = latents.shape[1], facts.decode_margin
    frames = facts.frames_per_token
    for first in range(0, total, piece):
        left, right = max(0, first - margin), min(total, first + piece + margin)
        made = session.run("decoder", {"latents": np.ascontiguousarray(latents[:, left:right])})[0]
        yield made[:, frames * (first - left) : frames * (min(first + piece, total) - left)]
