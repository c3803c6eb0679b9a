"""Skeletons as plain values, for JSON files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from farandole.motion.skeleton import Skeleton


def skeleton_to_json(skeleton: Skeleton) -> dict[str, Any]:
    """Names, parents, offsets (m) and end sites (m) as plain lists."""
    return {
        "names": list(skeleton.names),
        "parents": skeleton.parents.tolist(),
        "offsets_m": skeleton.offsets.tolist(),
        "end_sites_m": {k: v.tolist() for k, v in skeleton.end_sites.items()},
    }


def skeleton_from_json(data: Mapping[str, Any]) -> Skeleton:
    """The inverse of `skeleton_to_json`."""
    return Skeleton(data["names"], data["parents"], data["offsets_m"], data["end_sites_m"])
