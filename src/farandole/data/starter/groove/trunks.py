"""The trunks of the groove style: how pelvis, chest, head and shoulders play over the count of a move.

Functions take the local count [T] and the move's variation in [0, 1] and return channels in m and rad: px, py, pz (pelvis), and
yaw, roll, pitch of pelvis (p), chest (c) and head (h), shrug_a and shrug_b (lead and other shoulder). As the feet, they are
written for a dancer who leads to the left (+x): yaw is positive towards the lead side, roll lifts it, pitch leans forward.
"""

from __future__ import annotations

import numpy as np

from farandole.data.starter.groove.ease import hit, pulse, swing
from farandole.motion.rotations import Array

Trunk = dict[str, Array]


def easy(c: Array, v: float) -> Trunk:
    """The default: hips over the working leg every two counts, ribs answering, a lean into the beat."""
    lean = hit(c, 4.0, 0.25, 0.5)
    return {"croll": -0.10 * lean, "cyaw": 0.10 * swing(c, 4.0, 0.5), "cpitch": 0.05 * pulse(c), "hroll": 0.06 * lean}


def double(c: Array, v: float) -> Trunk:
    """Lean into the way there, then into the way back."""
    lean = hit(c, 8.0, 1.5, 0.4)
    return {"cyaw": 0.16 * lean, "croll": -0.08 * hit(c, 2.0, 0.2), "cpitch": 0.05 * pulse(c), "hyaw": 0.25 * lean}


def vine(c: Array, v: float) -> Trunk:
    """Hips twist under quiet shoulders, the eyes travel ahead."""
    twist = swing(c, 2.0, 1.0)
    side = hit(c, 8.0, 1.5, 0.4)
    return {
        "pyaw": 0.28 * twist,
        "cyaw": -0.34 * twist,
        "croll": -0.06 * side,
        "cpitch": 0.06 + 0.04 * pulse(c),
        "hyaw": 0.30 * side,
    }


def box_trunk(c: Array, v: float) -> Trunk:
    """Shoulders turn against the crossing foot."""
    across = hit(c, 4.0, 0.1, 0.4)
    return {
        "pyaw": -0.20 * across,
        "cyaw": 0.34 * across,
        "croll": 0.08 * hit(c, 2.0, 0.2),
        "cpitch": 0.04 + 0.05 * pulse(c),
    }


def rock_trunk(c: Array, v: float) -> Trunk:
    """The chest rolls over the rocking foot, a little late."""
    forth = hit(c, 4.0, 0.15, 0.3)
    return {
        "pz": 0.02 * forth,
        "ppitch": 0.05 * forth,
        "cpitch": 0.04 + 0.10 * hit(c, 4.0, 0.45),
        "cyaw": -0.18 * forth,
        "pyaw": 0.10 * forth,
    }


def run_trunk(c: Array, v: float) -> Trunk:
    """Leaning in, shoulders against the knees."""
    return {
        "cpitch": 0.14 + 0.08 * pulse(c),
        "pyaw": 0.12 * swing(c, 2.0),
        "cyaw": -0.26 * swing(c, 2.0, 0.1),
        "hpitch": 0.05 * pulse(c),
    }


def knee_trunk(c: Array, v: float) -> Trunk:
    """The elbow side meets the rising knee."""
    up = hit(c, 4.0, 3.0, 0.4)  # lead knee up at 3, other at 1
    return {
        "pyaw": -0.12 * up,
        "cyaw": 0.34 * up,
        "croll": -0.12 * up,
        "cpitch": 0.08 + 0.10 * pulse(c, 2.0, 1.0),
        "ppitch": -0.06 * pulse(c, 2.0, 1.0),
    }


def kick_trunk(c: Array, v: float) -> Trunk:
    """Lean back a little from the kick."""
    kick = pulse(c, 4.0, 0.0, 4.0)
    return {
        "ppitch": -0.12 * kick,
        "cpitch": 0.05 - 0.05 * kick,
        "cyaw": 0.22 * kick - 0.12 * hit(c, 4.0, 2.0),
        "croll": -0.08 * hit(c, 4.0, 2.2),
    }


