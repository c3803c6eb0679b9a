"""Parts of the body by the shape of the tree: two pairs of equal limbs on a spine. For rigs whose names say nothing."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np

from farandole.motion import rotations as rot
from farandole.motion.humanoid import tree
from farandole.motion.humanoid.by_name import SIDES, parts_of
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

_ALIKE = 0.08  # greatest difference of two limbs' bones, as a share of the limb
_ARM = 0.85  # length of an arm with its hand by that of a leg with its foot
_LOWER = {"arm": 0.85, "leg": 1.05}  # length of the lower bone by that of the upper one


class _Pair(NamedTuple):
    fork: int
    a: list[int]  # joints of a limb, from its first to the end of its longest chain
    b: list[int]
    length: float


def roles_by_structure(skeleton: Skeleton) -> dict[str, int]:
    """Roles of a body with two arms, two legs and a head; empty if the tree has no such shape.

    Left and right: as any name on a limb says; else from where the toes point at rest.
    """
    return _two_pairs(skeleton, _pairs(skeleton, False)) or _two_pairs(skeleton, _pairs(skeleton, True))


def _two_pairs(skeleton: Skeleton, pairs: list[_Pair]) -> dict[str, int]:
    for legs in sorted(pairs, key=lambda p: (_depth(skeleton, p.fork), -p.length)):
        # Legs may part below the joint that carries the spine too.
        over = tree.path(skeleton, 0, legs.fork)[-3:]
        below = [
            p for p in pairs
            if p.fork not in over and tree.is_below(skeleton, p.fork, over[0]) and p.fork not in (*legs.a, *legs.b)
            and p.length > 0.35 * legs.length
        ]  # fmt: skip
        for arms in sorted(below, key=lambda p: (_depth(skeleton, p.fork), *_unlike_arms(skeleton, p, legs))):
            roles = _body(skeleton, legs, arms)
            if roles:
                return roles
    return {}


def _unlike_arms(skeleton: Skeleton, pair: _Pair, legs: _Pair) -> tuple[bool, float]:
    """What tells arms from wings on the same chest, the likelier first: fingers, then a length that goes with the legs'."""
    fingers = all(any(len(skeleton.children[j]) > 2 for j in chain[2:]) for chain in (pair.a, pair.b))
    return not fingers, abs(float(np.log(pair.length / (_ARM * legs.length))))


def _depth(skeleton: Skeleton, joint: int) -> int:
    return len(tree.path(skeleton, 0, joint))


def _pairs(skeleton: Skeleton, shortened: bool) -> list[_Pair]:
    """Pairs of branches of one joint that are alike bone by bone, or (`shortened`) as far as they are: one hand holds something."""
    longest: list[list[int]] = [[] for _ in skeleton.names]
    reach = np.zeros(len(skeleton))
    bone = np.linalg.norm(skeleton.offsets, axis=-1)
    for j in range(len(skeleton) - 1, -1, -1):
        children = skeleton.children[j]
        best = max(children, key=lambda c: (bone[c] + reach[c], len(longest[c])), default=None)
        longest[j] = [j] if best is None else [j, *longest[best]]
        reach[j] = 0.0 if best is None else bone[best] + reach[best]
    result = []
    for fork in range(len(skeleton)):
        for a, b in combinations(skeleton.children[fork], 2):
            if min(len(longest[a]), len(longest[b])) < 3 or reach[a] <= 0:
                continue
            first, second = (_long_bones(longest[c], bone, 0.01 * float(reach[c])) for c in (a, b))
            count = min(len(first), len(second))
            if count < 3 or (len(first) != len(second) and not shortened):
                continue
            along = np.cumsum(_lengths(skeleton, first))
            gaps = np.abs(_lengths(skeleton, first[:count]) - _lengths(skeleton, second[:count]))
            unlike = np.flatnonzero(gaps >= _ALIKE * along[count - 2])
            if shortened and len(unlike):
                count = int(unlike[0]) + 1
            if count >= 3 and (shortened or not len(unlike)):
                result.append(_Pair(fork, first[:count], second[:count], float(along[count - 2])))
    return result


def _lengths(skeleton: Skeleton, chain: list[int]) -> Array:
    """Distances from joint to joint at rest, [len(chain) - 1]."""
    return np.linalg.norm(np.diff(skeleton.rest_positions[chain], axis=0), axis=-1)


def _long_bones(chain: list[int], bone: Array, least: float) -> list[int]:
    """A chain without joints that sit where the next one does (helpers)."""
    return [j for j, following in pairwise(chain) if bone[following] > least] + chain[-1:]


