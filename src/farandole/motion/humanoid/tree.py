"""Walks through the tree of a skeleton."""

from __future__ import annotations

from farandole.errors import RetargetError
from farandole.motion.skeleton import Skeleton


def is_below(skeleton: Skeleton, joint: int, ancestor: int) -> bool:
    """Whether `joint` is `ancestor` or one of its descendants."""
    while joint > ancestor:
        joint = int(skeleton.parents[joint])
    return joint == ancestor


def path(skeleton: Skeleton, ancestor: int, joint: int) -> list[int]:
    """Joints from `ancestor` down to `joint`, both included. Raises RetargetError if the one is not above the other."""
    result = [joint]
    while result[-1] != ancestor:
        above = int(skeleton.parents[result[-1]])
        if above < 0:
            raise RetargetError(f"joint '{skeleton.names[joint]}' does not hang on '{skeleton.names[ancestor]}'")
        result.append(above)
    return result[::-1]


def common_ancestor(skeleton: Skeleton, a: int, b: int) -> int:
    """The lowest joint that has both below it."""
    while a != b:
        if a > b:
            a = int(skeleton.parents[a])
        else:
            b = int(skeleton.parents[b])
    return a


def descendants(skeleton: Skeleton, joint: int) -> list[int]:
    """`joint` and all that hangs on it, parents before children."""
    inside = {joint}
    for j in range(joint + 1, len(skeleton)):
        if int(skeleton.parents[j]) in inside:
            inside.add(j)
    return sorted(inside)
