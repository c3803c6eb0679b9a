"""The moves of the groove style: footwork, trunk and suitable arms put together, 4 or 8 counts each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from farandole.data.starter.groove import steps, trunks
from farandole.data.starter.groove.steps import Step
from farandole.data.starter.groove.trunks import Trunk
from farandole.motion.rotations import Array


@dataclass(frozen=True)
class Move:
    """A move of 4 or 8 counts.

    Attributes:
        steps: variation in [0, 1] -> steps in order of landing, first at local count 0 or later, last before the end.
        trunk: (local count [T], variation) -> trunk channels, see `trunks`.
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


_LOOSE = ("swing", "pump", "snaps", "float", "cross_open")
_UP = ("raise_roof", "point", "overhead", "wave")

MOVES: tuple[Move, ...] = (
    Move("step touch", 4, steps.step_touch, trunks.easy, (*_LOOSE, *_UP, "clap", "cabbage_patch"), heat=-0.2, sway=1.2),
    Move("two-step", 8, steps.two_step, trunks.double, (*_LOOSE, "clap", "raise_roof", "point"), heat=0.1),
    Move(
        "grapevine",
        8,
        steps.grapevine,
        trunks.vine,
        ("swing", "cross_open", "float", "clap"),
        heat=0.2,
        tempo=(60, 135),
    ),
    Move("jazz box", 4, steps.jazz_box, trunks.box_trunk, ("swing", "cross_open", "snaps", "float"), heat=0.0),
    Move("rock", 4, steps.rock, trunks.rock_trunk, ("swing", "pump", "roll", "snaps", "one_hip"), heat=0.0),
    Move(
        "running man",
        4,
        steps.run,
        trunks.run_trunk,
        ("pump", "swing", "cabbage_patch", "raise_roof"),
        heat=0.9,
        bounce=1.3,
        tempo=(85, 140),
    ),
    Move(
        "knee lifts",
        8,
        steps.knees,
        trunks.knee_trunk,
        ("pump", "clap", "pull_down", "raise_roof"),
        heat=0.8,
        bounce=0.9,
    ),
    Move(
        "kick-ball-change",
        4,
        steps.kick_ball_change,
        trunks.kick_trunk,
        ("swing", "snaps", "pump", "point"),
        travel=(0.40, 0.0),
        heat=0.5,
        tempo=(60, 130),
    ),
    Move(
        "cross and point",
        8,
        steps.cross_point,
        trunks.cross_trunk,
        ("cross_open", "point", "float", "snaps", "one_hip"),
        heat=0.2,
    ),
    Move(
        "circle turn",
        8,
        lambda v: steps.circle(v, 8),
        trunks.turning,
        ("float", "overhead", "snaps", "swing"),
        turn=2 * np.pi,
        heat=0.1,
    ),
    Move(
        "pivot turn",
        4,
        lambda v: steps.circle(v, 4),
        trunks.turning,
        ("snaps", "swing", "cross_open"),
        turn=np.pi,
        heat=0.4,
    ),
    Move("twist", 8, steps.twist, trunks.twist_trunk, ("twist", "pump", "one_hip"), heat=0.5, bounce=0.5, sway=0.3),
    Move(
        "body roll",
        8,
        steps.stand_wide,
        trunks.body_roll,
        ("float", "thighs", "overhead"),
        heat=-0.7,
        bounce=0.35,
        sway=0.6,
    ),
    Move(
        "hip circles",
        8,
        steps.stand_wide,
        trunks.hip_circle,
        ("one_hip", "overhead", "float", "thighs"),
        heat=-0.6,
        bounce=0.3,
        sway=0.2,
    ),
    Move("shimmy", 8, steps.stand_tapping, trunks.shimmy, ("shimmy",), heat=0.2, bounce=0.8, tempo=(60, 125)),
    Move(
        "chest pops",
        8,
        steps.stand_tapping,
        trunks.chest_pops,
        ("pump", "point", "cabbage_patch", "raise_roof", "wave"),
        heat=0.3,
        bounce=1.3,
    ),
    Move("heel digs", 4, steps.heel_digs, trunks.dig_trunk, ("swing", "clap", "snaps", "roll"), heat=0.0, bounce=1.2),
    Move("charleston", 4, steps.charleston, trunks.charleston_trunk, ("swing", "snaps"), heat=0.6),
    Move(
        "cha-cha side",
        4,
        steps.cha_cha,
        trunks.cha_trunk,
        ("swing", "float", "snaps", "one_hip"),
        travel=(0.60, 0.0),
        heat=0.3,
        sway=1.3,
        tempo=(60, 118),
    ),
    Move("walk", 8, steps.walk, trunks.walk_trunk, ("swing", "snaps", "pump", "pull_down"), heat=0.1),
    Move("skate", 4, steps.skate, trunks.skate_trunk, ("swing", "cross_open", "cabbage_patch"), heat=0.4, bounce=1.2),
    Move("v-step", 4, steps.v_step, trunks.v_trunk, (*_LOOSE, "clap", "raise_roof", "pull_down"), heat=0.1, bounce=1.1),
    Move("low kicks", 8, steps.low_kicks, trunks.knee_trunk, ("swing", "pump", "snaps", "clap"), heat=0.6),
    Move(
        "hamstring curls",
        8,
        steps.curls,
        trunks.curl_trunk,
        ("pump", "clap", "cross_open", "swing", "cabbage_patch"),
        heat=0.3,
        bounce=1.1,
    ),
    Move(
        "triple step",
        4,
        steps.triple,
        trunks.busy_trunk,
        ("swing", "snaps", "float", "clap"),
        heat=0.5,
        bounce=0.9,
        tempo=(60, 122),
    ),
    Move(
        "quick taps",
        4,
        steps.quick_taps,
        trunks.busy_trunk,
        ("swing", "snaps", "pump", "one_hip"),
        heat=0.6,
        tempo=(60, 98),
    ),
    Move(
        "sway",
        4,
        steps.sway,
        trunks.sway_trunk,
        ("float", "overhead", "snaps", "wave", "one_hip"),
        heat=-0.8,
        bounce=0.8,
        sway=1.6,
    ),
)
