"""The body at rest: joint names, tree, offsets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from farandole.errors import MotionError
from farandole.motion.rotations import Array


@dataclass(frozen=True, eq=False)
class Skeleton:
    """A tree of joints in its rest pose (all local rotations identity). Units are metres, y is up, +z is forward, +x is left.

    Attributes:
        names: Joint names, unique, root first, parents before children.
        parents: Index of each joint's parent, [J] int; -1 for the root (joint 0 only).
        offsets: Rest position of each joint in its parent's frame, [J, 3] m. The root's is its rest position in the world and
            plays no part in kinematics: root positions of a motion are absolute.
        end_sites: Tips of leaf bones in the leaf joint's frame: joint name -> [3] m.

    Raises:
        MotionError: If names repeat, shapes disagree, or a parent does not come before its child.
    """

    names: tuple[str, ...]
    parents: np.ndarray
    offsets: Array
    end_sites: dict[str, Array] = field(default_factory=dict)

    def __init__(
        self,
        names: Sequence[str],
        parents: Sequence[int] | np.ndarray,
        offsets: ArrayLike,
        end_sites: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        frozen = lambda a: _read_only(np.array(a, dtype=float).reshape(-1, 3))  # noqa: E731
        object.__setattr__(self, "names", tuple(names))
        object.__setattr__(self, "parents", _read_only(np.array(parents, dtype=np.int64)))
        object.__setattr__(self, "offsets", frozen(offsets))
        object.__setattr__(self, "end_sites", {k: frozen(v)[0] for k, v in (end_sites or {}).items()})
        self._validate()

    def _validate(self) -> None:
        count = len(self.names)
        if not count:
            raise MotionError("a skeleton needs at least one joint")
        if len(set(self.names)) != count:
            twice = next(n for i, n in enumerate(self.names) if n in self.names[:i])
            raise MotionError(f"joint name '{twice}' occurs twice: names must be unique")
        if self.parents.shape != (count,) or self.offsets.shape != (count, 3):
            raise MotionError(
                f"{count} joint names, but parents {self.parents.shape} and offsets {self.offsets.shape}: need [J] and [J, 3]"
            )
        if self.parents[0] != -1 or any(not 0 <= p < i for i, p in enumerate(self.parents) if i):
            raise MotionError(
                "joint 0 must be the only root (parent -1) and every parent must come before its children"
            )
        unknown = set(self.end_sites) - set(self.names)
        if unknown:
            raise MotionError(f"end site of a joint that does not exist: {sorted(unknown)[0]}")
        if not np.isfinite(self.offsets).all():
            raise MotionError("joint offsets hold NaN or infinite numbers")

    def __len__(self) -> int:
        return len(self.names)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Skeleton)
            and self.names == other.names
            and np.array_equal(self.parents, other.parents)
            and np.allclose(self.offsets, other.offsets, atol=1e-9)
        )

    def __hash__(self) -> int:
        return hash((self.names, self.parents.tobytes()))

    def __repr__(self) -> str:
        return f"Skeleton({len(self)} joints, root '{self.names[0]}', {self.height:.2f} m)"

    def index(self, name: str) -> int:
        """Position of a joint by name. Raises MotionError naming the joints that exist."""
        try:
            return self._lookup[name]
        except KeyError:
            raise MotionError(f"no joint '{name}'; there are: {', '.join(self.names)}") from None

    @cached_property
    def _lookup(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def levels(self) -> tuple[np.ndarray, ...]:
        """Joint indices grouped by depth below the root, nearest first: kinematics runs one vector step per group."""
        depth = np.zeros(len(self), dtype=int)
        for i in range(1, len(self)):
            depth[i] = depth[self.parents[i]] + 1
        return tuple(np.flatnonzero(depth == d) for d in range(1, depth.max() + 1))

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Child indices of every joint."""
        result: list[list[int]] = [[] for _ in self.names]
        for i, p in enumerate(self.parents):
            if p >= 0:
                result[p].append(i)
        return tuple(tuple(c) for c in result)

    @cached_property
    def rest_positions(self) -> Array:
        """Joint positions in the rest pose, root at the origin, [J, 3] m."""
        p = np.zeros((len(self), 3))
        for i in range(1, len(self)):
            p[i] = p[self.parents[i]] + self.offsets[i]
        return _read_only(p)

    @cached_property
    def height(self) -> float:
        """Vertical extent of the rest pose, end sites included, in m."""
        y = [self.rest_positions[:, 1]]
        y += [np.atleast_1d(self.rest_positions[self.index(n), 1] + o[1]) for n, o in self.end_sites.items()]
        flat = np.concatenate(y)
        return float(flat.max() - flat.min())

    def scaled(self, factor: float) -> Skeleton:
        """The same tree with all lengths multiplied by `factor`."""
        return Skeleton(
            self.names, self.parents, self.offsets * factor, {k: v * factor for k, v in self.end_sites.items()}
        )


def _read_only(a: np.ndarray) -> np.ndarray:
    a.setflags(write=False)
    return a
