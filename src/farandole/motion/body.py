"""A body to look at: what surrounds each bone, as rounded cones. Both the viewer and the GLB writer draw from here.

Measures are those of a person of 1.70 m, scaled to the skeleton's height; lengths follow its bones.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from farandole.motion import names, units
from farandole.motion import rotations as rot
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

SKIN = frozenset({"head", "neck", "hand"})
"""Regions of bare skin; the others are clothed."""
REGIONS = ("head", "neck", "chest", "waist", "hips", "upper arm", "forearm", "hand", "thigh", "shin", "foot", "bone")
"""What `Shape.region` may say; "bone" is for skeletons that are no human."""


class Shape(NamedTuple):
    """A rounded cone that moves with a joint: the hull of two spheres.

    Attributes:
        joint: Index of the joint it is fixed to.
        start, end: Centres of the spheres in the joint's frame, [3] m.
        start_radius, end_radius: Their radii, m.
        region: One of `REGIONS`.
    """

    joint: int
    start: Array
    end: Array
    start_radius: float
    end_radius: float
    region: str


def body_shapes(skeleton: Skeleton) -> list[Shape]:
    """The body around a skeleton: a person where it is one, thin rods along the bones where not."""
    roles = names.find_roles(skeleton)
    if any(role not in roles for role in names.ESSENTIAL) or "Spine1" not in roles:
        return _rods(skeleton)
    person = _Person(skeleton, roles)
    shapes = person.trunk() + person.head()
    for side in names.SIDES:
        shapes += person.arm(side) + person.leg(side)
    return shapes


def _rods(skeleton: Skeleton) -> list[Shape]:
    """A rod along every bone, thickest in the middle of long ones."""
    size = float(np.linalg.norm(np.ptp(skeleton.rest_positions, axis=0)))
    thin = 0.012 * size if size > 0 else 0.01
    bones = [(int(skeleton.parents[j]), skeleton.offsets[j]) for j in range(1, len(skeleton))]
    bones += [(skeleton.index(name), tip) for name, tip in skeleton.end_sites.items()]
    if not bones:
        bones = [(0, np.zeros(3))]
    return [Shape(joint, np.zeros(3), np.array(tip), thin, 0.7 * thin, "bone") for joint, tip in bones]


class _Person:
    """Shapes of a humanoid skeleton; every method returns those of one part."""

    def __init__(self, skeleton: Skeleton, roles: dict[str, int]) -> None:
        self.skeleton = skeleton
        self.roles = roles
        self.rest = skeleton.rest_positions
        self.size = units.body_height(skeleton, roles, 1) / 1.70
        self.left = rot.normalize(self._between("RightArm", "LeftArm"))
        up = self._between("Hips", "Spine1")
        if np.linalg.norm(up) < 1e-6:
            up = self._between("Hips", "Head")
        self.up = rot.normalize(up - (up @ self.left) * self.left)
        self.front = rot.cross(self.left, self.up)
        # Some skeletons rest with all bones along one axis: then rest directions say nothing about feet and thumbs.
        feet = 0.5 * (self.rest[roles["LeftFoot"]] + self.rest[roles["RightFoot"]])
        self.stands = bool(rot.normalize(self.rest[roles["Head"]] - feet) @ self.up > 0.8)
        tips = [self.rest[skeleton.index(n)] + tip for n, tip in skeleton.end_sites.items()]
        self.sole = float((np.array([*self.rest, *tips]) @ self.up).min())

    def trunk(self) -> list[Shape]:
        """Two columns side by side from hips to shoulders, a belt and a yoke."""
        s, left = self.size, self.left
        hips, chest = self.roles["Hips"], self.roles["Spine1"]
        chain = names.path(self.skeleton, hips, chest)
        steps = [float(np.linalg.norm(self.skeleton.offsets[j])) for j in chain[1:]]
        along = np.concatenate(([0.0], np.cumsum(steps)))
        along /= max(along[-1], 1e-9)
        half_width = lambda f: float(np.interp(f, (0.0, 0.6, 1.0), (0.072, 0.050, 0.058))) * s  # noqa: E731
        radius = lambda f: float(np.interp(f, (0.0, 0.6, 1.0), (0.098, 0.086, 0.098))) * s  # noqa: E731
        shapes = []
        for k, joint in enumerate(chain[:-1]):
            if steps[k] < 1e-6:
                continue
            # One long bone from hips to chest still gets a waist.
            cuts = [along[k], *([0.6] if along[k] < 0.55 and along[k + 1] > 0.65 else []), along[k + 1]]
            bone = self.skeleton.offsets[chain[k + 1]]
            for f, g in pairwise(cuts):
                a, b = ((v - along[k]) / (along[k + 1] - along[k]) for v in (f, g))
                region = "hips" if f == 0.0 else "waist"
                shapes += [
                    Shape(
                        joint,
                        bone * a + side * half_width(f),
                        bone * b + side * half_width(g),
                        radius(f),
                        radius(g),
                        region,
                    )
                    for side in (left, 0.0 * left, -left)  # the middle one fills the furrow
                ]
        shapes.append(Shape(hips, left * 0.085 * s, -left * 0.085 * s, 0.095 * s, 0.095 * s, "hips"))
        arms = [self.rest[self.roles[side + "Arm"]] - self.rest[chest] for side in names.SIDES]
        height = float(np.mean([a @ self.up for a in arms]))
        middle = 0.5 * (arms[0] + arms[1])
        middle = middle - (middle @ self.up) * self.up
        width = 0.5 * float(np.linalg.norm(arms[0] - arms[1]))
        top = middle * 0.6 + self.up * max(height - 0.055 * s, 0.3 * height)
        shapes += [
            Shape(chest, side * half_width(1.0), top + side * 0.52 * width, radius(1.0), 0.088 * s, "chest")
            for side in (left, 0.0 * left, -left)  # the middle one fills the furrow
        ]
        yoke = middle * 0.9 + self.up * (height - 0.012 * s)
        shapes.append(
            Shape(chest, yoke + left * 0.72 * width, yoke - left * 0.72 * width, 0.060 * s, 0.060 * s, "chest")
        )
        shapes += [Shape(chest, top, yoke + self.up * 0.025 * s, 0.085 * s, 0.055 * s, "chest")]
        return shapes

    def head(self) -> list[Shape]:
        """Skull, jaw, and the neck below them."""
        s, head = self.size, self.roles["Head"]
        below = int(self.skeleton.parents[head])
        up = rot.normalize(self.skeleton.offsets[head])
        tip = self.skeleton.end_sites.get(self.skeleton.names[head])
        top = float(tip @ up) if tip is not None and tip @ up > 0.03 * s else 0.11 * 1.7 * s
        front = rot.normalize(self.front - (self.front @ up) * up)
        skull = up * (top - 0.092 * s) + front * 0.012 * s
        jaw = up * (top - 0.160 * s) + front * 0.034 * s
        shapes = [
            Shape(head, skull - front * 0.018 * s, skull + front * 0.014 * s, 0.088 * s, 0.083 * s, "head"),
            Shape(head, skull + front * 0.012 * s, jaw, 0.078 * s, 0.052 * s, "head"),
        ]
        # The neck belongs to the joint below, so that it follows the chest when the head nods.
        foot = (
            np.zeros(3)
            if "Neck" in self.roles
            else self.skeleton.offsets[head] - up * min(0.12 * s, 0.9 * self._length(head))
        )
        shapes.append(
            Shape(
                below,
                foot - up * 0.03 * s,
                self.skeleton.offsets[head] + up * (top - 0.15 * s),
                0.062 * s,
                0.053 * s,
                "neck",
            )
        )
        return shapes

    def arm(self, side: str) -> list[Shape]:
        """Shoulder cap, upper arm, forearm, hand."""
        s, upper, lower = self.size, self.roles[side + "Arm"], self.roles[side + "ForeArm"]
        zero, bone = np.zeros(3), self._between(side + "Arm", side + "ForeArm")
        shapes = [
            Shape(upper, zero, bone * 0.42, 0.056 * s, 0.046 * s, "upper arm"),
            Shape(upper, bone * 0.42, bone, 0.046 * s, 0.038 * s, "upper arm"),
        ]
        if side + "Shoulder" in self.roles:
            collar = self._between(side + "Shoulder", side + "Arm")
            shapes.append(Shape(self.roles[side + "Shoulder"], collar * 0.4, collar, 0.056 * s, 0.054 * s, "chest"))
        hand = self.roles.get(side + "Hand")
        bone = self._between(side + "ForeArm", side + "Hand") if hand is not None else self._tip(lower, bone * 0.85)
        shapes += [
            Shape(lower, zero, bone * 0.3, 0.039 * s, 0.041 * s, "forearm"),
            Shape(lower, bone * 0.3, bone, 0.041 * s, 0.026 * s, "forearm"),
        ]
        return shapes if hand is None else shapes + self._hand(hand, rot.normalize(bone))

    def _hand(self, hand: int, along: Array) -> list[Shape]:
        s = self.size
        fingers = [j for j in range(hand + 1, len(self.skeleton)) if names.is_below(self.skeleton, j, hand)]
        knuckles = [j for j in fingers if self.skeleton.parents[j] == hand]
        if len(knuckles) >= 4:
            shapes = [
                Shape(hand, along * 0.012 * s, self.skeleton.offsets[j] * 0.92, 0.021 * s, 0.013 * s, "hand")
                for j in knuckles
            ]
            for j in fingers:
                ends = [self.skeleton.offsets[c] for c in self.skeleton.children[j]] or [self._tip(j, None)]
                shapes += [Shape(j, np.zeros(3), end, 0.0105 * s, 0.009 * s, "hand") for end in ends if np.any(end)]
            return shapes
        reach = self._tip(hand, along * 0.12 * s)
        reach = rot.normalize(reach) * np.clip(np.linalg.norm(reach), 0.10 * s, 0.19 * s)
        across = self.front - (self.front @ along) * along
        across = rot.normalize(across) * 0.020 * s if self.stands and np.linalg.norm(across) > 0.3 else np.zeros(3)
        shapes = [
            Shape(hand, along * 0.012 * s + v * 0.5, reach * 0.62 + v, 0.023 * s, 0.020 * s, "hand")
            for v in (across, -across)
        ]
        shapes += [
            Shape(hand, reach * 0.62 + v, reach * 1.35 + v * 0.6, 0.019 * s, 0.012 * s, "hand")
            for v in (across, -across)
        ]
        if np.any(across):
            shapes.append(
                Shape(hand, along * 0.02 * s + across, reach * 0.65 + across * 2.6, 0.018 * s, 0.012 * s, "hand")
            )
        return shapes

    def leg(self, side: str) -> list[Shape]:
        """Thigh, shin with its calf, shoe."""
        s, zero = self.size, np.zeros(3)
        thigh = self._between(side + "UpLeg", side + "Leg")
        shin = self._between(side + "Leg", side + "Foot")
        upper, lower, foot = (self.roles[side + part] for part in ("UpLeg", "Leg", "Foot"))
        back = -self.front * 0.012 * s if self.stands else zero
        shapes = [
            Shape(upper, thigh * 0.02, thigh * 0.45, 0.087 * s, 0.073 * s, "thigh"),
            Shape(upper, thigh * 0.45, thigh, 0.073 * s, 0.052 * s, "thigh"),
            Shape(lower, zero, shin * 0.32 + back, 0.051 * s, 0.053 * s, "shin"),
            Shape(lower, shin * 0.32 + back, shin * 0.95, 0.053 * s, 0.035 * s, "shin"),
        ]
        toe = self.roles.get(side + "ToeBase")
        if not self.stands:
            ball = self._between(side + "Foot", side + "ToeBase") if toe is not None else self._tip(foot, zero)
            shapes.append(Shape(foot, zero, ball, 0.040 * s, 0.034 * s, "foot"))
            if toe is not None:
                tip = self._tip(toe, rot.normalize(ball) * 0.06 * s)
                shapes.append(Shape(toe, zero, tip, 0.034 * s, 0.026 * s, "foot"))
            return shapes
        return shapes + self._shoe(foot, toe)

    def _shoe(self, foot: int, toe: int | None) -> list[Shape]:
        """A shoe whose sole lies where the lowest point of the resting body does."""
        s = self.size
        point = self._tip(foot, self.front * 0.12 * s) if toe is None else self.rest[toe] - self.rest[foot]
        flat = point - (point @ self.up) * self.up
        ahead = rot.normalize(flat) if np.linalg.norm(flat) > 0.2 * np.linalg.norm(point) + 1e-9 else self.front
        ankle = float(self.rest[foot] @ self.up) - self.sole
        level = lambda radius: self.up * (min(radius * s - ankle, 0.0))  # noqa: E731
        ball = ahead * max(float(point @ ahead), 0.095 * s)
        toes = ahead * 0.150 * s if toe is None else ahead * max(0.055 * s, 0.150 * s - float(ball @ ahead))
        shapes = [
            Shape(foot, level(0.036) - ahead * 0.035 * s, self.up * 0.015 * s, 0.036 * s, 0.038 * s, "foot"),
            Shape(foot, level(0.036) - ahead * 0.035 * s, ball + level(0.034), 0.036 * s, 0.034 * s, "foot"),
            Shape(foot, self.up * 0.010 * s, ball + level(0.034), 0.036 * s, 0.034 * s, "foot"),
        ]
        if toe is None:
            return [*shapes, Shape(foot, ball + level(0.034), toes + level(0.026), 0.034 * s, 0.026 * s, "foot")]
        drop = float((self.rest[toe] - self.rest[foot]) @ self.up)
        onto = lambda radius: level(radius) - self.up * drop  # noqa: E731
        start = ball - (self.rest[toe] - self.rest[foot] - self.up * drop)
        return [*shapes, Shape(toe, start + onto(0.034), start + toes + onto(0.026), 0.034 * s, 0.026 * s, "foot")]

    def _between(self, first: str, second: str) -> Array:
        """Rest vector from one role's joint to another's, [3] m."""
        return self.rest[self.roles[second]] - self.rest[self.roles[first]]

    def _length(self, joint: int) -> float:
        return float(np.linalg.norm(self.skeleton.offsets[joint]))

    def _tip(self, joint: int, otherwise: Array | None) -> Array:
        """Where the bone of a joint ends: its end site, its children's middle, or `otherwise`; in its own frame, [3] m."""
        found: Sequence[Array] = [self.skeleton.offsets[c] for c in self.skeleton.children[joint]]
        site = self.skeleton.end_sites.get(self.skeleton.names[joint])
        if site is not None and np.linalg.norm(site) > 1e-4:
            return np.array(site)
        if len(found) and np.linalg.norm(np.mean(found, axis=0)) > 1e-4:
            return np.mean(found, axis=0)
        return rot.normalize(self.skeleton.offsets[joint]) * 0.02 * self.size if otherwise is None else otherwise
