"""BVH to expmap_cr as PyMO's pipeline goes about it: joint by joint and frame by frame. A yardstick for prepare.py.

PyMO with the pipeline of Transflower (arXiv:2106.13871) is not on PyPI. This was written from a description of its steps, not from
its code: numbers by a regular expression into Python lists, a table with a column per channel, one rotation object per joint and
frame, each joint's columns put in front. PyMO's table is one of pandas, here it is a dictionary. The numbers are farandole's.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise

import numpy as np

from farandole.motion.codecs.expmap import JOINTS

Table = dict[str, np.ndarray]
"""Columns by name, [T] each."""

_TOKEN = re.compile(r"-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|[A-Za-z_][\w:]*|[{}]")


class Rotation:
    """A unit quaternion."""

    def __init__(self, q: np.ndarray) -> None:
        self.q = q

    @classmethod
    def about(cls, axis: str, degrees: float) -> Rotation:
        """Turn about X, Y or Z."""
        half = 0.5 * math.radians(degrees)
        q = np.zeros(4)
        q[0], q["WXYZ".index(axis)] = math.cos(half), math.sin(half)
        return cls(q)

    @classmethod
    def from_euler(cls, degrees: np.ndarray, order: str) -> Rotation:
        """Intrinsic turns about the axes of `order`."""
        first, second, third = (cls.about(axis, angle) for axis, angle in zip(order, degrees, strict=True))
        return first * second * third

    def __mul__(self, other: Rotation) -> Rotation:
        (a, b, c, d), (w, x, y, z) = self.q, other.q
        return Rotation(
            np.array(
                [
                    a * w - b * x - c * y - d * z,
                    a * x + b * w + c * z - d * y,
                    a * y - b * z + c * w + d * x,
                    a * z + b * y - c * x + d * w,
                ]
            )
        )

    def inverse(self) -> Rotation:
        """The turn back."""
        return Rotation(self.q * [1.0, -1.0, -1.0, -1.0])

    def rotate(self, v: np.ndarray) -> np.ndarray:
        """A vector [3], turned."""
        return (self * Rotation(np.array([0.0, *v])) * self.inverse()).q[1:]

    def to_euler(self, order: str) -> np.ndarray:
        """Degrees, for three different axes: angles read off R = R1 R2 R3."""
        i, j, k = ("XYZ".index(a) for a in order)
        sign = 1.0 if (j - i) % 3 == 1 else -1.0
        m = np.stack([self.rotate(axis) for axis in np.eye(3)], axis=1)
        angles = [
            np.arctan2(-sign * m[j, k], m[k, k]),
            np.arcsin(np.clip(sign * m[i, k], -1.0, 1.0)),
            np.arctan2(-sign * m[i, j], m[i, i]),
        ]
        return np.rad2deg(angles)

    def to_vector(self) -> np.ndarray:
        """Axis times angle in rad, [3]."""
        size = np.linalg.norm(self.q[1:])
        return np.zeros(3) if size < 1e-12 else 2.0 * np.arctan2(size, self.q[0]) / size * self.q[1:]


def parse(text: str) -> tuple[dict[str, list[str]], Table]:
    """Channels by joint in file order, and their values."""
    head, _, body = text.partition("MOTION")
    tokens = _TOKEN.findall(head)
    channels: dict[str, list[str]] = {}
    name = ""
    for at, token in enumerate(tokens):
        if token in ("ROOT", "JOINT"):
            name = tokens[at + 1]
        elif token == "CHANNELS":
            channels[name] = tokens[at + 2 : at + 2 + int(tokens[at + 1])]
    _, frames, _, _, _, *values = (match.group() for match in _TOKEN.finditer(body))  # Frames 240 Frame Time 0.008
    columns = [f"{joint}_{channel}" for joint, names in channels.items() for channel in names]
    width = len(columns)
    rows = [[float(v) for v in values[row * width : (row + 1) * width]] for row in range(int(frames))]
    return channels, dict(zip(columns, np.array(rows).T, strict=True))


def expmap_cr(text: str) -> np.ndarray:
    """Features [T, D] of all frames of a BVH file (cm, rad, cm and rad per frame)."""
    channels, table = parse(text)
    root, *others = channels
    orders = {n: "".join(c[0] for c in channels[n] if c.endswith("rotation")) for n in channels}
    path = _root_steps(table, root, orders[root])
    vectors: Table = {}
    for joint in (root, *(n for n in others if n in JOINTS)):
        turns = [Rotation.from_euler(row, orders[joint]) for row in _angles(table, joint, orders[joint])]
        of_joint = _unroll(np.array([turn.to_vector() for turn in turns]))
        vectors = {f"{joint}_{c}": v for c, v in zip(("alpha", "beta", "gamma"), of_joint.T, strict=True)} | vectors
    return np.stack(list((vectors | path).values()), axis=1)


def _angles(table: Table, joint: str, order: str) -> np.ndarray:
    return np.stack([table[f"{joint}_{axis}rotation"] for axis in order], axis=1)


def _root_steps(table: Table, root: str, order: str) -> Table:
    """Turns the root in `table` relative to its heading; its height, and its step and turn per frame."""
    forward = np.array([0.0, 0.0, 1.0])
    turns = [Rotation.from_euler(row, order) for row in _angles(table, root, order)]
    facing = [turn.rotate(forward) for turn in turns]
    headings = [Rotation.about("Y", math.degrees(math.atan2(f[0], f[2]))) for f in facing]
    ground = np.stack((table[f"{root}_Xposition"], np.zeros(len(turns)), table[f"{root}_Zposition"]), axis=1)
    steps = np.diff(ground, axis=0, prepend=0.0)
    steps[0] = steps[1]
    local = np.array([h.inverse().rotate(step) for h, step in zip(headings, steps, strict=True)])
    changes = np.array([(b * a.inverse()).rotate(forward) for a, b in pairwise(headings)])
    rates = np.arctan2(changes[:, 0], changes[:, 2])
    upright = np.array([(h.inverse() * t).to_euler(order) for h, t in zip(headings, turns, strict=True)])
    table.update({f"{root}_{axis}rotation": angles for axis, angles in zip(order, upright.T, strict=True)})
    return {
        f"{root}_Yposition": table[f"{root}_Yposition"],
        f"{root}_dXposition": local[:, 0],
        f"{root}_dZposition": local[:, 2],
        f"{root}_dYrotation": np.concatenate((rates[:1], rates)),
    }


def _unroll(vectors: np.ndarray) -> np.ndarray:
    """Without jumps between the two vectors that mean one rotation, [T, 3]."""
    result, other = vectors.copy(), False
    for t in range(len(vectors)):
        angle = np.linalg.norm(vectors[t])
        if t:
            before = np.linalg.norm(vectors[t - 1])
            other ^= bool(abs(2 * np.pi - angle - before) < abs(angle - before))
        if other and angle > 1e-12:
            result[t] = vectors[t] * (1.0 - 2 * np.pi / angle)
    return result
