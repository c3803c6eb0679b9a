"""The end of a motion as a dancer takes it up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from farandole.motion.retarget import retarget

if TYPE_CHECKING:
    from farandole.generation.latent_flow.latent_model import LatentModel
    from farandole.motion.motion import Motion
    from farandole.motion.rotations import Array


@dataclass(frozen=True)
class EncodedStart:
    """The end of a motion, as long as a dancer looks back.

    Attributes:
        latents: [1, S, Z].
        position: Where it begins on the floor (x, z), m.
        heading: Its heading there, rad.
        end: Where it ends, m.
        facing: Its heading there, rad.
    """

    latents: Array
    position: Array
    heading: float
    end: Array
    facing: float


def encoded_start(dancer: LatentModel, start: Motion) -> EncodedStart:
    """The end of a motion of any humanoid body, as long as the dancer looks back at most."""
    per_token = dancer.facts.frames_per_token
    if start.skeleton != dancer.codec.skeleton:
        start = retarget(start, dancer.codec.skeleton)
    start = replace(start, translations=None).resample(dancer.fps)
    longest = per_token * dancer.facts.context
    start = start.slice(-longest, None) if len(start) > longest else start
    missing = -len(start) % per_token
    if missing:
        held = [0] * missing + list(range(len(start)))
        start = replace(start, rotations=start.rotations[held], root_positions=start.root_positions[held])
    heading = dancer.codec.heading(start)
    begin, end = start.root_positions[0, [0, 2]], start.root_positions[-1]
    return EncodedStart(dancer.latents(start)[None], begin, float(heading[0]), end, float(heading[-1]))
