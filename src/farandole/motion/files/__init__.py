"""Motion files by suffix: which reader and which writer does which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from farandole.errors import FileFormatError, OutputError
from farandole.motion.motion import Motion

READABLE = (".bvh", ".glb", ".gltf", ".vrm", ".vrma", ".npz", ".pkl", ".amc", ".fbx")
"""Suffixes `load_motion` knows."""
WRITABLE = (".bvh", ".glb", ".gltf", ".vrma", ".npz", ".smpl.npz", ".pkl", ".fbx")
"""Endings `save_motion` knows."""

FRAME_RATES = (1.0, 1000.0)
"""Frames per second that a motion file may have: anything else is damage, and would be resampled as it says."""

_GLTF = (".glb", ".gltf", ".vrm", ".vrma")


def load_motion(
    path: str | Path,
    *,
    name: str | None = None,
    animation: int | str | None = None,
    blender: str | Path | None = None,
) -> Motion:
    """Read a motion: BVH, glTF, VRM and VRM animation, .npz (farandole's own, AMASS or SMPL), .pkl (AIST++), .amc, .fbx.

    Args:
        path: The file, or "-" for standard input. What has another suffix (a pipe) is known by its first bytes.
        name: Name of the motion; by default the file's without suffix, or the animation's.
        animation: Number or name of one of a glTF file's animations; by default the first that moves.
        blender: Blender's executable, which reads .fbx; by default the one on PATH.

    Raises:
        FileFormatError: If there is no such file, the format is unknown, or the content is not what it says.
    """
    from farandole.motion.files.sources import is_stream

    path = Path(path)
    motion = _read(path, name, animation, blender)
    if not FRAME_RATES[0] - 1e-6 <= motion.fps <= FRAME_RATES[1] + 1e-6:
        raise FileFormatError(f"{path}: {motion.fps:g} frames per second; a motion has 1 to 1000")
    return motion if is_stream(path) else replace(motion, source=path)


def _read(path: Path, name: str | None, animation: int | str | None, blender: str | Path | None) -> Motion:
    suffix = path.suffix.lower()
    if suffix == ".amc":
        from farandole.motion.files.acclaim import read_amc

        return read_amc(path, name=name)
    if suffix == ".fbx":
        from farandole.motion.files.blender import read_fbx

        return read_fbx(path, name=name, animation=animation, blender=blender)
    from farandole.motion.files.sources import guess_suffix, is_stream, read_bytes

    stream = is_stream(path)
    if suffix not in READABLE and not stream:
        raise FileFormatError(f"{path}: '{suffix}' is not a motion file (can read {', '.join(READABLE)})")
    data = read_bytes(path)
    source = "standard input" if str(path) == "-" else str(path)
    if suffix not in READABLE:
        suffix = guess_suffix(data) or ""
        if not suffix:
            raise FileFormatError(f"{source} holds no motion that is known by its first bytes (BVH, glTF, npz, pickle)")
    if animation is not None and suffix not in _GLTF:
        raise FileFormatError(f"{source}: a {suffix} file holds one motion, so there is no animation '{animation}'")
    return _parse(data, suffix, source, name, animation)


def _parse(data: bytes, suffix: str, source: str, name: str | None, animation: int | str | None) -> Motion:
    if suffix == ".bvh":
        from farandole.motion.files.bvh import parse_bvh

        return parse_bvh(data, name=name or Path(source).stem, source=source)
    if suffix in _GLTF:
        from farandole.motion.files.gltf import parse_gltf

        return parse_gltf(data, name=name, animation=animation, source=source)
    if suffix == ".pkl":
        from farandole.motion.files.smpl import parse_smpl

        return parse_smpl(data, name=name or Path(source).stem, source=source)
    from farandole.motion.files.npz import parse_npz

    return parse_npz(data, name=name, source=source)


def save_motion(
    motion: Motion | Sequence[Motion], path: str | Path, *, force: bool = False, blender: str | Path | None = None
) -> Path:
    """Write a motion in the format that the path's ending names. The file appears whole or not at all.

    .bvh, .glb, .gltf (arrays inside), .vrma (VRM animation), .npz (farandole's own), .smpl.npz (SMPL-H as AMASS has it), .pkl (SMPL
    as AIST++ has it, 60 fps), .fbx (by way of Blender).

    Args:
        motion: One motion; or for .glb and .gltf several takes of one skeleton, which become its animations.
        blender: Blender's executable, which writes .fbx; by default the one on PATH.

    Raises:
        OutputError: If the ending is unknown, the file exists and not `force`, or it cannot be written.
        MotionError: If several motions are given that the file cannot hold.
    """
    from farandole.errors import MotionError

    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in (".glb", ".gltf"):
        from farandole.motion.files.gltf import write_gltf

        return write_gltf(motion, path, force=force)
    if not isinstance(motion, Motion):
        if len(motion) != 1:
            raise MotionError(
                f"{path}: {len(motion)} motions do not fit in one {suffix} file; .glb and .gltf hold several"
            )
        motion = motion[0]
    if suffix == ".bvh":
        from farandole.motion.files.bvh import write_bvh

        return write_bvh(motion, path, force=force)
    if suffix == ".vrma":
        from farandole.motion.files.gltf import write_vrma

        return write_vrma(motion, path, force=force)
    if suffix == ".npz" and path.stem.lower().endswith(".smpl"):
        from farandole.motion.files.smpl_writer import write_amass

        return write_amass(motion, path, force=force)
    if suffix == ".npz":
        from farandole.motion.files.npz import write_npz

        return write_npz(motion, path, force=force)
    if suffix == ".pkl":
        from farandole.motion.files.smpl_writer import write_aist

        return write_aist(motion, path, force=force)
    if suffix == ".fbx":
        from farandole.motion.files.blender import write_fbx

        return write_fbx(motion, path, force=force, blender=blender)
    raise OutputError(f"{path}: '{suffix}' is not a motion file (can write {', '.join(WRITABLE)})")
