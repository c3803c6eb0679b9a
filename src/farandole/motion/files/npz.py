"""Motions as NumPy archives: exact, compact, no pickles."""

from __future__ import annotations

import codecs
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from farandole._io import atomic_path
from farandole.errors import FileFormatError, MotionError
from farandole.motion.files.archive import load_arrays
from farandole.motion.files.smpl import motion_from_smpl
from farandole.motion.layout import FileLayout
from farandole.motion.motion import Motion
from farandole.motion.skeleton import Skeleton

_KIND = "farandole motion"
_NEEDED = ("kind", "names", "parents", "offsets", "rotations", "root_positions", "fps")


def write_npz(motion: Motion, path: str | Path, *, force: bool = False) -> Path:
    """Write a motion as .npz.

    Keys: kind, version, names [J], parents [J], offsets [J, 3] m, end_names [E], end_sites [E, 3] m, rotations [T, J, 4] (w x y z),
    root_positions [T, 3] m, fps, name, layout (JSON, "" if none), and translations [T, J, 3] m where bones change length.
    """
    path = Path(path)
    skeleton = motion.skeleton
    arrays = {
        "kind": np.array(_KIND),
        "version": np.array(1),
        "names": np.array(skeleton.names),
        "parents": skeleton.parents,
        "offsets": skeleton.offsets,
        "end_names": np.array(list(skeleton.end_sites), dtype=np.str_),
        "end_sites": np.array(list(skeleton.end_sites.values())).reshape(-1, 3),
        "rotations": motion.rotations,
        "root_positions": motion.root_positions,
        "fps": np.array(float(motion.fps)),
        "name": np.array(motion.name),
        "layout": np.array("" if motion.layout is None else _layout_text(motion.layout)),
    }
    if motion.translations is not None:
        arrays["translations"] = motion.translations
    with atomic_path(path, force=force) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
    return path


def parse_npz(data: bytes, *, name: str | None = None, source: str = "npz archive") -> Motion:
    """A motion from the bytes of an .npz: farandole's own, or one with SMPL poses (see `smpl.motion_from_smpl`).

    Raises:
        FileFormatError: If it is no such archive, or its arrays do not fit together.
    """
    arrays = load_arrays(data, source)
    if "kind" not in arrays:
        return motion_from_smpl(arrays, name=name or Path(source).stem, source=source)
    missing = [key for key in _NEEDED if key not in arrays]
    if str(arrays["kind"]) != _KIND or missing:
        what = f"lacks {', '.join(missing)}" if missing else f"is of kind '{arrays['kind']}'"
        raise FileFormatError(f"{source} {what}: not a farandole motion")
    try:
        skeleton = Skeleton(
            [str(n) for n in arrays["names"]],
            arrays["parents"],
            arrays["offsets"],
            dict(zip(map(str, arrays.get("end_names", ())), arrays.get("end_sites", ()), strict=True)),
        )
        return Motion(
            skeleton,
            arrays["rotations"],
            arrays["root_positions"],
            float(arrays["fps"]),
            arrays.get("translations"),
            _layout(str(arrays.get("layout", ""))),
            name or str(arrays.get("name", Path(source).stem)),
        )
    except (MotionError, TypeError, ValueError, AttributeError, LookupError, RecursionError) as error:
        raise FileFormatError(f"{source}: {error}") from error


def _layout_text(layout: FileLayout) -> str:
    # Latin-1 has one character for every byte.
    return json.dumps(asdict(layout) | {"hierarchy": layout.hierarchy.decode("latin-1")})


def _layout(text: str) -> FileLayout | None:
    if not text:
        return None
    fields = json.loads(text)
    fields["names"] = tuple(fields["names"])
    fields["channels"] = tuple(tuple(c) for c in fields["channels"])
    fields["hierarchy"] = fields.get("hierarchy", "").encode("latin-1")
    layout = FileLayout(**fields)
    if not (isinstance(layout.unit, float) and 0 < layout.unit < np.inf and {layout.up, layout.rest_up} <= {"y", "z"}):
        raise ValueError(f"layout with unit {layout.unit} and up axes {layout.up}, {layout.rest_up}")
    codecs.lookup(layout.encoding)
    return layout
