"""The add-on inside a real Blender, in the background: the one on PATH, or those that BLENDER names.

BLENDER holds one or more programs (separated as in PATH): Blender itself, or a Python that has `bpy`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from farandole.motion import names
from farandole.motion.files import load_motion, save_motion
from farandole.motion.skeleton import Skeleton

pytestmark = [pytest.mark.slow, pytest.mark.blender, pytest.mark.timeout(1800)]
HERE = Path(__file__).parent
BONES = {
    s + a: s + b
    for s in names.SIDES
    for a, b in (("Arm", "ForeArm"), ("ForeArm", "Hand"), ("UpLeg", "Leg"), ("Leg", "Foot"))
}
BUILT = ("mixamo_like", "metarig_like", "controlled", "rigify")
SHARED = ("human-female.glb", "human-bunny.glb", "Emission.vrm")


def programs() -> list[str]:
    named = os.environ.get("BLENDER", "blender").split(os.pathsep)
    return [p for p in map(shutil.which, named) if p]


@pytest.fixture(scope="module", params=programs() or [None], ids=lambda p: Path(p).parent.parent.name if p else "none")
def blender(request: pytest.FixtureRequest, command: Path, tmp_path_factory: pytest.TempPathFactory):
    """Runs a script of this folder in Blender; returns what it printed."""
    if request.param is None:
        pytest.skip("no Blender on PATH: make blender installs Debian's")
    alone = "python" in Path(request.param).name
    background = [] if alone else ["--background", "--factory-startup", "--python-exit-code", "1", "--python"]
    home = tmp_path_factory.mktemp("home")
    environment = {
        **os.environ,
        "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
        "BLENDER_USER_RESOURCES": str(home),
    }
    environment |= {"BLENDER_USER_SCRIPTS": str(home / "scripts"), "BLENDER_USER_CONFIG": str(home / "config")}
    environment.pop("PYTHONPATH", None)

    def run(script: str, *words: object) -> str:
        line = [request.param, *background, str(HERE / script), "--", *map(str, words)]
        done = subprocess.run(line, capture_output=True, text=True, env=environment, errors="replace")
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    run.program = request.param  # type: ignore[attr-defined]
    return run


@pytest.fixture(scope="module")
def song(command: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("song") / "song.flac"
    subprocess.run([command, "compose", "--bpm", "104", "--seconds", "20", "--seed", "1", "-o", path, "-q"], check=True)
    return path


@pytest.fixture(scope="module")
def plain(command: Path, song: Path) -> Any:
    """The same dance on farandole's own body."""
    path = song.parent / "dance.bvh"
    subprocess.run([command, "dance", song, "--seconds", "6", "-o", path, "-q"], check=True)
    return load_motion(path)


