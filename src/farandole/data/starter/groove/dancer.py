"""Procedural club dancing: a second, slower style beside the salsa recordings, made by rule from beats and loudness.

A seeded choreographer (`plan`) chains moves (`moves`) and arm patterns (`arms`); feet land on the beat and
stand still between steps (`feet`); pelvis, chest, head and arms follow with lags; `rig` solves for joint rotations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike

from farandole.data.starter.groove import feet as groove_feet
from farandole.data.starter.groove import rig as groove_rig
from farandole.data.starter.groove.arms import ARMS
from farandole.data.starter.groove.ease import ease, pulse, smooth, swing, wander
from farandole.data.starter.groove.plan import SLOT, Segment, choreograph, turned
from farandole.errors import MotionError
from farandole.motion import Motion
from farandole.motion.humanoid import house_skeleton
from farandole.motion.rotations import Array

_CHANNELS = (
    "px",
    "py",
    "pz",
    "pyaw",
    "proll",
    "ppitch",
    "cyaw",
    "croll",
    "cpitch",
    "hyaw",
    "hroll",
    "hpitch",
    "shrug_a",
    "shrug_b",
)
_MIRRORED = ("px", "pyaw", "proll", "cyaw", "croll", "hyaw", "hroll")

_STANDING = 0.897
"""Height of the pelvis on easy knees, m; the legs' reach lowers it in wide stances."""


def groove(count: ArrayLike, *, seed: int, energy: ArrayLike | float = 0.0, fps: float = 30.0) -> Motion:
    """A dance to a beat, on the house skeleton.

    Args:
        count: Continuous beat count of every frame, [T], increasing; integers are beats, count % 4 == 0 downbeats. The tempo may
            drift; it is meant for 75-145 beats per minute.
        seed: Chooses the dancer and the choreography. The same arguments give the same motion.
        energy: Loudness of every frame [T], or one number; 0 is usual, +-1 a standard deviation. Louder is larger and livelier.
        fps: Frames per second.

    Returns:
        T frames, within about 1.5 m of the origin, floor at y = 0.

    Raises:
        MotionError: If `count` is not a finite increasing array or `energy` does not match it.
    """
    return groove_rig.solve(rig(count, seed=seed, energy=energy, fps=fps)[0], fps, f"groove {seed}")


def steady_groove(bpm: float, seconds: float, *, seed: int = 0, fps: float = 30.0) -> Motion:
    """A dance at a steady tempo, beginning on count 0, see `groove`."""
    return groove(np.arange(round(seconds * fps)) / fps * bpm / 60.0, seed=seed, fps=fps)


