"""Fingers and twist bones: what hangs on the parts of the body without being one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from farandole.motion.humanoid import tree
from farandole.motion.humanoid.by_name import parts_of
from farandole.motion.skeleton import Skeleton

_THUMB = ("thumb", "finger0")
_FINGERS = ("index", "middle", "mid", "ring", "pinky", "pinkie", "little", "finger")
_PALM = ("metacarpal", "metacarpals", "carpal", "inhand", "palm", "hand")


@dataclass(frozen=True)
class Finger:
    """One finger.

    Attributes:
        joints: From the knuckle outwards, without bones in the palm and without the tip.
        thumb: Whether it is the thumb.
    """

    joints: tuple[int, ...]
    thumb: bool


def find_fingers(skeleton: Skeleton, hand: int) -> list[Finger]:
    """Fingers on a hand, by names; four or more chains without names are fingers too, the one that leaves most sideways a thumb."""
    parts = parts_of(skeleton)
    chains = []
    for first in skeleton.children[hand]:
        chain = [first]
        while skeleton.children[chain[-1]]:
            chain.append(max(skeleton.children[chain[-1]], key=lambda c: len(tree.descendants(skeleton, c))))
        for palm in skeleton.children[first] if len(skeleton.children[first]) > 1 else ():
            other = [palm]
            while skeleton.children[other[-1]]:
                other.append(skeleton.children[other[-1]][0])
            if palm not in chain:
                chains.append(other)
        chains.append(chain)
    result = []
    for chain in chains:
        stems = [parts[j].stem.removeprefix("hand").removeprefix("f").rstrip("0123456789-") for j in chain]
        thumb = any(
            s.startswith(_THUMB) or parts[j].stem.removeprefix("hand").startswith(_THUMB)
            for s, j in zip(stems, chain, strict=True)
        )
        if not thumb and not any(s.startswith(_FINGERS) or s in ("inger", "indexfinger") for s in stems):
            continue
        joints = [
            j for j, s in zip(chain, stems, strict=True) if not any(p in s for p in _PALM) and not parts[j].helper
        ]
        joints = [j for j in joints if skeleton.children[j] or j == chain[-1]]
        if joints:
            result.append(Finger(tuple(joints[:3]), thumb))
    if not result:
        long = [c for c in chains if len(c) >= 2]
        if len(long) >= 4:
            ahead = [skeleton.rest_positions[c[0]] - skeleton.rest_positions[hand] for c in long]
            mean = np.mean(ahead, axis=0)
            away = [float(a @ mean) / max(float(np.linalg.norm(a)), 1e-9) for a in ahead]
            result = [Finger(tuple(c[:3]), n == int(np.argmin(away)) and len(long) > 4) for n, c in enumerate(long)]
    return result


def twist_bones(skeleton: Skeleton, upper: int, lower: int) -> tuple[list[int], list[tuple[int, float]]]:
    """Bones that share the roll of a limb's bone from `upper` to `lower`.

    Returns:
        Joints on the way between both, in their order, and those beside it with how far along the bone they sit, in [0, 1].
    """
    chain = tree.path(skeleton, upper, lower) if tree.is_below(skeleton, lower, upper) else [upper, lower]
    rest = skeleton.rest_positions
    bone = rest[lower] - rest[upper]
    length = max(float(bone @ bone), 1e-18)
    along = lambda j: float((rest[j] - rest[upper]) @ bone) / length  # noqa: E731
    between = [j for j in chain[1:-1] if 0.05 < along(j) < 0.95]
    parts = parts_of(skeleton)
    beside = []
    for j in tree.descendants(skeleton, upper)[1:]:
        if j in chain or tree.is_below(skeleton, j, lower) or not ("twist" in parts[j].stem or "roll" in parts[j].stem):
            continue
        if int(skeleton.parents[j]) in (upper, *between):
            beside.append((j, min(max(along(j), 0.0), 1.0)))
    return between, beside
