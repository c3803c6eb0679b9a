"""How far a correction of curves is believed, gap by gap and part of the body by part, without knowing the truth.

A model corrects motion like what it learnt from well, and motion of other kinds too much; and it knows where a stepping leg
goes when it cannot know what the arms do. How much is too much can be seen from outside: by the length of the gap, by how far
the correction of a part goes beside what the curves disagree about and beside the way between the key poses, and by how fast
that way is. For trunk, legs and arms a linear function of these, fitted on motion that the model had not seen, tells the share
of the correction that is kept (shrinkage towards the curves: half of the best share loses a quarter of its gain, and does no
harm where nothing should have been corrected).

Two things are not learnt: in gaps of a fifth of a second curves are as good as anything, and where the body lies or stands on
its hands the model, whose features are relative to the body's heading, knows little. There nothing is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from farandole.models.abilities import CurveTrust
from farandole.motion.interpolation import Gaps, slerp_between
from farandole.motion.motion import Motion
from farandole.motion.names import find_roles
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

COLUMNS = ("one", "length", "length beyond 0.5 s", "correction to disagreement", "correction to way", "speed")
"""What the share is a linear function of; lengths, ratios and speed are logarithms."""
PARTS = ("trunk", "legs", "arms")
"""Parts of the body that have a share of their own. The travel of the whole belongs to the trunk."""
SHORT = (0.2, 0.4)
"""Seconds of gaps up to which nothing is kept, and from which on all that is believed."""
UPRIGHT = (0.5, 0.9)
"""Cosine of the trunk's tilt at the key poses up to which nothing is kept, and from which on all that is believed."""
_WORDS = {"trunk": (), "legs": ("Leg", "Foot", "Toe"), "arms": ("Shoulder", "Arm", "Hand")}


@dataclass(frozen=True, eq=False)
class BodyParts:
    """Which part each joint belongs to.

    Attributes:
        number: Index into `PARTS`, [J]. Joints without a role belong where their parent does.
        hips: The joint from which places of limbs are measured.
    """

    number: np.ndarray
    hips: int

    @classmethod
    def of(cls, skeleton: Skeleton) -> BodyParts:
        """Parts of a skeleton; all of it is trunk where nothing is recognised."""
        roles = find_roles(skeleton)
        role_of = {joint: role for role, joint in roles.items()}
        number = np.zeros(len(skeleton), dtype=int)
        for joint, parent in enumerate(skeleton.parents):
            role = role_of.get(joint)
            if role is None:
                number[joint] = number[parent] if joint else 0
            else:
                number[joint] = next((k for k, p in enumerate(PARTS) if any(w in role for w in _WORDS[p])), 0)
        return cls(number, roles.get("Hips", 0))

    def own(self, places: Array) -> Array:
        """Places or differences of places [F, J, 3]: of limbs, those from the hips."""
        limb = (self.number > 0)[None, :, None]
        return np.where(limb, places - places[:, self.hips, None], places)

    def means(self, values: Array) -> Array:
        """Means of values [F, J] over the joints of every part, [F, P]; 0 for a part without joints."""
        member = self.number[:, None] == np.arange(len(PARTS))
        return values @ (member / np.maximum(member.sum(axis=0), 1))


@dataclass(frozen=True, eq=False)
class GapSigns:
    """What can be seen of each gap G of a motion.

    Attributes:
        number: Which gap each missing frame lies in, [M].
        columns: See `COLUMNS`, for each of `PARTS`, [G, 3, 6].
        most: Share that is kept at most, by the gap's length and the body's tilt, [G] in 0..1.
    """

    number: np.ndarray
    columns: Array
    most: Array


def gap_signs(curves: Motion, corrected: Motion, kept: np.ndarray) -> GapSigns:
    """Signs of every gap.

    Args:
        curves: Gaps filled by Hermite curves.
        corrected: With the model's whole correction.
        kept: [T] bool.
    """
    gaps, parts = Gaps.of(kept), BodyParts.of(curves.skeleton)
    first, number = np.unique(gaps.before, return_inverse=True)
    straight = slerp_between(curves, kept)
    places, ends = curves.positions, np.array([gaps.after[gaps.before == b][0] for b in first])
    count = np.bincount(number)[:, None]
    size = lambda x: parts.means(np.linalg.norm(x, axis=-1))  # noqa: E731
    square = lambda x: parts.means((x * x).sum(axis=-1))  # noqa: E731

    def mean(x: Array) -> Array:
        """Over the frames of every gap, [M, P] -> [G, P]."""
        return np.stack([np.bincount(number, column) for column in x.T], axis=1) / count

    correction = parts.own((corrected.positions - places)[gaps.missing])
    bend = parts.own((straight.positions - places)[gaps.missing])
    way = size(parts.own(places[ends] - places[first]))
    length = np.repeat((ends - first)[:, None] / curves.fps * 2.0, len(PARTS), axis=1)  # half seconds
    log = np.log(length)
    columns = (
        np.ones_like(log),
        log,
        np.maximum(log, 0.0),
        np.log((mean(square(correction)) + 1e-6) / (mean(square(bend)) + 1e-6)),
        np.log((mean(size(correction)) + 1e-3) / (way + 1e-3)),
        np.log(2.0 * way / length + 0.02),
    )
    upright = trunk_height(curves)
    most = _rising((ends - first) / curves.fps, SHORT) * _rising(np.minimum(upright[first], upright[ends]), UPRIGHT)
    return GapSigns(number, np.stack(columns, axis=-1), most)


def trunk_height(motion: Motion) -> Array:
    """Cosine of the angle between the way from the hips to the neck and the vertical, [T]; 1 for an unknown body."""
    roles = find_roles(motion.skeleton)
    top = next((roles[r] for r in ("Neck", "Head", "Spine1") if r in roles), None)
    if top is None or "Hips" not in roles:
        return np.ones(len(motion))
    way = motion.positions[:, top] - motion.positions[:, roles["Hips"]]
    return way[:, 1] / np.maximum(np.linalg.norm(way, axis=-1), 1e-9)


def _rising(x: Array, between: tuple[float, float]) -> Array:
    """0 up to the first, 1 from the second on, without a corner."""
    t = np.clip((x - between[0]) / (between[1] - between[0]), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def trusted_share(curves: Motion, corrected: Motion, kept: np.ndarray, trust: CurveTrust) -> Array:
    """Share of the correction of every joint that is kept, [T, J]; the same throughout a gap."""
    signs, parts = gap_signs(curves, corrected, kept), BodyParts.of(curves.skeleton)
    weights = np.array([getattr(trust, part) for part in PARTS])
    share = np.clip((signs.columns * weights).sum(axis=-1), 0.0, 1.0) * (trust.caution * signs.most)[:, None]
    result = np.zeros((len(kept), len(parts.number)))
    result[Gaps.of(kept).missing] = share[signs.number][:, parts.number]
    return result
