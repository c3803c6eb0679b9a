"""The next seconds of a dance, made in slices of work that fit between two frames."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from farandole.checkpoints.session import check_finite
from farandole.generation.latent_flow.dance_score import DanceScore
from farandole.generation.latent_flow.latent_windows import guidance_of, velocity_steps
from farandole.generation.live.joined_feet import joined
from farandole.generation.live.track import Track
from farandole.motion.motion import Motion
from farandole.motion.pops import soften_pops
from farandole.motion.rotations import Array

if TYPE_CHECKING:
    from farandole.generation.latent_flow.dancer import LatentDancer

SLICES = 24
"""Slices of work of a plan at most, with eight steps of the flow, guided."""
_LEAD = 4  # tokens of the context that only help to decode those after them


@dataclass(frozen=True)
class Outlook:
    """What a plan is made for.

    Attributes:
        begin: First frame that may change, a multiple of a token's frames.
        score: Count, tempo, loudness and onsets from the first frame of the window on.
        seed: Of the random numbers.
        temperature: Scale of the randomness.
    """

    begin: int
    score: DanceScore
    seed: int
    temperature: float


class Planner:
    """Plans with a latent flow, whose windows begin with what is danced already.

    Args:
        dancer: The model.
    """

    def __init__(self, dancer: LatentDancer) -> None:
        self.dancer = dancer
        self.facts = dancer.facts

    @property
    def window(self) -> int:
        """Frames of a window."""
        return self.facts.tokens * self.facts.frames_per_token

    @property
    def context(self) -> int:
        """Frames of it that are known."""
        return self.facts.context * self.facts.frames_per_token

    def plan(self, track: Track, outlook: Outlook) -> Generator[None, None, Track]:
        """Frames from `outlook.begin` on; yields between slices of work.

        Args:
            track: What is danced so far and was planned; frames before `outlook.begin` stay as they are.
            outlook: What to dance to.
        """
        dancer, facts = self.dancer, self.facts
        first = outlook.begin - self.context
        known = self._context(track, first, outlook.begin)
        noise = self._noise(first // facts.frames_per_token, outlook)
        start = noise[None].copy()
        start[0, : facts.context] = known
        mask = np.zeros((1, facts.tokens), np.float32)
        mask[:, : facts.context] = 1.0
        inputs = {
            "known": mask,
            "music": dancer.music(outlook.score)[None],
            "style": dancer.mix(outlook.score)[None],
            "pinned": dancer.no_pins(self.window)[None],
        }
        yield
        x = start
        guidance = guidance_of(inputs["style"], facts)
        steps = velocity_steps(dancer.session, start, inputs, facts.steps, guidance=guidance, halves=True)
        for step in steps:
            x = step
            yield
        mean, std = dancer.scales("latent", x.shape[-1])
        (pose,) = dancer.session.run("decoder", {"latents": x * std + mean})
        check_finite([pose], dancer.checkpoint)
        lead = _LEAD * facts.frames_per_token
        features = dancer.unscale(pose[0, lead:])
        scores = features[:, dancer.codec.slices["contacts"]]
        yield
        motion = soften_pops(dancer.codec.decode(features))
        yield
        latents = x[0, facts.context :]
        done, count = self.context - lead, outlook.score.count[lead:]
        return (yield from joined(track, outlook.begin, motion, scores, done, count, latents))

    def _context(self, track: Track, first: int, begin: int) -> Array:
        """Scaled latents of the frames from `first` to `begin`, [context, Z]."""
        per_token = self.facts.frames_per_token
        at = (first - track.first) // per_token
        known = track.latents[max(at, 0) : at + self.facts.context]
        if len(known) == self.facts.context and np.isfinite(known).all():
            return known
        index = np.clip(np.arange(first, begin) - track.first, 0, len(track.rotations) - 1)
        past = Motion(self.dancer.codec.skeleton, track.rotations[index], track.roots[index], self.dancer.fps)
        return self.dancer.latents(past)

    def _noise(self, first: int, outlook: Outlook) -> Array:
        """Random numbers of each token, which do not depend on the plan that makes it, [tokens, Z]."""
        size = self.dancer.latent_size
        rows = [
            np.random.default_rng([outlook.seed, token]).standard_normal(size)
            for token in range(max(first, 0), max(first, 0) + self.facts.tokens)
        ]
        scale = self.dancer.spread(self.dancer.mix(outlook.score)) * (outlook.temperature * self.facts.temperature)
        return (scale * np.stack(rows)).astype(np.float32)
