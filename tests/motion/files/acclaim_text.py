"""An Acclaim skeleton and motion made for the tests, as text."""

from __future__ import annotations

import numpy as np

# Name: parent, direction, length, axis in degrees, dof.
BONES = {
    "lhip": ("root", (0.6, -0.7, 0.2), 2.5, (0, 0, 0), ()),
    "lfemur": ("lhip", (0.3, -0.9, 0.0), 7.5, (0, 0, 20), ("rx", "ry", "rz")),
    "ltibia": ("lfemur", (0.3, -0.9, 0.1), 7.0, (-90, 10, 20), ("rx",)),
    "lfoot": ("ltibia", (0.1, -0.2, 0.9), 2.2, (-90, 0, 20), ("rx", "rz")),
    "back": ("root", (0.0, 1.0, 0.1), 4.0, (5, -30, 60), ("rz", "ry", "rx")),
    "head": ("back", (0.0, 1.0, 0.0), 2.0, (0, 0, 0), ("ry", "rx")),
}
ROOT_AXIS = (10.0, 20.0, 30.0)


def asf(*, unit: str = "length 0.45", angle: str = "deg", axis: str = "XYZ") -> str:
    scale = 1.0 if angle == "deg" else np.pi / 180.0
    number = lambda values: " ".join(f"{v * scale:.12g}" for v in values)  # noqa: E731
    lines = [
        "# made here",
        ":version 1.10",
        ":name x",
        ":units",
        "  mass 1.0",
        f"  {unit}",
        f"  angle {angle}",
        ":documentation",
        "  begin of no bone",
    ]
    lines += [
        ":root",
        "  order TX TY TZ RX RY RZ",
        "  axis XYZ",
        "  position 1 2 3",
        f"  orientation {number(ROOT_AXIS)}",
        ":bonedata",
    ]
    for i, (name, (_, direction, length, turn, dof)) in enumerate(BONES.items(), 1):
        lines += [
            "  begin",
            f"    id {i} # a comment",
            f"    name {name}",
            f"    direction {' '.join(map(str, direction))}  ",
        ]
        lines += [f"    length {length}", f"    axis {number(turn)} {axis}"]
        if dof:
            lines += [
                f"    dof {' '.join(dof)}",
                "    limits (-160.0 20.0)",
                *["           (-70.0 70.0)"] * (len(dof) - 1),
            ]
        lines.append("  end")
    lines += [
        ":hierarchy",
        "  begin",
        "    root lhip back",
        "    lhip lfemur",
        "    lfemur ltibia",
        "    ltibia lfoot",
        "    back head",
        "  end",
    ]
    return "\n".join(lines) + "\n"


def amc(values: list[dict[str, np.ndarray]], *, head: str = ":FULLY-SPECIFIED\n:DEGREES\n") -> str:
    lines = ["#!OML:ASF somewhere"]
    for number, frame in enumerate(values, 1):
        lines += [str(number), *(f"{name} {' '.join(f'{v:.10g}' for v in row)}" for name, row in frame.items())]
    return lines[0] + "\n" + head + "\n".join(lines[1:]) + "\n"


def some_values(frames: int = 3) -> list[dict[str, np.ndarray]]:
    random = np.random.default_rng(0)
    return [
        {
            "root": np.concatenate((random.normal(size=3) * 10, random.normal(size=3) * 60)),
            **{name: random.normal(size=len(dof)) * 50 for name, (*_, dof) in BONES.items() if dof},
        }
        for _ in range(frames)
    ]
