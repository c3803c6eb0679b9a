"""Motions as NumPy archives: exact, compact, no pickles."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from farandole._io import atomic_path
from farandole.errors import FileFormatError, MotionError
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
        "layout": np.array("" if motion.layout is None else json.dumps(asdict(motion.layout))),
    }
    if motion.translations is not None:
        arrays["translations"] = motion.translations
    with atomic_path(path, force=force) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
    return path


def read_npz(path: str | Path, *, name: str | None = None) -> Motion:
    """Read a motion from .npz: farandole's own, or one with SMPL poses (see `smpl.read_smpl`).

    Raises:
        FileFormatError: If it is no such archive, or its arrays do not fit together.
    """
    path = Path(path)
    data = load_arrays(path)
    if "kind" not in data:
        from farandole.motion.smpl import motion_from_smpl

        return motion_from_smpl(data, name=name or path.stem, source=str(path))
    missing = [key for key in _NEEDED if key not in data]
    if str(data["kind"]) != _KIND or missing:
        what = f"lacks {', '.join(missing)}" if missing else f"is of kind '{data['kind']}'"
        raise FileFormatError(f"{path} {what}: not a farandole motion")
    try:
        skeleton = Skeleton(
            [str(n) for n in data["names"]],
            data["parents"],
            data["offsets"],
            dict(zip(map(str, data.get("end_names", ())), data.get("end_sites", ()), strict=True)),
        )
        return Motion(
            skeleton,
            data["rotations"],
            data["root_positions"],
            float(data["fps"]),
            data.get("translations"),
            _layout(str(data.get("layout", ""))),
            name or str(data.get("name", path.stem)),
        )
    except (MotionError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path}: {error}") from error


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an .npz; pickled objects, as AMASS keeps beside its poses, are left out unread.

    Raises:
        FileFormatError: If it is no such archive, or holds pickled objects only.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not hasattr(archive, "files"):
                raise FileFormatError(f"{path} is one NumPy array, not an archive of named ones")
            arrays = {key: _array(archive, key) for key in archive.files}
        plain = {key: array for key, array in arrays.items() if array is not None}
        if arrays and not plain:
            raise FileFormatError(f"{path} holds pickled Python objects, which are not read: they could run code")
        return plain
    except FileFormatError:
        raise
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, KeyError) as error:
        reason = (str(error).splitlines() or ["damaged"])[0]
        raise FileFormatError(f"{path} is not a readable .npz archive: {reason}") from error


def _array(archive: np.lib.npyio.NpzFile, key: str) -> np.ndarray | None:
    """One array; None for a pickled object."""
    try:
        return archive[key]
    except ValueError as error:
        if "allow_pickle" in str(error):
            return None
        raise


def _layout(text: str) -> FileLayout | None:
    if not text:
        return None
    fields = json.loads(text)
    fields["names"] = tuple(fields["names"])
    fields["channels"] = tuple(tuple(c) for c in fields["channels"])
    return FileLayout(**fields)
