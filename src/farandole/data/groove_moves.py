"""The moves of the groove style. Each says where the feet step and how the trunk plays, over 4 or 8 counts.

A move is written for a dancer whose left foot is free ("lead", side +1); the other case is its mirror image. Steps are
displacements in metres from the foot's own neutral place (x towards the lead side, z forward), so equal displacements of both
feet keep the stance. Trunk functions take the local count and return channels in m and rad; yaw is positive towards the lead
side, roll lifts the lead side, pitch leans forward.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from farandole.data.groove_ease import hit, pulse, swing
from farandole.motion.rotations import Array

LEAD, OTHER = 1, -1
Trunk = dict[str, Array]


@dataclass(frozen=True)
class Step:
    """One movement of a foot that lands `at` a local count.

    Attributes:
        x, z: Landing displacement from the foot's neutral place, m at amplitude 1.
        weight: Share of the body weight this foot carries after landing: 1 a step, 0 a touch.
        swing: Duration in counts.
        bump: Extra way (x, y, z) in m through the middle of the swing: lift, kick, knee lift, a curve around the other foot.
        heel: Heel lift after landing, rad: a touch with the ball of the foot. Negative: toes up, a touch with the heel.
        yaw: Turn-out after landing beyond the usual, rad, positive outwards.
        late: Where the bump peaks: 1 in the middle, above 1 later, below 1 sooner.
    """

    at: float
    foot: int
    x: float = 0.0
    z: float = 0.0
    weight: float = 1.0
    swing: float = 0.66
    bump: tuple[float, float, float] = (0.0, 0.10, 0.0)
    heel: float = 0.0
    yaw: float = 0.0
    late: float = 1.0


@dataclass(frozen=True)
class Move:
    """A move of 4 or 8 counts.

    Attributes:
        steps: variation in [0, 1] -> steps in order of landing, first at local count 0 or later, last before the end.
        trunk: (local count, variation) -> channels: px py pz (pelvis), p/c/h + yaw roll pitch (pelvis, chest, head), shrug_a shrug_b.
        arms: Arm patterns that suit it.
        travel: Displacement of the dancer over the move (x, z), m at amplitude 1.
        turn: Turn of the heading over the move, rad, positive towards the lead side.
        tempo: Range of beats per minute in which it looks well.
        heat: How energetic it is, -1 calm to 1 wild; chosen when the music is alike.
        bounce: Depth of the knee bounce relative to the usual.
        sway: Hip sway relative to the usual.
    """

    name: str
    counts: int
    steps: Callable[[float], list[Step]]
    trunk: Callable[[Array, float], Trunk]
    arms: tuple[str, ...]
    travel: tuple[float, float] = (0.0, 0.0)
    turn: float = 0.0
    tempo: tuple[float, float] = (60.0, 160.0)
    heat: float = 0.0
    bounce: float = 1.0
    sway: float = 1.0


def _touch(at: float, foot: int, x: float = 0.0, z: float = 0.0, **more: object) -> Step:
    return Step(at, foot, x, z, weight=0.0, heel=more.pop("heel", 0.32), **more)  # type: ignore[arg-type]


def _step_touch(v: float) -> list[Step]:
    x = 0.40 + 0.10 * v
    return [Step(0, LEAD, x), _touch(1, OTHER, x + 0.05, 0.03 * v), Step(2, OTHER, 0.0), _touch(3, LEAD, -0.05, 0.03 * v)]


def _two_step(v: float) -> list[Step]:
    x = 0.34 + 0.06 * v
    return [
        Step(0, LEAD, x), Step(1, OTHER, x + 0.02), Step(2, LEAD, 2 * x), _touch(3, OTHER, 2 * x + 0.05, 0.05),
        Step(4, OTHER, x), Step(5, LEAD, x - 0.02), Step(6, OTHER, 0.0), _touch(7, LEAD, -0.05, 0.05),
    ]  # fmt: skip


def _grapevine(v: float) -> list[Step]:
    x, back = 0.36 + 0.05 * v, (0.0, 0.06, -0.10)
    end = (
        [_touch(3, OTHER, 2 * x + 0.05, 0.02), _touch(7, LEAD, -0.05, 0.02)]
        if v < 0.5
        else [Step(3, OTHER, 2 * x, weight=0.0, heel=0.2, bump=(0, 0.22, 0.22)), Step(7, LEAD, 0.0, weight=0.0, heel=0.2, bump=(0, 0.22, 0.22))]
    )
    there = [Step(0, LEAD, x), Step(1, OTHER, x + 0.26, -0.17, bump=back), Step(2, LEAD, 2 * x), end[0]]
    again = [Step(4, OTHER, x), Step(5, LEAD, x - 0.26, -0.17, bump=back), Step(6, OTHER, 0.0), end[1]]
    return there + again


def _jazz_box(v: float) -> list[Step]:
    d = 0.24 + 0.06 * v
    return [
        Step(0, LEAD, -0.24, d, bump=(0.0, 0.09, 0.06)), Step(1, OTHER, -0.04, -d),
        Step(2, LEAD, 0.22, -0.5 * d), Step(3, OTHER, 0.10, 0.02),
    ]  # fmt: skip


def _rock(v: float) -> list[Step]:
    d = 0.27 + 0.08 * v
    return [
        Step(0, LEAD, 0.0, d), Step(1, OTHER, 0.0, 0.0, bump=(0, 0.07, -0.03)),
        Step(2, LEAD, 0.0, -d), Step(3, OTHER, 0.0, 0.0, bump=(0, 0.07, 0.04)),
    ]  # fmt: skip


def _run(v: float) -> list[Step]:
    knee = (0.0, 0.16 + 0.06 * v, -0.16)
    return [Step(k, (LEAD, OTHER)[k % 2], 0.03, 0.04 * (-1) ** (k // 2), swing=0.82, bump=knee, late=0.9) for k in range(4)]


def _knees(v: float) -> list[Step]:
    knee, x = (0.0, 0.34 + 0.08 * v, 0.12), 0.06
    return [
        Step(0, LEAD, x), Step(2, OTHER, -x, swing=1.55, bump=knee),
        Step(4, LEAD, x, swing=1.55, bump=knee), Step(6, OTHER, -x, swing=1.55, bump=knee), _touch(7, LEAD, 0.0),
    ]  # fmt: skip


def _kick_ball_change(v: float) -> list[Step]:
    kick = (0.10 * v, 0.30, 0.60)
    return [
        Step(0.5, LEAD, 0.0, -0.06, swing=1.15, bump=kick, heel=0.15), Step(1, OTHER, 0.0, 0.0, swing=0.42, bump=(0, 0.05, 0)),
        Step(2, LEAD, 0.36 + 0.08 * v, 0.0), Step(3, OTHER, 0.36 + 0.08 * v, 0.0),
    ]  # fmt: skip


def _cross_point(v: float) -> list[Step]:
    z, cross = 0.10, (0.0, 0.08, 0.07)
    return [
        Step(0, LEAD, -0.22, 0.14 + z, bump=cross), _touch(1, OTHER, -0.34, z, bump=(-0.05, 0.08, 0.0)),
        Step(2, OTHER, 0.24, 0.16 + 2 * z, bump=cross), _touch(3, LEAD, 0.36, 2 * z, bump=(0.05, 0.08, 0.0)),
        Step(4, LEAD, 0.10, -0.02 + z, bump=(0, 0.08, -0.08)), _touch(5, OTHER, -0.26, z),
        Step(6, OTHER, -0.05, -0.05, bump=(0, 0.08, -0.08)), _touch(7, LEAD, 0.28, 0.0),
    ]  # fmt: skip


def _circle(v: float, counts: int) -> list[Step]:
    r = 0.16 + 0.08 * v
    return [
        Step(k, (LEAD, OTHER)[k % 2], (0.0, r)[k % 2] * 0.3, r if k % 2 else 0.05, bump=(0, 0.08, 0)) for k in range(counts - 1)
    ] + [_touch(counts - 1, OTHER, 0.05, 0.0) if counts % 2 else Step(counts - 1, OTHER, 0.0, 0.0)]


def _twist(v: float) -> list[Step]:
    wide = 0.06 + 0.05 * v
    flat = {"swing": 0.8, "bump": (0.0, 0.0, 0.0), "weight": 0.5, "heel": 0.16}
    steps = [Step(0, LEAD, wide, 0.05, weight=0.5, heel=0.16, yaw=0.35)]
    for k in range(1, 7):
        turn = 0.5 if k % 2 == 0 else -0.5
        steps += [Step(k, LEAD, wide, 0.05, yaw=turn, **flat), Step(k, OTHER, -wide, -0.05, yaw=-turn, **flat)]
    return [*sorted(steps, key=lambda s: s.at), Step(7, OTHER, 0.0, 0.0)]


def _stand_wide(v: float, out: float = 0.15) -> list[Step]:
    """Open the stance, play on it, and gather the lead foot again; the weight pours from one leg to the other."""
    x = out + 0.06 * v
    return [
        Step(0, LEAD, x, weight=0.75), Step(2, OTHER, -x, weight=0.75, bump=(0, 0.04, 0)),
        Step(4, LEAD, x, weight=0.75, bump=(0, 0.04, 0)), Step(6, OTHER, -0.5 * x, weight=1.0), _touch(7, LEAD, -0.02),
    ]  # fmt: skip


def _stand_tapping(v: float) -> list[Step]:
    """A wide stance with a tap of the free foot between the changes of weight."""
    x, tap = 0.14 + 0.08 * v, {"weight": 0.0, "heel": 0.25, "bump": (0.0, 0.09, 0.03)}
    return [
        Step(0, LEAD, x), Step(1, OTHER, -0.4 * x, 0.05, **tap), Step(2, OTHER, -x), Step(3, LEAD, 0.4 * x, 0.05, **tap),
        Step(4, LEAD, x), Step(5, OTHER, -0.4 * x, 0.05, **tap), Step(6, OTHER, -0.6 * x), Step(7, LEAD, 0.0, 0.03, **tap),
    ]  # fmt: skip


def _heel_digs(v: float) -> list[Step]:
    dig = {"heel": -0.36, "weight": 0.0, "bump": (0.0, 0.07, 0.0), "yaw": 0.1}
    z = 0.30 + 0.06 * v
    return [
        Step(0, LEAD, 0.06, z, **dig), Step(1, LEAD, 0.0, 0.0),
        Step(2, OTHER, -0.06, z, **dig), Step(3, OTHER, 0.0, 0.0),
    ]  # fmt: skip


def _charleston(v: float) -> list[Step]:
    d = 0.23 + 0.05 * v
    return [
        Step(0, LEAD, -0.02, d), Step(2, OTHER, 0.02, -0.20, swing=1.55, bump=(0.0, 0.30, 0.72), late=0.95),
        _touch(3, LEAD, 0.0, -d - 0.08, heel=0.5),
    ]  # fmt: skip


def _cha_cha(v: float) -> list[Step]:
    x = 0.28 + 0.05 * v
    return [
        Step(0, LEAD, x), Step(0.5, OTHER, x - 0.02, swing=0.45, bump=(0, 0.045, 0)), Step(1, LEAD, 2 * x, swing=0.45),
        Step(2, OTHER, 2 * x + 0.10, -0.30), Step(3, LEAD, 2 * x, 0.0, bump=(0, 0.06, 0.02)),
    ]  # fmt: skip


def _walk(v: float) -> list[Step]:
    d = 0.28 + 0.06 * v
    return [
        Step(0, LEAD, 0.0, d), Step(1, OTHER, 0.0, 2 * d), Step(2, LEAD, 0.0, 3 * d), _touch(3, OTHER, -0.10 * v, 3 * d + 0.02),
        Step(4, OTHER, 0.0, 2 * d), Step(5, LEAD, 0.0, d), Step(6, OTHER, 0.0, 0.0), _touch(7, LEAD, 0.10 * v, 0.0),
    ]  # fmt: skip


def _skate(v: float) -> list[Step]:
    x, z = 0.34 + 0.08 * v, 0.14
    return [
        Step(0, LEAD, x, z, swing=0.8, yaw=0.25), _touch(1, OTHER, x - 0.10, z - 0.20, bump=(0.05, 0.05, -0.12), heel=0.6),
        Step(2, OTHER, -x, z, swing=0.8, yaw=0.25), _touch(3, LEAD, -x + 0.10, z - 0.20, bump=(-0.05, 0.05, -0.12), heel=0.6),
    ]  # fmt: skip


def _sway(v: float) -> list[Step]:
    x = 0.16 + 0.08 * v
    low = {"bump": (0.0, 0.05, 0.0), "swing": 0.9}
    return [Step(0, LEAD, x, **low), _touch(1, OTHER, -0.02, heel=0.35, **low), Step(2, OTHER, -x, **low), _touch(3, LEAD, 0.02, heel=0.35, **low)]


def _v_step(v: float) -> list[Step]:
    x, z = 0.14 + 0.06 * v, 0.30 + 0.06 * v
    return [Step(0, LEAD, x, z), Step(1, OTHER, -x, z), Step(2, LEAD, -0.02, -0.04), Step(3, OTHER, 0.02, -0.04)]


def _low_kicks(v: float) -> list[Step]:
    x, kick = 0.12, (0.0, 0.20, 0.46)
    if v > 0.5:
        kick = (-0.25, 0.20, 0.36)  # across the standing leg
    return [
        Step(0, LEAD, x), Step(2, OTHER, -x, swing=1.5, bump=kick), Step(4, LEAD, x, swing=1.5, bump=(-kick[0], *kick[1:])),
        Step(6, OTHER, -x, swing=1.5, bump=kick), _touch(7, LEAD, 0.0),
    ]  # fmt: skip


def _curls(v: float) -> list[Step]:
    x, curl = 0.24 + 0.06 * v, (0.0, 0.30, -0.30)
    return [
        Step(0, LEAD, x), Step(2, OTHER, -x, swing=1.6, bump=curl), Step(4, LEAD, x, swing=1.6, bump=curl),
        Step(6, OTHER, -x, swing=1.6, bump=curl), _touch(7, LEAD, -0.04),
    ]  # fmt: skip


def _triple(v: float) -> list[Step]:
    x, quick = 0.21 + 0.04 * v, {"swing": 0.46, "bump": (0.0, 0.07, 0.0)}
    return [
        Step(0, LEAD, x), Step(0.5, OTHER, x - 0.02, **quick), Step(1, LEAD, 2 * x, **quick),
        Step(2, OTHER, x, 0.02), Step(2.5, LEAD, x + 0.02, 0.04, **quick), Step(3, OTHER, 0.0, 0.0, **quick),
    ]  # fmt: skip


def _shuffle(v: float) -> list[Step]:
    """Eight quick steps: knees up on the spot, twice as fast as the beat."""
    knee, quick = (0.0, 0.17 + 0.05 * v, -0.10), 0.72
    return [Step(0.5 * k, (LEAD, OTHER)[k % 2], 0.05, 0.10 * np.sin(0.25 * np.pi * k), swing=quick, bump=knee) for k in range(8)]


def _quick_taps(v: float) -> list[Step]:
    """Tap out, step in, on the half beats; the feet talk while the body grooves."""
    x, tap = 0.30 + 0.06 * v, {"weight": 0.0, "heel": 0.3, "swing": 0.46, "bump": (0.0, 0.07, 0.0)}
    step = {"swing": 0.46, "bump": (0.0, 0.08, 0.0)}
    return [
        Step(0, LEAD, x, 0.06, **tap), Step(0.5, LEAD, 0.0, 0.0, **step), Step(1, OTHER, -x, 0.06, **tap), Step(1.5, OTHER, 0.0, 0.0, **step),
        Step(2, LEAD, 0.05, 0.34, **tap), Step(2.5, LEAD, 0.0, 0.0, **step), Step(3, OTHER, -0.05, 0.34, **tap), Step(3.5, OTHER, 0.0, 0.0, **step),
    ]  # fmt: skip


# -- trunks ---------------------------------------------------------------------------------------------------------------------


def _easy(c: Array, v: float) -> Trunk:
    """The default: hips over the working leg every two counts, ribs answering, a lean into the beat."""
    lean = hit(c, 4.0, 0.25, 0.5)
    return {"croll": -0.10 * lean, "cyaw": 0.10 * swing(c, 4.0, 0.5), "cpitch": 0.05 * pulse(c), "hroll": 0.06 * lean}


def _double(c: Array, v: float) -> Trunk:
    lean = hit(c, 8.0, 1.5, 0.4)
    return {"cyaw": 0.16 * lean, "croll": -0.08 * hit(c, 2.0, 0.2), "cpitch": 0.05 * pulse(c), "hyaw": 0.25 * lean}


def _vine(c: Array, v: float) -> Trunk:
    twist = swing(c, 2.0, 1.0)
    side = hit(c, 8.0, 1.5, 0.4)
    return {"pyaw": 0.28 * twist, "cyaw": -0.34 * twist, "croll": -0.06 * side, "cpitch": 0.06 + 0.04 * pulse(c), "hyaw": 0.30 * side}


def _box_trunk(c: Array, v: float) -> Trunk:
    across = hit(c, 4.0, 0.1, 0.4)
    return {"pyaw": -0.20 * across, "cyaw": 0.34 * across, "croll": 0.08 * hit(c, 2.0, 0.2), "cpitch": 0.04 + 0.05 * pulse(c)}


def _rock_trunk(c: Array, v: float) -> Trunk:
    forth = hit(c, 4.0, 0.15, 0.3)
    return {"pz": 0.02 * forth, "ppitch": 0.05 * forth, "cpitch": 0.04 + 0.10 * hit(c, 4.0, 0.45), "cyaw": -0.18 * forth, "pyaw": 0.10 * forth}


def _run_trunk(c: Array, v: float) -> Trunk:
    return {"cpitch": 0.14 + 0.08 * pulse(c), "pyaw": 0.12 * swing(c, 2.0), "cyaw": -0.26 * swing(c, 2.0, 0.1), "hpitch": 0.05 * pulse(c)}


def _knee_trunk(c: Array, v: float) -> Trunk:
    up = hit(c, 4.0, 3.0, 0.4)  # lead knee up at 3, other at 1
    return {"pyaw": -0.12 * up, "cyaw": 0.34 * up, "croll": -0.12 * up, "cpitch": 0.08 + 0.10 * pulse(c, 2.0, 1.0), "ppitch": -0.06 * pulse(c, 2.0, 1.0)}


def _kick_trunk(c: Array, v: float) -> Trunk:
    kick = pulse(c, 4.0, 0.0, 4.0)
    return {"ppitch": -0.12 * kick, "cpitch": 0.05 - 0.05 * kick, "cyaw": 0.22 * kick - 0.12 * hit(c, 4.0, 2.0), "croll": -0.08 * hit(c, 4.0, 2.2)}


def _cross_trunk(c: Array, v: float) -> Trunk:
    side = hit(c, 4.0, 0.3, 0.5)
    return {"pyaw": -0.26 * side, "cyaw": 0.12 * side, "croll": 0.14 * hit(c, 4.0, 1.2), "cpitch": 0.05 * pulse(c), "hyaw": -0.25 * side}


def _turning(c: Array, v: float) -> Trunk:
    return {"cyaw": 0.10 + 0.05 * swing(c, 2.0), "croll": 0.05 * swing(c, 2.0, 0.2), "cpitch": 0.03 + 0.04 * pulse(c), "hyaw": np.full_like(c, 0.25)}


def _twist_trunk(c: Array, v: float) -> Trunk:
    turn = hit(c, 2.0, 0.0, 0.3)
    return {
        "pyaw": 0.42 * turn, "cyaw": -0.70 * turn, "py": -0.03 - 0.03 * np.sin(np.pi * c / 8.0) ** 2,
        "cpitch": 0.10 + 0.05 * swing(c, 8.0, 4.0), "px": 0.03 * swing(c, 4.0, 1.0), "croll": 0.06 * swing(c, 4.0, 1.0),
    }  # fmt: skip


def _body_roll(c: Array, v: float) -> Trunk:
    """A wave travels down from head to knees every four counts: each segment repeats the one above a quarter count later."""
    wave = lambda lag: swing(c, 4.0, 0.6 + lag)  # noqa: E731
    return {
        "hpitch": 0.16 * wave(0.0) - 0.05, "cpitch": -0.30 * wave(0.5) + 0.06, "ppitch": 0.20 * wave(1.15), "pz": -0.055 * wave(1.0),
        "py": -0.025 - 0.03 * wave(2.3), "croll": 0.05 * swing(c, 8.0, 1.0),
    }  # fmt: skip


def _hip_circle(c: Array, v: float) -> Trunk:
    period = 2.0 if v < 0.6 else 4.0
    a, b = swing(c, period), swing(c, period, 0.25 * period)
    return {
        "px": 0.085 * a, "pz": 0.07 * b, "proll": 0.14 * a, "ppitch": -0.10 * b, "pyaw": 0.12 * b,
        "croll": -0.20 * a, "cpitch": 0.08 + 0.13 * b, "cyaw": -0.10 * b, "py": np.full_like(c, -0.035),
    }  # fmt: skip


def _shimmy(c: Array, v: float) -> Trunk:
    shake = swing(c, 0.5 if v < 0.5 else 1.0)
    lean = hit(c, 8.0, 3.0, 0.3)
    size = 0.15 if v < 0.5 else 0.24
    return {
        "cyaw": size * shake, "cpitch": 0.10 + 0.16 * lean, "ppitch": 0.05 * lean, "pz": -0.03 * lean, "shrug_a": 0.10 * shake,
        "shrug_b": -0.10 * shake, "hpitch": -0.06 * lean, "croll": 0.04 * swing(c, 4.0),
    }  # fmt: skip


def _chest_pops(c: Array, v: float) -> Trunk:
    pop = pulse(c, 1.0, 0.0, 2.5)
    side = hit(c, 4.0, 0.5, 0.7)
    return {"cpitch": 0.12 - 0.20 * pop, "pz": -0.025 * pop, "croll": -0.13 * side, "cyaw": 0.15 * side, "shrug_a": 0.08 * pop, "shrug_b": 0.08 * pop}


def _dig_trunk(c: Array, v: float) -> Trunk:
    side = hit(c, 4.0, 0.0, 0.6)
    return {"ppitch": -0.05 * pulse(c, 2.0), "cpitch": 0.02 + 0.09 * pulse(c, 2.0, 1.0), "cyaw": -0.24 * side, "pyaw": 0.10 * side, "croll": 0.08 * side}


def _charleston_trunk(c: Array, v: float) -> Trunk:
    forth = hit(c, 4.0, 0.6, 0.2)
    return {"ppitch": -0.08 * forth, "cpitch": 0.07 + 0.10 * swing(c, 4.0, 3.0), "pyaw": -0.14 * swing(c, 4.0, 0.2), "cyaw": 0.36 * swing(c, 4.0, 0.2)}


def _cha_trunk(c: Array, v: float) -> Trunk:
    hip = hit(c, 1.0, 0.1, 0.3)
    return {"proll": 0.06 * hip, "croll": -0.08 * hip, "pyaw": 0.22 * hit(c, 4.0, 2.2), "cyaw": -0.30 * hit(c, 4.0, 2.3), "cpitch": 0.04 * pulse(c)}


def _walk_trunk(c: Array, v: float) -> Trunk:
    step = swing(c, 2.0, 0.1)
    return {"pyaw": -0.15 * step, "cyaw": 0.32 * step, "croll": -0.10 * step, "cpitch": 0.04 + 0.06 * pulse(c), "ppitch": 0.04 * swing(c, 8.0, 1.5)}


def _skate_trunk(c: Array, v: float) -> Trunk:
    side = hit(c, 4.0, 0.2, 0.3)
    return {"pyaw": 0.18 * side, "cyaw": -0.40 * side, "croll": -0.12 * side, "cpitch": 0.17 + 0.04 * pulse(c), "py": np.full_like(c, -0.02)}


def _sway_trunk(c: Array, v: float) -> Trunk:
    side = swing(c, 4.0, 0.3)
    return {"croll": -0.16 * side, "cyaw": 0.16 * swing(c, 4.0, 0.8), "cpitch": 0.03 * pulse(c), "hroll": 0.10 * swing(c, 4.0, 0.9)}


def _v_trunk(c: Array, v: float) -> Trunk:
    forth = hit(c, 4.0, 0.8, 0.4)
    return {"cpitch": 0.05 - 0.10 * forth, "ppitch": 0.05 * forth, "croll": -0.09 * hit(c, 2.0, 0.15), "cyaw": 0.14 * swing(c, 2.0, 0.3), "hpitch": -0.06 * forth}


def _curl_trunk(c: Array, v: float) -> Trunk:
    side = hit(c, 4.0, 0.6, 0.4)
    return {"croll": -0.14 * side, "cyaw": -0.24 * side, "pyaw": 0.12 * side, "cpitch": 0.07 + 0.07 * pulse(c), "hroll": 0.10 * side}


def _busy_trunk(c: Array, v: float) -> Trunk:
    side, quick = hit(c, 4.0, 0.5, 0.5), swing(c, 1.0, 0.1)
    return {"pyaw": 0.10 * quick, "cyaw": -0.20 * quick + 0.18 * side, "croll": -0.10 * side, "cpitch": 0.10 + 0.05 * pulse(c), "hroll": -0.08 * side}


_LOOSE = ("swing", "pump", "snaps", "float", "cross_open")
_UP = ("raise_roof", "point", "overhead", "wave")

MOVES: tuple[Move, ...] = (
    Move("step touch", 4, _step_touch, _easy, (*_LOOSE, *_UP, "clap", "cabbage_patch"), heat=-0.2, sway=1.2),
    Move("two-step", 8, _two_step, _double, (*_LOOSE, "clap", "raise_roof", "point"), heat=0.1),
    Move("grapevine", 8, _grapevine, _vine, ("swing", "cross_open", "float", "clap"), heat=0.2, tempo=(60, 135)),
    Move("jazz box", 4, _jazz_box, _box_trunk, ("swing", "cross_open", "snaps", "float"), heat=0.0),
    Move("rock", 4, _rock, _rock_trunk, ("swing", "pump", "roll", "snaps", "one_hip"), heat=0.0),
    Move("running man", 4, _run, _run_trunk, ("pump", "swing", "cabbage_patch", "raise_roof"), heat=0.9, bounce=1.3, tempo=(85, 140)),
    Move("knee lifts", 8, _knees, _knee_trunk, ("pump", "clap", "pull_down", "raise_roof"), heat=0.8, bounce=0.9),
    Move("kick-ball-change", 4, _kick_ball_change, _kick_trunk, ("swing", "snaps", "pump", "point"), travel=(0.40, 0.0), heat=0.5, tempo=(60, 130)),
    Move("cross and point", 8, _cross_point, _cross_trunk, ("cross_open", "point", "float", "snaps", "one_hip"), heat=0.2),
    Move("circle turn", 8, lambda v: _circle(v, 8), _turning, ("float", "overhead", "snaps", "swing"), turn=2 * np.pi, heat=0.1),
    Move("pivot turn", 4, lambda v: _circle(v, 4), _turning, ("snaps", "swing", "cross_open"), turn=np.pi, heat=0.4),
    Move("twist", 8, _twist, _twist_trunk, ("twist", "pump", "one_hip"), heat=0.5, bounce=0.5, sway=0.3),
    Move("body roll", 8, _stand_wide, _body_roll, ("float", "thighs", "overhead"), heat=-0.5, bounce=0.35, sway=0.6),
    Move("hip circles", 8, _stand_wide, _hip_circle, ("one_hip", "overhead", "float", "thighs"), heat=-0.4, bounce=0.3, sway=0.2),
    Move("shimmy", 8, _stand_tapping, _shimmy, ("shimmy",), heat=0.2, bounce=0.8, tempo=(60, 125)),
    Move("chest pops", 8, _stand_tapping, _chest_pops, ("pump", "point", "cabbage_patch", "raise_roof", "wave"), heat=0.3, bounce=1.3),
    Move("heel digs", 4, _heel_digs, _dig_trunk, ("swing", "clap", "snaps", "roll"), heat=0.0, bounce=1.2),
    Move("charleston", 4, _charleston, _charleston_trunk, ("swing", "snaps"), heat=0.6),
    Move("cha-cha side", 4, _cha_cha, _cha_trunk, ("swing", "float", "snaps", "one_hip"), travel=(0.60, 0.0), heat=0.3, sway=1.3, tempo=(60, 118)),
    Move("walk", 8, _walk, _walk_trunk, ("swing", "snaps", "pump", "pull_down"), heat=0.1),
    Move("skate", 4, _skate, _skate_trunk, ("swing", "cross_open", "cabbage_patch"), heat=0.4, bounce=1.2),
    Move("v-step", 4, _v_step, _v_trunk, (*_LOOSE, "clap", "raise_roof", "pull_down"), heat=0.1, bounce=1.1),
    Move("low kicks", 8, _low_kicks, _knee_trunk, ("swing", "pump", "snaps", "clap"), heat=0.6),
    Move("hamstring curls", 8, _curls, _curl_trunk, ("pump", "clap", "cross_open", "swing", "cabbage_patch"), heat=0.3, bounce=1.1),
    Move("triple step", 4, _triple, _busy_trunk, ("swing", "snaps", "float", "clap"), heat=0.5, bounce=0.9, tempo=(60, 122)),
    Move("shuffle", 4, _shuffle, _busy_trunk, ("pump", "roll", "swing", "raise_roof"), heat=0.7, bounce=1.2, tempo=(60, 104)),
    Move("quick taps", 4, _quick_taps, _busy_trunk, ("swing", "snaps", "pump", "one_hip"), heat=0.5, tempo=(60, 116)),
    Move("sway", 4, _sway, _sway_trunk, ("float", "overhead", "snaps", "wave", "one_hip"), heat=-0.8, bounce=0.8, sway=1.6),
)  # fmt: skip