def _body(skeleton: Skeleton, legs: _Pair, arms: _Pair) -> dict[str, int]:
    head = _head(skeleton, arms, legs)
    if head is None:
        return {}
    leg, arm = _segments(skeleton, legs.a, "leg"), _segments(skeleton, arms.a, "arm")
    if leg is None or arm is None:
        return {}
    roles = {"Hips": tree.common_ancestor(skeleton, legs.fork, arms.fork), "Head": head}
    limbs = {}
    for name, chain in (("leg a", legs.a), ("leg b", legs.b), ("arm a", arms.a), ("arm b", arms.b)):
        i, j, k = leg if name[:3] == "leg" else arm
        parts = ("UpLeg", "Leg", "Foot") if name[:3] == "leg" else ("Arm", "ForeArm", "Hand")
        limb: dict[str, int] = dict(zip(parts, (chain[i], chain[j], chain[k]), strict=True))
        if name[:3] == "leg" and k + 1 < len(chain):
            limb["ToeBase"] = chain[k + 1]
        if name[:3] == "arm" and i > 0:
            limb["Shoulder"] = chain[i - 1]
        limbs[name] = limb
    left_leg = _left_is_first(skeleton, legs, limbs["leg a"], limbs["leg b"], roles)
    roles |= _sided(limbs["leg a"], limbs["leg b"], left_leg)
    left_arm = _named_first(skeleton, arms)
    if left_arm is None:
        rest = skeleton.rest_positions
        across = rest[roles["LeftUpLeg"]] - rest[roles["RightUpLeg"]]
        gap = rest[limbs["arm a"]["Arm"]] - rest[limbs["arm b"]["Arm"]]
        left_arm = bool(gap @ across > 0)
    return roles | _sided(limbs["arm a"], limbs["arm b"], left_arm)


def _sided(a: dict[str, int], b: dict[str, int], a_is_left: bool) -> dict[str, int]:
    return {
        side + r: j for side, limb in zip(SIDES, (a, b) if a_is_left else (b, a), strict=True) for r, j in limb.items()
    }


def _segments(skeleton: Skeleton, chain: list[int], kind: str) -> tuple[int, int, int] | None:
    """Where along a limb its upper bone, its lower bone and its hand or foot begin: two long bones of the usual proportion."""
    if kind == "arm":  # the hand is where the fingers part
        branches = lambda j: [bool(skeleton.children[c]) for c in skeleton.children[j]]  # noqa: E731
        parting = next(
            (n for n, j in enumerate(chain) if n >= 2 and (len(branches(j)) >= 3 or sum(branches(j)) >= 2)), None
        )
        chain = chain[: parting + 1] if parting is not None else chain
    along = np.concatenate(([0.0], np.cumsum(_lengths(skeleton, chain))))
    if len(chain) < 3 or along[-1] <= 0:
        return None
    best, result, rest = -np.inf, None, skeleton.rest_positions[chain]
    for i, j, k in combinations(range(len(chain)), 3):
        upper, lower = along[j] - along[i], along[k] - along[j]
        if min(upper, lower) <= 0.15 * along[-1] or (kind == "arm" and i > 3):
            continue
        slack = (
            upper + lower - np.linalg.norm(rest[j] - rest[i]) - np.linalg.norm(rest[k] - rest[j])
        )  # bones are straight
        score = (0.6 * (upper + lower) - 3.0 * slack) / along[-1] - 2.0 * abs(lower - _LOWER[kind] * upper) / (
            upper + lower
        )
        if score > best + 1e-9:
            best, result = score, (i, j, k)
    return result


def _head(skeleton: Skeleton, arms: _Pair, legs: _Pair) -> int | None:
    """End of the neck: the branch of the chest that goes on as the spine does, up to where it parts or ends."""
    rest = skeleton.rest_positions
    up = rot.normalize(rest[arms.fork] - rest[legs.fork])
    others = [c for c in skeleton.children[arms.fork] if c not in (arms.a[0], arms.b[0])]
    if not others:
        return None
    rise = lambda c: max(float((rest[j] - rest[arms.fork]) @ up) for j in tree.descendants(skeleton, c))  # noqa: E731
    neck = max(others, key=lambda c: (len(skeleton.children[c]) > 0, rise(c)))
    chain = [neck]
    while len(skeleton.children[chain[-1]]) == 1:
        above = skeleton.children[chain[-1]][0]
        if skeleton.offsets[above] @ up < 0.5 * np.linalg.norm(skeleton.offsets[above]):
            return chain[-1]  # hair, a jaw
        chain.append(above)
    ends_in_tip = len(chain) > 2 and not skeleton.children[chain[-1]]
    return chain[-2] if ends_in_tip else chain[-1]


def _named_first(skeleton: Skeleton, pair: _Pair) -> bool | None:
    """Whether names call the first of two limbs the left one; None if they say nothing."""
    parts = parts_of(skeleton)
    votes = sum({"Left": 1, "Right": -1, "": 0}[parts[j].side] for j in pair.a)
    votes -= sum({"Left": 1, "Right": -1, "": 0}[parts[j].side] for j in pair.b)
    return None if votes == 0 else votes > 0


def _left_is_first(
    skeleton: Skeleton, pair: _Pair, a: dict[str, int], b: dict[str, int], trunk: dict[str, int]
) -> bool:
    named = _named_first(skeleton, pair)
    if named is not None:
        return named
    rest = skeleton.rest_positions
    up = rot.normalize(rest[trunk["Head"]] - 0.5 * (rest[a["Foot"]] + rest[b["Foot"]]))
    front = np.array([0.0, 0.0, 1.0])
    if "ToeBase" in a:
        toes = rest[a["ToeBase"]] - rest[a["Foot"]] + rest[b["ToeBase"]] - rest[b["Foot"]]
        toes = toes - (toes @ up) * up
        front = rot.normalize(toes) if np.linalg.norm(toes) > 0.02 * pair.length else front
    left = rot.cross(up, front)
    return bool((rest[a["UpLeg"]] - rest[b["UpLeg"]]) @ left > 0)
