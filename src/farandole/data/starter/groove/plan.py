"""The choreography of the groove style: which move when, from which foot, facing where, with which arms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from farandole.data.starter.groove.moves import MOVES, Move
from farandole.motion.rotations import Array

PHRASE = 32
"""Counts after which the dancer looks for something new."""

SLOT = 8


@dataclass(frozen=True)
class Segment:
    """A move placed in the dance.

    Attributes:
        start: Count of its first landing.
        side: +1 if the left foot leads, -1 the right.
        size: Scale of its steps.
        variation: In [0, 1], the move's free parameter.
        flip: Whether its last touch takes the weight, so that the next move begins on the other foot.
        place, pull: Where the dancer's place is at the start and how far it drifts over the segment, [2] m (x, z).
        heading, turn: Direction at the start and change over the segment, rad.
        arms: Name of the arm pattern.
        arm_side, arm_variation: Its mirror side and free parameter.
    """

    move: Move
    start: int
    side: int
    size: float
    variation: float
    flip: bool
    place: Array
    pull: Array
    heading: float
    turn: float
    arms: str
    arm_side: int
    arm_variation: float

    @property
    def stop(self) -> int:
        """Count at which the next segment starts."""
        return self.start + self.move.counts


def turned(xz: Array, yaw: float | Array) -> Array:
    """Floor vectors [..., 2] (x, z) turned by yaw about +y."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    x, z = xz[..., 0], xz[..., 1]
    return np.stack((cos * x + sin * z, cos * z - sin * x), axis=-1)


def choreograph(first: int, last: int, tempo: Array, energy: Array, rng: np.random.Generator) -> list[Segment]:
    """A chain of moves that covers counts `first` to `last`.

    Args:
        first, last: Counts, multiples of 8.
        tempo: Beats per minute at the slots first, first + 8, ..., [(last - first) / 8].
        energy: Loudness there, about 0 mean and 1 std.
        rng: Source of all choices.
    """
    taste = np.exp(rng.normal(0.0, 0.5, len(MOVES)))  # every dancer likes some moves more
    state = _State(side=int(rng.choice((-1, 1))), place=rng.normal(0.0, 0.15, 2), heading=rng.normal(0.0, 0.3))
    segments: list[Segment] = []
    theme: list[Move] = []
    facing = 0.0
    for slot, start in enumerate(range(first, last, SLOT)):
        in_phrase = start // SLOT % (PHRASE // SLOT)
        if in_phrase == 0 or not theme:
            facing = float(np.clip(rng.normal(0.0, 0.45), -1.0, 1.0))
        if in_phrase in (1, 2) and theme and rng.random() < (0.5, 0.35)[in_phrase - 1]:
            moves = theme  # say it again before saying something new
        else:
            moves = _pick(state, tempo[slot], energy[slot], taste, rng)
            if in_phrase == 0:
                theme = moves
        at = start
        arms = str(rng.choice(moves[0].arms))
        for move in moves:
            if arms not in move.arms or rng.random() < 0.25:
                arms = str(rng.choice(move.arms))
            size = _size(tempo[slot], energy[slot]) * float(np.exp(rng.normal(0.0, 0.07)))
            segments.append(state.place_move(move, at, size, arms, facing, rng))
            at += move.counts
    return segments


def _size(tempo: float, energy: float) -> float:
    """Louder is larger, faster is smaller: a leg needs time for its way."""
    return float(1.26 * np.clip((110.0 / tempo) ** 0.7, 0.78, 1.25) * np.clip(np.exp(0.2 * energy), 0.6, 1.4))


@dataclass
class _State:
    side: int
    place: Array
    heading: float
    recent: tuple[str, ...] = ()

    def place_move(
        self, move: Move, start: int, size: float, arms: str, facing: float, rng: np.random.Generator
    ) -> Segment:
        variation, quarter = rng.random(), move.counts / 4.0
        steps = move.steps(variation)
        flip = steps[-1].weight == 0.0 and rng.random() < 0.45
        astray = np.angle(np.exp(1j * (facing - self.heading)))
        turn = move.turn * self.side + (0.0 if move.turn else float(np.clip(astray, -0.4, 0.4)) * quarter)
        centre = self.place + turned(np.array([move.travel[0] * self.side, move.travel[1]]) * size, self.heading)
        pull = -0.6 * centre
        pull *= min(1.0, 0.24 * quarter / max(np.linalg.norm(pull), 1e-9))
        segment = Segment(
            move, start, self.side, size, variation, flip, self.place, pull, self.heading, turn, arms,
            int(rng.choice((-1, 1))), rng.random(),
        )  # fmt: skip
        self.place = (
            self.place
            + pull
            + turned(np.array([move.travel[0] * self.side, move.travel[1]]) * size, self.heading + turn)
        )
        self.heading += turn
        carrying = [s for s in steps if s.weight >= 0.5]
        free = -carrying[-1].foot if not flip else -steps[-1].foot
        self.side *= free  # LEAD is +1: the same foot leads again; OTHER is -1: sides change
        self.recent = (move.name, *self.recent[:5])
        return segment


def _pick(state: _State, tempo: float, energy: float, taste: Array, rng: np.random.Generator) -> list[Move]:
    """The moves of one slot: one of eight counts, one of four counts twice, or two of four."""
    weights, size = taste.copy(), _size(tempo, energy)
    for i, move in enumerate(MOVES):
        low, high = move.tempo
        weights[i] *= 1.0 if low <= tempo <= high else 0.0
        weights[i] *= np.exp(-0.5 * ((move.heat - 0.7 * np.clip(energy, -1.5, 1.5)) / 0.5) ** 2)
        weights[i] *= 0.15 ** state.recent[:4].count(move.name)
        weights[i] *= 0.45 if move.turn else 1.0
        steps = move.steps(0.5)
        # Slow songs leave time for steps on the half beats.
        weights[i] *= 1.0 + 0.4 * np.clip((105.0 - tempo) / 25.0, 0.0, 1.0) * (len(steps) > move.counts)
        # Keep to the floor: neither the middle of the move nor its farthest step should lead away from the origin.
        spots = size * np.array([[s.x * state.side, s.z] for s in steps])
        middle = np.linalg.norm(state.place + turned(spots.mean(0), state.heading))
        farthest = np.linalg.norm(state.place + turned(spots, state.heading), axis=-1).max()
        weights[i] *= np.exp(-((middle / 0.6) ** 2) - (max(farthest - 0.8, 0.0) / 0.3) ** 2)
    first = MOVES[rng.choice(len(MOVES), p=weights / weights.sum())]
    if first.counts == SLOT:
        return [first]
    if abs(first.turn) == np.pi or rng.random() < 0.6:
        return [first, first]
    short = np.array(
        [w if m.counts == 4 and not m.turn and m is not first else 0.0 for m, w in zip(MOVES, weights, strict=True)]
    )
    return [first, MOVES[rng.choice(len(MOVES), p=short / short.sum())]]