def rig(
    count: ArrayLike, *, seed: int, energy: ArrayLike | float = 0.0, fps: float = 30.0
) -> tuple[groove_rig.Rig, groove_feet.Feet, list[Segment]]:
    """What `groove` solves: the rig, the feet with their planted flags, and the choreography. Arguments as there."""
    c, loud = _checked(count, energy)
    # A count that is linear between beats has corners where the tempo changes; a body has none.
    line = np.linspace(c[0], c[-1], len(c))
    c = line + smooth(c - line, 0.10 * fps)
    t = np.arange(len(c)) / fps
    tempo = np.gradient(c) * fps * 60.0 if len(c) > 1 else np.full(1, 110.0)
    tempo = np.clip(
        tempo, 60.0, 150.0
    )  # only for choosing and sizing movements: a stop or a glitch of the beats is not a tempo
    loud = smooth(np.clip(loud, -2.5, 2.5), 0.6 * fps)
    # Independent streams: choices of the choreography do not depend on the length of the dance.
    plan_rng, foot_rng, body_rng = (np.random.default_rng([seed, stream]) for stream in range(3))
    first, last = SLOT * int(c[0] // SLOT) - SLOT, SLOT * int(c[-1] // SLOT) + 2 * SLOT
    slots = np.arange(first, last, SLOT) + 0.5 * SLOT
    segments = choreograph(first, last, np.interp(slots, c, smooth(tempo, fps)), np.interp(slots, c, loud), plan_rng)
    steps = groove_feet.landings(segments, lambda at: 60.0 / float(np.interp(at, c, tempo)), foot_rng)
    feet = groove_feet.walk(steps, segments, c, groove_rig.rest_ball_height(house_skeleton()), fps)
    return _body(segments, feet, c, t, tempo, loud, body_rng, fps), feet, segments


def _checked(count: ArrayLike, energy: ArrayLike | float) -> tuple[Array, Array]:
    c = np.asarray(count, dtype=float)
    if c.ndim != 1 or not len(c) or not np.isfinite(c).all() or (np.diff(c) <= 0).any():
        raise MotionError("groove: count must be a finite, increasing array [T] of beat counts, one per frame")
    loud = np.asarray(energy, dtype=float)
    if loud.shape not in ((), c.shape) or not np.isfinite(loud).all():
        raise MotionError(f"groove: energy has shape {loud.shape}; need one finite number, or one per frame [{len(c)}]")
    return c, np.broadcast_to(loud, c.shape).copy()


def _body(
    segments: list[Segment],
    feet: groove_feet.Feet,
    c: Array,
    t: Array,
    tempo: Array,
    loud: Array,
    rng: np.random.Generator,
    fps: float,
) -> groove_rig.Rig:
    beat = 60.0 / tempo  # s
    noise = lambda size, **k: size * wander(t, rng, **k)  # noqa: E731
    person = dict(zip(("bounce", "hips", "chest", "arms", "nod"), np.exp(rng.normal(0.0, 0.13, 5)), strict=True))
    late = lambda seconds, drift: c - (seconds + np.clip(drift, -0.015, 0.015)) / beat  # noqa: E731
    # Hips lead, the chest follows, the head and the hands come last; each drifts around its place by some milliseconds.
    clocks = {
        "p": late(0.0, noise(0.006)),
        "c": late(0.035, noise(0.006)),
        "h": late(0.07, noise(0.008)),
        "s": late(0.04, noise(0.006)),
    }
    gain = np.exp(0.2 * loud) * (110.0 / tempo) ** 0.6  # louder is larger, and a slow beat leaves time for more
    ch = {name: np.zeros(len(c)) for name in _CHANNELS}
    bounce, sway = np.zeros(len(c)), np.zeros(len(c))
    for segment, where, share in _shares(segments, c):
        for group, clock in clocks.items():
            local = clock[where] - segment.start
            for name, value in segment.move.trunk(local, segment.variation).items():
                if name[0] == group:
                    ch[_mirror(name, segment.side)][where] += share * value * (segment.side if name in _MIRRORED else 1)
        bounce[where] += share * segment.move.bounce
        sway[where] += share * segment.move.sway
    for name in ch:
        ch[name] *= gain * (person["hips"] if name[0] == "p" else person["chest"]) * (1.0 + noise(0.08))
    heading = smooth(groove_feet.heading_at(segments, c), 0.22 * fps)
    w = 2.0 * feet.weight - 1.0
    ahead = turned(np.diff(feet.balls[:, :, [0, 2]], axis=1)[:, 0], -heading)[:, 1]  # right foot ahead of left, m
    ahead = 0.35 * np.tanh(smooth(ahead, 0.05 * fps) / 0.35)
    hips = sway * gain * person["hips"]
    ch["proll"] += 0.13 * hips * smooth(w, 0.05 * fps)
    ch["px"] += 0.018 * hips * w
    ch["pyaw"] += 0.45 * ahead
    ch["croll"] -= 0.75 * ch["proll"]
    ch["cyaw"] -= 0.60 * ch["pyaw"]
    # Slow songs are danced with a bounce on the half beats as well.
    half = ease((98.0 - tempo) / 18.0) * 0.55
    drop = (1.0 - half) * pulse(clocks["p"]) + half * pulse(clocks["p"], 0.5)
    ch["py"] -= 0.045 * bounce * gain * person["bounce"] * drop * (1.0 + noise(0.12))
    ch["hpitch"] += 0.07 * person["nod"] * gain * pulse(clocks["h"], 1.0, 0.0, 1.2) * (1.0 + noise(0.5))
    breath = np.sin(2.0 * np.pi * 0.3 * t + rng.uniform(0.0, 6.0) + noise(0.3))
    ch["cpitch"] += -0.02 - 0.012 * breath + noise(0.015)
    # Posture is personal, and so is where in the beat the chest rocks.
    lean, rock, phase = rng.normal(0.0, 0.035), rng.normal(0.0, 0.035), rng.uniform(0.0, 1.0)
    ch["cpitch"] += lean + gain * rock * swing(clocks["c"], 1.0, phase)
    ch["ppitch"] += 0.5 * lean + gain * (0.035 * pulse(clocks["p"]) + 0.03 * swing(clocks["p"], 4.0, 4.0 * phase))
    ch["croll"] += noise(0.015)
    ch["ppitch"] += 0.06 + noise(0.012)
    ch["hyaw"] += noise(0.22, shortest=2.5)
    ch["hroll"] += noise(0.04) + 0.05 * person["nod"] * gain * swing(clocks["h"], 4.0, 0.6)
    ch["hpitch"] += 0.02 + noise(0.07, shortest=2.5)
    seat = feet.seat - turned(np.array([0.0, groove_feet.STANCE[1] + 0.012]), heading)
    seat = smooth(
        seat + turned(np.stack((ch["px"] + noise(0.006), ch["pz"] + noise(0.006)), axis=-1), heading), 0.03 * fps
    )
    angles = lambda g: smooth(np.stack((ch[g + "pitch"], ch[g + "yaw"], ch[g + "roll"]), axis=-1), 0.03 * fps)  # noqa: E731
    shrug = np.stack((ch["shrug_a"], ch["shrug_b"]), axis=-1) + 0.02 * breath[:, None]
    hands, flare = _arms(segments, c, beat, 1.2 * gain * person["arms"], rng.normal(0.0, 0.022, 3), noise)
    return groove_rig.Rig(
        heading=heading,
        pelvis=np.stack((seat[:, 0], _STANDING + ch["py"], seat[:, 1]), axis=-1),
        pelvis_turn=angles("p"), chest_turn=angles("c"), head_turn=angles("h"), shrug=smooth(shrug, 0.03 * fps),
        balls=feet.balls, foot_yaw=feet.yaw, foot_pitch=feet.pitch,
        hands=smooth(hands, 0.045 * fps), flare=smooth(flare, 0.15 * fps),
    )  # fmt: skip


def _mirror(name: str, side: int) -> str:
    """Channel that a move's channel drives when it is danced to `side`: only the shoulders change places."""
    return {"shrug_a": "shrug_b", "shrug_b": "shrug_a"}.get(name, name) if side < 0 else name


def _shares(
    segments: list[Segment], c: Array, lead: float = 0.65, span: float = 0.95
) -> Iterator[tuple[Segment, slice, Array]]:
    """Segments with the frames they touch and their share there; the shares of all segments sum to one.

    The body moves on into the next move `lead` counts before its first landing and takes `span` counts for it.
    """
    for i, segment in enumerate(segments):
        low = -np.inf if i == 0 else segment.start - lead
        high = np.inf if i == len(segments) - 1 else segment.stop - lead
        where = slice(*np.searchsorted(c, (low, high + span)))
        if where.start == where.stop:
            continue
        here = c[where]
        share = np.ones(len(here)) if i == 0 else ease((here - low) / span)
        if i < len(segments) - 1:
            share = share - ease((here - high) / span)
        yield segment, where, share


def _arms(
    segments: list[Segment], c: Array, beat: Array, gain: Array, carriage: Array, noise: Callable[..., Array]
) -> tuple[Array, Array]:
    """Wrists [T, 2, 3] and elbow flare [T, 2]."""
    hands, flare = np.zeros((len(c), 2, 3)), np.zeros((len(c), 2))
    clock = c - (0.05 + np.clip(noise(0.008), -0.015, 0.015)) / beat
    for segment, where, share in _shares(segments, c, 0.9, max(1.3, 0.75 / float(np.median(beat)))):
        pattern, v = ARMS[segment.arms], segment.arm_variation
        centre = pattern(np.linspace(0.0, 8.0, 32, endpoint=False), v)[0].mean(0)
        wrists, out = pattern(clock[where] - segment.start, v)
        wrists = centre + (wrists - centre) * gain[where, None, None]
        order = [0, 1] if segment.arm_side > 0 else [1, 0]
        hands[where] += share[:, None, None] * wrists[:, order]
        flare[where] += share[:, None] * np.array(out)[order]
    # Some carry their hands high, some low, some wide.
    hands += carriage
    # Left and right are never quite alike, and no swing repeats itself exactly.
    for side in (0, 1):
        hands[:, side] += np.stack([noise(0.016) for _ in range(3)], axis=-1)
        hands[:, side, 1] += 0.012 * swing(clock, 1.0, 0.1 + 0.1 * side)
        flare[:, side] += noise(0.05)
    return hands, np.clip(flare, 0.0, 0.7)
