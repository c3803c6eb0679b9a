"""What a user gets from the wheel with the core dependencies alone: run by `make wheel` in such an environment.

Imports every module that needs no extra, then makes a song, a dance to it and an in-between with the installed command.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import subprocess
import sys
import tempfile
from pathlib import Path

import farandole

EXTRAS = {
    "torch",
    "lightning",
    "librosa",
    "onnx",
    "onnxscript",
    "safetensors",
    "tensorboard",
    "ray",
    "sounddevice",
    "websockets",
}
NEED_TORCH = (
    "farandole.models.",
    "farandole.training.",
    "farandole.checkpoints.",
    "farandole.data.",
    "farandole.evaluation.",
)


def main() -> None:
    """Raises AssertionError or CalledProcessError where the package does not work by itself."""
    assert "site-packages" in farandole.__file__, farandole.__file__
    present = {name for name in EXTRAS if importlib.util.find_spec(name)}
    assert not present, f"not a core environment: {present}"
    missing: dict[str, str] = {}
    for module in pkgutil.walk_packages(farandole.__path__, "farandole."):
        if module.name.endswith("__main__"):
            continue
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            missing[module.name] = str(error.name).partition(".")[0]
    faults = {m: n for m, n in missing.items() if n not in EXTRAS or not m.startswith(NEED_TORCH)}
    assert not faults, faults
    with tempfile.TemporaryDirectory() as folder:
        command = [str(Path(sys.executable).with_name("farandole"))]
        for arguments in (
            ["--version"],
            ["models"],
            ["compose", "--bpm", "110", "--seconds", "8", "--seed", "1", "-o", "song.flac"],
            ["dance", "song.flac", "-o", "dance", "--formats", "html,bvh,glb,npz", "--seed", "3"],
            ["inbetween", "dance/song.bvh", "--gap", "60:120", "-o", "filled.bvh"],
            ["info", "filled.bvh"],
        ):
            subprocess.run([*command, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        for name in ("dance/song.html", "dance/song.glb", "dance/song.npz", "filled.bvh"):
            assert (Path(folder) / name).stat().st_size > 1000, name
    print(f"the wheel works by itself; {len(missing)} modules need an extra")


if __name__ == "__main__":
    main()