def cross_trunk(c: Array, v: float) -> Trunk:
    """Hips turn into the cross, ribs away from the point."""
    side = hit(c, 4.0, 0.3, 0.5)
    return {
        "pyaw": -0.26 * side,
        "cyaw": 0.12 * side,
        "croll": 0.14 * hit(c, 4.0, 1.2),
        "cpitch": 0.05 * pulse(c),
        "hyaw": -0.25 * side,
    }


def turning(c: Array, v: float) -> Trunk:
    """Upright, looking ahead into the turn."""
    return {
        "cyaw": 0.10 + 0.05 * swing(c, 2.0),
        "croll": 0.05 * swing(c, 2.0, 0.2),
        "cpitch": 0.03 + 0.04 * pulse(c),
        "hyaw": np.full_like(c, 0.25),
    }


def twist_trunk(c: Array, v: float) -> Trunk:
    """Hips with the feet, shoulders against them, sinking and rising."""
    turn = hit(c, 2.0, 0.0, 0.3)
    return {
        "pyaw": 0.42 * turn, "cyaw": -0.70 * turn, "py": -0.03 - 0.03 * np.sin(np.pi * c / 8.0) ** 2,
        "cpitch": 0.10 + 0.05 * swing(c, 8.0, 4.0), "px": 0.03 * swing(c, 4.0, 1.0), "croll": 0.06 * swing(c, 4.0, 1.0),
    }  # fmt: skip


def body_roll(c: Array, v: float) -> Trunk:
    """A wave travels down from head to knees every four counts: each part repeats the one above, later."""
    wave = lambda lag: swing(c, 4.0, 0.6 + lag)  # noqa: E731
    return {
        "hpitch": 0.16 * wave(0.0) - 0.05, "cpitch": -0.30 * wave(0.5) + 0.06, "ppitch": 0.20 * wave(1.15),
        "pz": -0.055 * wave(1.0), "py": -0.025 - 0.03 * wave(2.3), "croll": 0.05 * swing(c, 8.0, 1.0),
    }  # fmt: skip


def hip_circle(c: Array, v: float) -> Trunk:
    """The pelvis draws a circle below a quiet head."""
    period = 2.0 if v < 0.6 else 4.0
    a, b = swing(c, period), swing(c, period, 0.25 * period)
    return {
        "px": 0.085 * a, "pz": 0.07 * b, "proll": 0.14 * a, "ppitch": -0.10 * b, "pyaw": 0.12 * b,
        "croll": -0.20 * a, "cpitch": 0.08 + 0.13 * b, "cyaw": -0.10 * b, "py": np.full_like(c, -0.035),
    }  # fmt: skip


def shimmy(c: Array, v: float) -> Trunk:
    """Shoulders shake; the trunk leans in and out."""
    shake = swing(c, 0.5 if v < 0.5 else 1.0)
    lean = hit(c, 8.0, 3.0, 0.3)
    size = 0.15 if v < 0.5 else 0.24
    return {
        "cyaw": size * shake, "cpitch": 0.10 + 0.16 * lean, "ppitch": 0.05 * lean, "pz": -0.03 * lean, "shrug_a": 0.10 * shake,
        "shrug_b": -0.10 * shake, "hpitch": -0.06 * lean, "croll": 0.04 * swing(c, 4.0),
    }  # fmt: skip


def chest_pops(c: Array, v: float) -> Trunk:
    """The chest pops up on every beat, leaning from side to side."""
    pop = pulse(c, 1.0, 0.0, 2.5)
    side = hit(c, 4.0, 0.5, 0.7)
    return {
        "cpitch": 0.12 - 0.20 * pop,
        "pz": -0.025 * pop,
        "croll": -0.13 * side,
        "cyaw": 0.15 * side,
        "shrug_a": 0.08 * pop,
        "shrug_b": 0.08 * pop,
    }


