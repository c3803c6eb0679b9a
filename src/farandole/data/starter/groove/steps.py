"""The footwork of the groove style: which foot lands where, when and how.

Written for a dancer whose left foot is free ("lead"); the other case is the mirror image. Landings are displacements in metres
from the foot's own neutral place (x towards the lead side, z forward), so equal displacements of both feet keep the stance.
Every function takes a variation in [0, 1] and returns steps in order of landing: the first at local count 0 or later, the last
before the move ends. A foot that bears the weight never leaves the floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LEAD, OTHER = 1, -1


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


def _touch(at: float, foot: int, x: float = 0.0, z: float = 0.0, heel: float = 0.32, **more: Any) -> Step:
    return Step(at, foot, x, z, weight=0.0, heel=heel, **more)


def step_touch(v: float) -> list[Step]:
    """Step out, touch the other foot to it, and back."""
    x = 0.40 + 0.10 * v
    return [
        Step(0, LEAD, x),
        _touch(1, OTHER, x + 0.05, 0.03 * v),
        Step(2, OTHER, 0.0),
        _touch(3, LEAD, -0.05, 0.03 * v),
    ]


def two_step(v: float) -> list[Step]:
    """Step, together, step, touch; and back."""
    x = 0.34 + 0.06 * v
    return [
        Step(0, LEAD, x), Step(1, OTHER, x + 0.02), Step(2, LEAD, 2 * x), _touch(3, OTHER, 2 * x + 0.05, 0.05),
        Step(4, OTHER, x), Step(5, LEAD, x - 0.02), Step(6, OTHER, 0.0), _touch(7, LEAD, -0.05, 0.05),
    ]  # fmt: skip


def grapevine(v: float) -> list[Step]:
    """Side, behind, side, touch or lift; and back."""
    x, back = 0.36 + 0.05 * v, (0.0, 0.06, -0.10)
    end = (
        [_touch(3, OTHER, 2 * x + 0.05, 0.02), _touch(7, LEAD, -0.05, 0.02)]
        if v < 0.5
        else [
            Step(3, OTHER, 2 * x, weight=0.0, heel=0.2, bump=(0, 0.22, 0.22)),
            Step(7, LEAD, 0.0, weight=0.0, heel=0.2, bump=(0, 0.22, 0.22)),
        ]
    )
    there = [Step(0, LEAD, x), Step(1, OTHER, x + 0.26, -0.17, bump=back), Step(2, LEAD, 2 * x), end[0]]
    again = [Step(4, OTHER, x), Step(5, LEAD, x - 0.26, -0.17, bump=back), Step(6, OTHER, 0.0), end[1]]
    return there + again


def jazz_box(v: float) -> list[Step]:
    """Cross, back, side, forward: a box."""
    d = 0.24 + 0.06 * v
    return [
        Step(0, LEAD, -0.24, d, bump=(0.0, 0.09, 0.06)), Step(1, OTHER, -0.04, -d),
        Step(2, LEAD, 0.22, -0.5 * d), Step(3, OTHER, 0.10, 0.02),
    ]  # fmt: skip


def rock(v: float) -> list[Step]:
    """Rock forward and back over the other foot."""
    d = 0.27 + 0.08 * v
    return [
        Step(0, LEAD, 0.0, d), Step(1, OTHER, 0.0, 0.0, bump=(0, 0.07, -0.03)),
        Step(2, LEAD, 0.0, -d), Step(3, OTHER, 0.0, 0.0, bump=(0, 0.07, 0.04)),
    ]  # fmt: skip


def run(v: float) -> list[Step]:
    """Knees and heels up on the spot, a step on every count."""
    knee = (0.0, 0.20 + 0.06 * v, -0.20)
    return [
        Step(k, (LEAD, OTHER)[k % 2], 0.05, 0.12 * (-1) ** (k // 2), swing=0.82, bump=knee, late=0.9) for k in range(4)
    ]


def knees(v: float) -> list[Step]:
    """Slow steps with the knee pulled up between them."""
    knee, x = (0.0, 0.34 + 0.08 * v, 0.12), 0.06
    return [
        Step(0, LEAD, x), Step(2, OTHER, -x, swing=1.55, bump=knee),
        Step(4, LEAD, x, swing=1.55, bump=knee), Step(6, OTHER, -x, swing=1.55, bump=knee), _touch(7, LEAD, 0.0),
    ]  # fmt: skip


def kick_ball_change(v: float) -> list[Step]:
    """Kick, change the weight on the half count, step aside."""
    kick = (0.10 * v, 0.30, 0.60)
    return [
        Step(0.5, LEAD, 0.0, -0.06, swing=1.15, bump=kick, heel=0.15), Step(1, OTHER, 0.0, 0.0, swing=0.42, bump=(0, 0.05, 0)),
        Step(2, LEAD, 0.36 + 0.08 * v, 0.0), Step(3, OTHER, 0.36 + 0.08 * v, 0.0),
    ]  # fmt: skip


def cross_point(v: float) -> list[Step]:
    """Cross over and point to the side, four times."""
    z, cross = 0.10, (0.0, 0.08, 0.07)
    return [
        Step(0, LEAD, -0.22, 0.14 + z, bump=cross), _touch(1, OTHER, -0.34, z, bump=(-0.05, 0.08, 0.0)),
        Step(2, OTHER, 0.24, 0.16 + 2 * z, bump=cross), _touch(3, LEAD, 0.36, 2 * z, bump=(0.05, 0.08, 0.0)),
        Step(4, LEAD, 0.10, -0.02 + z, bump=(0, 0.08, -0.08)), _touch(5, OTHER, -0.26, z),
        Step(6, OTHER, -0.05, -0.05, bump=(0, 0.08, -0.08)), _touch(7, LEAD, 0.28, 0.0),
    ]  # fmt: skip


def circle(v: float, counts: int) -> list[Step]:
    """Small steps around oneself; the heading turns meanwhile."""
    r = 0.24 + 0.08 * v
    return [
        Step(k, (LEAD, OTHER)[k % 2], (0.0, r)[k % 2] * 0.3, r if k % 2 else 0.05, bump=(0, 0.08, 0))
        for k in range(counts - 1)
    ] + [_touch(counts - 1, OTHER, 0.05, 0.0) if counts % 2 else Step(counts - 1, OTHER, 0.0, 0.0)]


def twist(v: float) -> list[Step]:
    """Both balls swivel on the spot."""
    wide = 0.06 + 0.05 * v
    flat = {"swing": 0.8, "bump": (0.0, 0.0, 0.0), "weight": 0.5, "heel": 0.16}
    steps = [Step(0, LEAD, wide, 0.05, weight=0.5, heel=0.16, yaw=0.35)]
    for k in range(1, 7):
        turn = 0.5 if k % 2 == 0 else -0.5
        steps += [Step(k, LEAD, wide, 0.05, yaw=turn, **flat), Step(k, OTHER, -wide, -0.05, yaw=-turn, **flat)]
    return [*sorted(steps, key=lambda s: s.at), Step(7, OTHER, 0.0, 0.0)]


def stand_wide(v: float, out: float = 0.15) -> list[Step]:
    """Open the stance, play on it, and gather the lead foot again; the weight pours from one leg to the other."""
    x = out + 0.06 * v
    return [
        Step(0, LEAD, x, weight=0.75), Step(2, OTHER, -x, weight=0.75, bump=(0, 0.04, 0)),
        Step(4, LEAD, x, weight=0.75, bump=(0, 0.04, 0)), Step(6, OTHER, -0.5 * x, weight=1.0), _touch(7, LEAD, -0.02),
    ]  # fmt: skip


def stand_tapping(v: float) -> list[Step]:
    """A wide stance with a tap of the free foot between the changes of weight."""
    x, tap = 0.14 + 0.08 * v, {"weight": 0.0, "heel": 0.25, "bump": (0.0, 0.09, 0.03)}
    return [
        Step(0, LEAD, x), Step(1, OTHER, -0.4 * x, 0.05, **tap), Step(2, OTHER, -x), Step(3, LEAD, 0.4 * x, 0.05, **tap),
        Step(4, LEAD, x), Step(5, OTHER, -0.4 * x, 0.05, **tap), Step(6, OTHER, -0.6 * x), Step(7, LEAD, 0.0, 0.03, **tap),
    ]  # fmt: skip


def heel_digs(v: float) -> list[Step]:
    """Heel forward, together, on alternate sides."""
    dig = {"heel": -0.36, "weight": 0.0, "bump": (0.0, 0.11, 0.0), "yaw": 0.1}
    z = 0.36 + 0.06 * v
    return [
        Step(0, LEAD, 0.06, z, **dig), Step(1, LEAD, 0.0, 0.0),
        Step(2, OTHER, -0.06, z, **dig), Step(3, OTHER, 0.0, 0.0),
    ]  # fmt: skip


def charleston(v: float) -> list[Step]:
    """Step forward, kick through, step back, touch behind."""
    d = 0.23 + 0.05 * v
    return [
        Step(0, LEAD, -0.02, d), Step(2, OTHER, 0.02, -0.20, swing=1.55, bump=(0.0, 0.30, 0.72), late=0.95),
        _touch(3, LEAD, 0.0, -d - 0.08, heel=0.5),
    ]  # fmt: skip


def cha_cha(v: float) -> list[Step]:
    """Three quick steps aside and a rock back."""
    x = 0.28 + 0.05 * v
    return [
        Step(0, LEAD, x), Step(0.5, OTHER, x - 0.02, swing=0.45, bump=(0, 0.045, 0)), Step(1, LEAD, 2 * x, swing=0.45),
        Step(2, OTHER, 2 * x + 0.10, -0.30), Step(3, LEAD, 2 * x, 0.0, bump=(0, 0.06, 0.02)),
    ]  # fmt: skip


def walk(v: float) -> list[Step]:
    """Three steps forward and a touch; three back and a touch."""
    d = 0.25 + 0.05 * v
    return [
        Step(0, LEAD, 0.0, d), Step(1, OTHER, 0.0, 2 * d), Step(2, LEAD, 0.0, 3 * d), _touch(3, OTHER, -0.10 * v, 3 * d + 0.02),
        Step(4, OTHER, 0.0, 2 * d), Step(5, LEAD, 0.0, d), Step(6, OTHER, 0.0, 0.0), _touch(7, LEAD, 0.10 * v, 0.0),
    ]  # fmt: skip


def skate(v: float) -> list[Step]:
    """Long diagonal steps, the other foot drawn behind."""
    x, z = 0.34 + 0.08 * v, 0.14
    return [
        Step(0, LEAD, x, z, swing=0.8, yaw=0.25), _touch(1, OTHER, x - 0.10, z - 0.20, bump=(0.05, 0.05, -0.12), heel=0.6),
        Step(2, OTHER, -x, z, swing=0.8, yaw=0.25), _touch(3, LEAD, -x + 0.10, z - 0.20, bump=(-0.05, 0.05, -0.12), heel=0.6),
    ]  # fmt: skip


def sway(v: float) -> list[Step]:
    """Weight from side to side, the other heel lifted."""
    x = 0.16 + 0.08 * v
    low = {"bump": (0.0, 0.05, 0.0), "swing": 0.9}
    return [
        Step(0, LEAD, x, **low),
        _touch(1, OTHER, -0.02, heel=0.35, **low),
        Step(2, OTHER, -x, **low),
        _touch(3, LEAD, 0.02, heel=0.35, **low),
    ]


def v_step(v: float) -> list[Step]:
    """Out, out, in, in."""
    x, z = 0.14 + 0.06 * v, 0.30 + 0.06 * v
    return [Step(0, LEAD, x, z), Step(1, OTHER, -x, z), Step(2, LEAD, -0.02, -0.04), Step(3, OTHER, 0.02, -0.04)]


def low_kicks(v: float) -> list[Step]:
    """Step and kick low, forward or across."""
    x, kick = 0.12, (0.0, 0.20, 0.46)
    if v > 0.5:
        kick = (-0.25, 0.20, 0.36)  # across the standing leg
    return [
        Step(0, LEAD, x), Step(2, OTHER, -x, swing=1.5, bump=kick), Step(4, LEAD, x, swing=1.5, bump=(-kick[0], *kick[1:])),
        Step(6, OTHER, -x, swing=1.5, bump=kick), _touch(7, LEAD, 0.0),
    ]  # fmt: skip


def curls(v: float) -> list[Step]:
    """Step wide and curl the other heel up behind."""
    x, curl = 0.24 + 0.06 * v, (0.0, 0.30, -0.30)
    return [
        Step(0, LEAD, x), Step(2, OTHER, -x, swing=1.6, bump=curl), Step(4, LEAD, x, swing=1.6, bump=curl),
        Step(6, OTHER, -x, swing=1.6, bump=curl), _touch(7, LEAD, -0.04),
    ]  # fmt: skip


def triple(v: float) -> list[Step]:
    """Three quick steps aside, three back."""
    x, quick = 0.21 + 0.04 * v, {"swing": 0.46, "bump": (0.0, 0.07, 0.0)}
    return [
        Step(0, LEAD, x), Step(0.5, OTHER, x - 0.02, **quick), Step(1, LEAD, 2 * x, **quick),
        Step(2, OTHER, x, 0.02), Step(2.5, LEAD, x + 0.02, 0.04, **quick), Step(3, OTHER, 0.0, 0.0, **quick),
    ]  # fmt: skip


def quick_taps(v: float) -> list[Step]:
    """Tap out, step in, on the half beats; the feet talk while the body grooves."""
    tap = {"weight": 0.0, "heel": 0.3, "swing": 0.46, "bump": (0.0, 0.07, 0.0)}
    home = {"swing": 0.46, "bump": (0.0, 0.08, 0.0)}
    x = 0.30 + 0.06 * v
    return [
        Step(0, LEAD, x, 0.06, **tap), Step(0.5, LEAD, **home), Step(1, OTHER, -x, 0.06, **tap), Step(1.5, OTHER, **home),
        Step(2, LEAD, 0.05, 0.34, **tap), Step(2.5, LEAD, **home), Step(3, OTHER, -0.05, 0.34, **tap), Step(3.5, OTHER, **home),
    ]  # fmt: skip
