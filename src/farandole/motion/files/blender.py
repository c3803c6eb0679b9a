"""FBX by way of an installed Blender, run in the background: its importer and exporter know the format, we do not."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from farandole._io import atomic_path
from farandole.errors import FileFormatError, OutputError
from farandole.motion.files.gltf import read_gltf, write_gltf
from farandole.motion.motion import Motion

_MINUTES = 10
_SCRIPT = """
import builtins, sys, bpy, numpy
for name in ("bool", "int", "float", "object"):  # Debian's Blender 3.4 asks its numpy for names that this no longer has
    if not hasattr(numpy, name):
        setattr(numpy, name, getattr(builtins, name))
fps, source, target = sys.argv[sys.argv.index("--") + 1:]
bpy.ops.wm.read_factory_settings(use_empty=True)
if source.lower().endswith(".fbx"):
    bpy.ops.import_scene.fbx(filepath=source, anim_offset=0.0)
    wanted = {"export_force_sampling": True, "export_anim_slide_to_zero": True, "export_frame_range": False}
    known = bpy.ops.export_scene.gltf.get_rna_type().properties.keys()  # not the same in all versions
    bpy.ops.export_scene.gltf(filepath=target, export_format="GLB", **{k: v for k, v in wanted.items() if k in known})
else:
    bpy.context.scene.render.fps = int(fps)
    bpy.ops.import_scene.gltf(filepath=source)
    shapes = bpy.data.collections.get("glTF_not_exported")
    for thing in list(shapes.objects) if shapes else []:
        bpy.data.objects.remove(thing)
    bpy.ops.export_scene.fbx(
        filepath=target, add_leaf_bones=False, bake_anim_use_all_actions=True, bake_anim_use_nla_strips=False,
        bake_anim_simplify_factor=0.0,
    )
"""


def read_fbx(
    path: str | Path,
    *,
    name: str | None = None,
    animation: int | str | None = None,
    blender: str | Path | None = None,
) -> Motion:
    """Read an .fbx.

    Args:
        animation: As for `read_gltf`.
        blender: Blender's executable; by default the one on PATH.

    Raises:
        FileFormatError: If there is no Blender (tells the ways out), no such file, or Blender cannot read it.
    """
    path = Path(path)
    if not path.is_file():
        raise FileFormatError(f"{path}: no such file")
    program = find_blender(blender)
    if program is None:
        raise FileFormatError(
            f"{path}: FBX is read through Blender, and {_missing(blender)} or export it as .glb or .bvh"
        )
    with tempfile.TemporaryDirectory() as folder:
        glb = Path(folder) / "scene.glb"
        problem = _run(program, path.absolute(), glb)
        if problem or not glb.is_file():
            raise FileFormatError(f"{path}: Blender cannot read it: {problem or 'it wrote nothing'}")
        return read_gltf(glb, animation=animation, name=name or path.stem)


def write_fbx(
    motion: Motion | Sequence[Motion], path: str | Path, *, force: bool = False, blender: str | Path | None = None
) -> Path:
    """Write an .fbx, whole or not at all.

    Args:
        blender: Blender's executable; by default the one on PATH.

    Raises:
        OutputError: If there is no Blender (tells the ways out), the file exists and not `force`, or it cannot be written.
    """
    path = Path(path)
    program = find_blender(blender)
    if program is None:
        raise OutputError(f"{path}: FBX is written through Blender, and {_missing(blender)} or write .glb")
    first = motion if isinstance(motion, Motion) else motion[0]
    with tempfile.TemporaryDirectory() as folder, atomic_path(path, force=force) as temporary:
        glb = write_gltf(motion, Path(folder) / "scene.glb")
        problem = _run(program, glb, temporary.absolute(), fps=max(1, round(first.fps)))
        if problem:
            raise OutputError(f"{path}: Blender cannot write it: {problem}")
    return path


def find_blender(blender: str | Path | None = None) -> str | None:
    """Blender's executable: the given one, else the one on PATH; None if it is not there."""
    if blender is None:
        return shutil.which("blender")
    beside = str(Path(blender).absolute())  # Path("./blender") has lost its dot
    return shutil.which(str(blender)) or shutil.which(beside)


def _missing(blender: str | Path | None) -> str:
    where = f"there is none at {blender}" if blender else "there is none on PATH"
    return f"{where}: install it, name it with --blender,"


def _run(program: str, source: Path, target: Path, *, fps: int = 30) -> str | None:
    """Run the script; None if it went well, else the last line that Blender said about it."""
    arguments = [program, "--background", "--factory-startup", "--python-exit-code", "1"]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "convert.py"
        script.write_text(_SCRIPT)
        words = [*arguments, "--python", str(script), "--", str(fps), str(source), str(target)]
        try:
            done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=60 * _MINUTES)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
    if done.returncode == 0:
        return None
    lines = (line.strip() for line in (done.stdout + done.stderr).splitlines())
    said = [line for line in lines if "Error" in line and "script failed" not in line]
    return said[-1] if said else f"exit code {done.returncode}"
