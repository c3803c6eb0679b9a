"""Motion files by suffix."""

from __future__ import annotations

from pathlib import Path

from farandole.errors import FileFormatError, OutputError
from farandole.motion.motion import Motion

READABLE = (".bvh", ".glb", ".npz", ".pkl")
"""Suffixes `load_motion` knows."""
WRITABLE = (".bvh", ".glb", ".npz")
"""Suffixes `save_motion` knows."""


def load_motion(path: str | Path, *, name: str | None = None) -> Motion:
    """Read a motion: .bvh, .glb, .npz (farandole's own, AMASS or SMPL), .pkl (AIST++).

    Args:
        name: Name of the motion; by default the file's without suffix.

    Raises:
        FileFormatError: If there is no such file, the suffix is unknown, or the content is not what it says.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in READABLE:
        raise FileFormatError(f"{path}: '{suffix}' is not a motion file (can read {', '.join(READABLE)})")
    if not path.is_file():
        raise FileFormatError(f"{path}: no such file")
    if suffix == ".bvh":
        from farandole.motion.bvh import read_bvh

        return read_bvh(path, name=name)
    if suffix == ".glb":
        from farandole.motion.glb import read_glb

        return read_glb(path, name=name)
    if suffix == ".pkl":
        from farandole.motion.smpl import read_smpl

        return read_smpl(path, name=name)
    from farandole.motion.npz import read_npz

    return read_npz(path, name=name)


def save_motion(motion: Motion, path: str | Path, *, force: bool = False) -> Path:
    """Write a motion: .bvh, .glb or .npz. The file appears whole or not at all.

    Raises:
        OutputError: If the suffix is unknown, the file exists and not `force`, or it cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".bvh":
        from farandole.motion.bvh import write_bvh

        return write_bvh(motion, path, force=force)
    if suffix == ".glb":
        from farandole.motion.glb import write_glb

        return write_glb(motion, path, force=force)
    if suffix == ".npz":
        from farandole.motion.npz import write_npz

        return write_npz(motion, path, force=force)
    raise OutputError(f"{path}: '{suffix}' is not a motion file (can write {', '.join(WRITABLE)})")
