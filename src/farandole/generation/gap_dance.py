"""Gaps filled with dance: the dance model with kept frames pinned, to a song or a steady count, another take for every seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole.generation.dance import SPREAD, Dancer, DanceScore
from farandole.generation.extend import steady_score
from farandole.generation.gap_fill import carry
from farandole.generation.window_sampler import decode_latents, sample_latents
from farandole.motion import rotations as rot
from farandole.motion.interpolation import Gaps
from farandole.motion.motion import Motion
from farandole.motion.pops import soften_pops
from farandole.motion.rotations import Array

if TYPE_CHECKING:
    from farandole.music.song import Song


def dance_between(
    baseline: Motion,
    kept: np.ndarray,
    song: Song | None = None,
    *,
    seed: int = 0,
    takes: int = 1,
    model: str | Path = "starter",
    progress: Callable[[int, int], None] | None = None,
) -> list[Motion]:
    """Takes of a motion whose missing frames are danced.

    Args:
        baseline: Filled by a formula; any humanoid skeleton.
        kept: [T] bool.
        song: Music that begins with the motion; without it a steady count.
        seed: Same arguments, same takes.
        takes: How many.
        model: Shipped dance model or checkpoint folder.
        progress: Called with (done, total) in tokens of four frames.

    Raises:
        RetargetError: If the skeleton is not humanoid.
    """
    dancer = Dancer(model)

    def make(body: Motion, given: np.ndarray) -> list[Motion]:
        if song is None:
            score = steady_score(len(body), dancer.fps, "auto", seed)
        else:
            score = dancer.score(song, seconds=len(body) / dancer.fps, role=seed)
        free = _danced(dancer, body, given, score.first(len(body)), seed, takes, progress)
        return [_meeting(body, made, given) for made in free]

    made = carry(baseline, kept, dancer.codec.skeleton, dancer.fps, make)
    return made if len(made) == takes else made * takes


def _danced(
    dancer: Dancer,
    body: Motion,
    given: np.ndarray,
    score: DanceScore,
    seed: int,
    takes: int,
    progress: Callable[[int, int], None] | None,
) -> list[Motion]:
    """Dances of the model's body that come near the given frames."""
    scales, per_token = dancer.checkpoint.scales, dancer.config.frames_per_token
    frames, groups = len(body), len(dancer.checkpoint.config["groups"])
    total = -(-frames // per_token)
    whole = score.extended(0, per_token * total - frames, dancer.fps)
    pose = (dancer.codec.encode(body) - scales["pose_mean"]) / scales["pose_std"]
    pinned = np.zeros((per_token * total, dancer.codec.dim + groups), np.float32)
    pinned[:frames][given] = np.concatenate((pose, np.ones((frames, groups))), axis=1)[given]
    size = len(scales["latent_mean"])
    noise = [np.random.default_rng([seed, take]).standard_normal((total, size)) for take in range(takes)]
    latents = sample_latents(
        dancer.engine,
        np.repeat(whole.features()[None], takes, axis=0),
        np.full(takes, dancer.checkpoint.styles.index(score.style), np.int64),
        (SPREAD[score.style] * np.stack(noise)).astype(np.float32),
        dancer.config,
        pinned=pinned,
        progress=progress,
    )
    poses = decode_latents(dancer.engine, latents * scales["latent_std"] + scales["latent_mean"], dancer.config)
    poses = poses[:, :frames] * scales["pose_std"] + scales["pose_mean"]
    return [soften_pops(dancer.codec.decode(p, position=body.root_positions[0, [0, 2]], heading=0.0)) for p in poses]


def _meeting(body: Motion, made: Motion, given: np.ndarray) -> Motion:
    """A dance that has the body's given frames: every gap begins where, and facing as, the given frame before it.

    What the dance is off at either end of a gap is spread over it.
    """
    gaps = Gaps.of(given)
    turn = rot.yaw(body.rotations[gaps.before, 0]) - rot.yaw(made.rotations[gaps.before, 0])
    around = rot.from_yaw(turn)
    start = made.root_positions[gaps.before]

    def placed(frames: np.ndarray) -> tuple[Array, Array]:
        turns = made.rotations[frames].copy()
        turns[:, 0] = rot.multiply(around, turns[:, 0])
        return turns, body.root_positions[gaps.before] + rot.rotate(around, made.root_positions[frames] - start)

    u = gaps.share
    ease = u * u * (3.0 - 2.0 * u)
    turns, path = placed(gaps.missing)
    bend = np.zeros((*turns.shape[:2], 3))
    for end, weight in ((gaps.before, 1.0 - ease), (gaps.after, ease)):
        there, place = placed(end)
        bend += weight[:, None, None] * rot.to_rotvec(rot.multiply(rot.inverse(there), body.rotations[end]))
        path += weight[:, None] * (body.root_positions[end] - place)
    rotations, roots = body.rotations.copy(), body.root_positions.copy()
    rotations[gaps.missing] = rot.multiply(turns, rot.from_rotvec(bend))
    roots[gaps.missing] = path
    return replace(body, rotations=rotations, root_positions=roots)