def dig_trunk(c: Array, v: float) -> Trunk:
    """Lean away from the heel."""
    side = hit(c, 4.0, 0.0, 0.6)
    return {
        "ppitch": -0.05 * pulse(c, 2.0),
        "cpitch": 0.02 + 0.09 * pulse(c, 2.0, 1.0),
        "cyaw": -0.24 * side,
        "pyaw": 0.10 * side,
        "croll": 0.08 * side,
    }


def charleston_trunk(c: Array, v: float) -> Trunk:
    """Back with the kick, forward with the step back."""
    forth = hit(c, 4.0, 0.6, 0.2)
    return {
        "ppitch": -0.08 * forth,
        "cpitch": 0.07 + 0.10 * swing(c, 4.0, 3.0),
        "pyaw": -0.14 * swing(c, 4.0, 0.2),
        "cyaw": 0.36 * swing(c, 4.0, 0.2),
    }


def cha_trunk(c: Array, v: float) -> Trunk:
    """Quick hips, then the rock back opens the body."""
    hip = hit(c, 1.0, 0.1, 0.3)
    return {
        "proll": 0.06 * hip,
        "croll": -0.08 * hip,
        "pyaw": 0.22 * hit(c, 4.0, 2.2),
        "cyaw": -0.30 * hit(c, 4.0, 2.3),
        "cpitch": 0.04 * pulse(c),
    }


def walk_trunk(c: Array, v: float) -> Trunk:
    """Shoulders against hips, as walking goes."""
    step = swing(c, 2.0, 0.1)
    return {
        "pyaw": -0.15 * step,
        "cyaw": 0.32 * step,
        "croll": -0.10 * step,
        "cpitch": 0.04 + 0.06 * pulse(c),
        "ppitch": 0.04 * swing(c, 8.0, 1.5),
    }


def skate_trunk(c: Array, v: float) -> Trunk:
    """Low, the shoulders swing across."""
    side = hit(c, 4.0, 0.2, 0.3)
    return {
        "pyaw": 0.18 * side,
        "cyaw": -0.40 * side,
        "croll": -0.12 * side,
        "cpitch": 0.17 + 0.04 * pulse(c),
        "py": np.full_like(c, -0.02),
    }


def sway_trunk(c: Array, v: float) -> Trunk:
    """Ribs over the hip, the head after them."""
    side = swing(c, 4.0, 0.3)
    return {
        "croll": -0.16 * side,
        "cyaw": 0.16 * swing(c, 4.0, 0.8),
        "cpitch": 0.03 * pulse(c),
        "hroll": 0.10 * swing(c, 4.0, 0.9),
    }


def v_trunk(c: Array, v: float) -> Trunk:
    """Chest up going out, down coming in."""
    forth = hit(c, 4.0, 0.8, 0.4)
    return {
        "cpitch": 0.05 - 0.10 * forth,
        "ppitch": 0.05 * forth,
        "croll": -0.09 * hit(c, 2.0, 0.15),
        "cyaw": 0.14 * swing(c, 2.0, 0.3),
        "hpitch": -0.06 * forth,
    }


def curl_trunk(c: Array, v: float) -> Trunk:
    """Lean over the standing leg."""
    side = hit(c, 4.0, 0.6, 0.4)
    return {
        "croll": -0.14 * side,
        "cyaw": -0.24 * side,
        "pyaw": 0.12 * side,
        "cpitch": 0.07 + 0.07 * pulse(c),
        "hroll": 0.10 * side,
    }


def busy_trunk(c: Array, v: float) -> Trunk:
    """Hips chatter with the quick feet."""
    side, quick = hit(c, 4.0, 0.5, 0.5), swing(c, 1.0, 0.1)
    return {
        "pyaw": 0.10 * quick,
        "cyaw": -0.20 * quick + 0.18 * side,
        "croll": -0.10 * side,
        "cpitch": 0.10 + 0.05 * pulse(c),
        "hroll": -0.08 * side,
    }