def off_the_dance(facts: dict[str, Any], arrays: Any, dance: Any) -> np.ndarray:
    """Angles (degrees) between each limb's bone in Blender's world and in the dance, [B, T]."""
    y_up = lambda p: np.stack((p[..., 0], p[..., 2], -p[..., 1]), axis=-1)  # noqa: E731
    matrix, heads = arrays["matrix"], y_up(arrays["heads"])
    rest = y_up(arrays["rest"][:, :3, 3] @ matrix[:3, :3].T + matrix[:3, 3])
    parents = np.array(facts["parents"])
    offsets = np.vstack((rest[:1], rest[1:] - rest[parents[1:]]))
    roles = names.humanoid_roles(Skeleton(facts["joints"], parents.tolist(), offsets))
    source = names.humanoid_roles(dance.skeleton)
    left = rest[roles["LeftUpLeg"]] - rest[roles["RightUpLeg"]]
    c, s = left[0] / np.hypot(left[0], left[2]), -left[2] / np.hypot(left[0], left[2])
    facing = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    count = min(len(heads), len(dance))
    result = []
    for upper, lower in BONES.items():
        wanted = (dance.positions[:count, source[lower]] - dance.positions[:count, source[upper]]) @ facing.T
        found = heads[:count, roles[lower]] - heads[:count, roles[upper]]
        cosine = (wanted * found).sum(-1) / np.linalg.norm(wanted, axis=-1) / np.linalg.norm(found, axis=-1)
        result.append(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
    return np.array(result)


@pytest.mark.parametrize("kind", [*BUILT, *SHARED])
def test_the_walk(blender, song: Path, plain: Any, tmp_path: Path, request: pytest.FixtureRequest, kind: str) -> None:
    whole = kind == "mixamo_like"
    rig = request.getfixturevalue("shared") / "data" / "rigs" / kind if "." in kind else kind
    blender("walk.py", rig, song, tmp_path, "whole" if whole else "short")
    facts, arrays = json.loads((tmp_path / "facts.json").read_text()), np.load(tmp_path / "arrays.npz")

    # The dance: an action of its own in the armature's own rotation modes, on the scene's frames, in the directions of the dance.
    assert facts["range"] == [11, 190]
    assert facts["action"].startswith("song")
    assert facts["misfit"] == ""
    away = off_the_dance(facts, arrays, plain)
    assert np.median(away) < 8.0
    if kind in BUILT:  # no belly that arms must keep clear of, no short legs
        assert np.median(away) < 2.0
        assert (np.median(away, axis=1) < 8.0).all()
    joints = arrays["rest"][:, :3, 3] @ arrays["matrix"][:3, :3].T
    low = (arrays["low"] - facts["floor"]) * 1.7 / np.ptp(joints[:, 2])
    low = low if np.isfinite(low).all() else np.zeros(1)  # a rig without a mesh
    assert low.min() > -0.02
    assert abs(np.median(low)) < 0.01
    sounds = (
        [] if "python" in Path(blender.program).name else [["farandole: song", 11.0, str(song)]]
    )  # bpy has no sound
    assert facts["sound"] == sounds
    assert facts["markers"][0] == ["\u266a 1", 11]
    assert len(facts["markers"]) == 11

    # Onwards, between, anew: what is kept stays to the last digit that single precision has.
    assert facts["extended"] == [11, 250]
    assert facts["extend_kept"] < 1e-5
    step = lambda what: np.linalg.norm(np.diff(what, axis=0), axis=-1).max()  # noqa: E731
    fastest = step(arrays["heads"])
    assert step(arrays["longer"][178:182]) < 1.2 * fastest
    assert facts["inbetween_kept"] < 1e-5 < facts["inbetween_changed"]
    assert facts["reroll_kept"] < 1e-5 < facts["reroll_changed"]
    for edge in (89, 149):
        assert step(arrays["anew"][edge - 2 : edge + 2]) < 1.2 * fastest
    if whole:
        assert facts["reroll_same_seed"] < 1e-5 < facts["reroll_other_seed"]
        assert facts["sparse_kept"] < 1e-4 < facts["sparse_changed"]
        assert facts["sparse_step"] < 0.1
        assert facts["cancel_was_running"]
        assert facts["cancelled"]
        before, danced, after = facts["undone"]
        assert before == after != danced
        assert len(facts["refusals"]) == 4
        for said, text in zip(
            facts["refusals"], ("no such file", "choose a song", "select the keys", "no style 'polka'"), strict=True
        ):
            assert text in said
            assert "\n" not in said


def test_beside_a_live_window(blender, song: Path, command: Path, tmp_path: Path) -> None:
    if "python" in Path(blender.program).name or shutil.which("xvfb-run") is None:
        pytest.skip("needs Blender's window and xvfb-run (Debian: xvfb, xauth)")
    shutil.copy(song, tmp_path)
    line = [
        "xvfb-run",
        "-a",
        "-s",
        "-screen 0 1280x800x24",
        blender.program,
        "--factory-startup",
        "--enable-event-simulate",
    ]
    line += [
        "--window-geometry",
        "0",
        "0",
        "1280",
        "800",
        "--python",
        str(HERE / "window.py"),
        "--",
        song.name,
        str(tmp_path),
    ]
    environment = {**os.environ, "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(line, capture_output=True, text=True, env=environment, errors="replace", timeout=900)
    assert (tmp_path / "facts.json").is_file(), done.stdout[-2000:] + done.stderr[-2000:]
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert "error" not in facts
    before, danced = facts["danced"]
    assert before is None
    assert danced == "song 3"
    assert {"dancing", "hearing beats"} <= set(facts["labels"])
    assert 0.0 < max(facts["shares"]) <= 1.0
    assert facts["cancelled"]
    assert facts["cancelled by the button"]


def test_the_zip_installs(blender, command: Path, tmp_path: Path) -> None:
    builder = HERE.parents[1] / "blender" / "build_zip.py"
    built = subprocess.run([sys.executable, str(builder), str(tmp_path)], check=True, capture_output=True, text=True)
    blender("install.py", built.stdout.strip(), command, tmp_path / "facts.json")
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert facts["panel"]
    assert facts["check"] == ["FINISHED"]
    assert "there is no command at" in facts["missing"]
    assert facts["gone"]


@pytest.mark.parametrize(("unit", "scale"), [("cm", 0.01), ("m", 1.0)])
def test_a_bvh_means_the_same_in_blender(
    blender, plain: Any, command: Path, tmp_path: Path, unit: str, scale: float
) -> None:
    source, back = tmp_path / "in.bvh", tmp_path / "back.bvh"
    subprocess.run(
        [command, "convert", save_motion(plain.slice(0, 45), tmp_path / "a.npz"), source, "--unit", unit], check=True
    )
    blender("bvh_by_blender.py", source, scale, back, tmp_path / "heads.npz")
    ours, theirs, again = load_motion(source), np.load(tmp_path / "heads.npz"), load_motion(back)
    assert theirs["fps"] == ours.fps == again.fps
    order = [ours.skeleton.names.index(n) for n in theirs["names"]]
    there = theirs["positions"] @ np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    print("BVH there", np.abs(there - ours.positions[:, order]).max())
    assert np.abs(there - ours.positions[:, order]).max() < 2e-5
    order = [ours.skeleton.names.index(n) for n in again.skeleton.names]
    print(
        "BVH again",
        np.abs(again.positions - ours.positions[:, [ours.skeleton.names.index(n) for n in again.skeleton.names]]).max(),
    )
    assert np.abs(again.positions - ours.positions[:, order]).max() < 1e-4


def test_fbx_there_and_back(blender, plain: Any, command: Path, tmp_path: Path) -> None:
    if "python" in Path(blender.program).name:
        pytest.skip("convert runs Blender, not a Python with bpy")
    source = save_motion(plain.slice(0, 45), tmp_path / "a.npz")
    for one, two in ((source, "b.fbx"), ("b.fbx", "c.npz")):
        line = [command, "convert", tmp_path / one, tmp_path / two, "--blender", blender.program]
        done = subprocess.run(line, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    back = load_motion(tmp_path / "c.npz")
    assert back.fps == plain.fps
    shared = [n for n in plain.skeleton.names if n in back.skeleton.names]
    assert len(shared) == len(plain.skeleton)
    a = [plain.skeleton.index(n) for n in shared]
    b = [back.skeleton.index(n) for n in shared]
    assert np.abs(plain.positions[:45, a] - back.positions[:45, b]).max() < 1e-3
