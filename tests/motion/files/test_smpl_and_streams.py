"""SMPL in all its spellings, in and out; streams; what fits in which file."""

from __future__ import annotations

import io
import os
import pickle
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from farandole.errors import FileFormatError, MotionError, OutputError
from farandole.motion import names
from farandole.motion import rotations as rot
from farandole.motion.files import load_motion, save_motion
from farandole.motion.files.smpl import motion_from_smpl, smpl_skeleton
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.motion.skeleton import Skeleton


def swaying(skeleton: Skeleton | None = None, fps: float = 30.0, frames: int = 20) -> Motion:
    skeleton = skeleton or house_skeleton()
    t = np.arange(frames)[:, None, None] / fps
    random = np.random.default_rng(3)
    turns = rot.from_rotvec(0.3 * np.sin(2 * t + random.uniform(0, 6, (len(skeleton), 3))))
    path = np.concatenate((0.3 * t[:, 0], 0.92 + 0.02 * np.sin(4 * t[:, 0]), 0.1 * t[:, 0]), axis=1)
    return Motion(skeleton, turns, path, fps)


@pytest.mark.parametrize(("ending", "fps"), [(".pkl", 60.0), (".smpl.npz", 30.0)])
def test_smpl_bodies_come_back(ending: str, fps: float, tmp_path: Path) -> None:
    motion = swaying(smpl_skeleton())
    again = load_motion(save_motion(motion, tmp_path / f"dance{ending}"))
    assert again.fps == fps
    joints = 24 if ending == ".pkl" else 22  # AMASS has no hand joints of SMPL
    again = again.resample(30.0)
    np.testing.assert_allclose(again.positions[:, :joints], motion.positions[: len(again), :joints], atol=1e-6)


@pytest.mark.parametrize("ending", [".pkl", ".smpl.npz"])
def test_other_bodies_are_retargeted_to_smpl(ending: str, tmp_path: Path) -> None:
    motion = swaying()
    again = load_motion(save_motion(motion, tmp_path / f"dance{ending}")).resample(30.0)
    a, b = names.find_roles(motion.skeleton), names.find_roles(again.skeleton)
    for upper, lower in (("LeftUpLeg", "LeftLeg"), ("RightArm", "RightForeArm")):
        bone = lambda m, r, u=upper, l=lower: rot.normalize(m.positions[:, r[l]] - m.positions[:, r[u]])  # noqa: E731, E741
        np.testing.assert_allclose(bone(again, b), bone(motion, a)[: len(again)], atol=1e-3)


def test_smpl_files_have_the_fields_that_others_read(tmp_path: Path) -> None:
    save_motion(swaying(), tmp_path / "a.pkl")
    data = pickle.loads((tmp_path / "a.pkl").read_bytes())
    assert data["smpl_poses"].shape == (39, 72)
    assert data["smpl_trans"].shape == (39, 3)
    assert data["smpl_scaling"].tolist() == [1.0]
    save_motion(swaying(), tmp_path / "a.smpl.npz")
    with np.load(tmp_path / "a.smpl.npz") as data:
        assert data["poses"].shape == (20, 156)
        assert float(data["mocap_framerate"]) == 30.0
        assert data["trans"][:, 2].min() > 0.5  # z is up
    chain = Skeleton(["a", "b"], [-1, 0], [[0, 0, 0], [0, 1, 0]])
    with pytest.raises(MotionError):
        save_motion(swaying(chain), tmp_path / "b.pkl")
    assert not (tmp_path / "b.pkl").exists()


@pytest.mark.parametrize("family", ["smpl", "smplh", "smplx", "smplx parts", "smplx library"])
def test_every_member_of_the_family_is_read(family: str, tmp_path: Path) -> None:
    motion = swaying(smpl_skeleton())
    vectors = rot.to_rotvec(motion.rotations).reshape(20, 72)
    width = {"smpl": 72, "smplh": 156, "smplx": 165}.get(family, 0)
    path = motion.root_positions - [0.0, -0.22, 0.03]
    if width:
        poses = np.zeros((20, width))
        poses[:, :66] = vectors[:, :66]
        data = {"poses": poses, "trans": path, "mocap_frame_rate": np.array(30.0)}
    elif family == "smplx parts":
        data = {"root_orient": vectors[:, :3], "pose_body": vectors[:, 3:66], "trans": path, "mocap_frame_rate": 30.0}
    else:
        data = {
            "global_orient": vectors[:, None, :3],
            "body_pose": vectors[:, 3:66].reshape(20, 21, 3),
            "transl": path,
            "fps": 30,
        }
    np.savez(tmp_path / "x.npz", **data)
    again = load_motion(tmp_path / "x.npz")
    assert again.fps == 30.0
    np.testing.assert_allclose(again.positions[:, :20], motion.positions[:, :20], atol=1e-9)


@pytest.mark.parametrize(
    "change",
    [
        {"poses": np.full((20, 72), np.nan)}, {"poses": np.full((20, 72), 1e300)}, {"mocap_framerate": "fast"},
        {"trans": np.zeros((20, 2))},
        {"poses": np.zeros(0)}, {"poses": "no"}, {"mocap_framerate": np.zeros(0)},
    ],
)  # fmt: skip
def test_damaged_arrays_get_one_line(change) -> None:
    data = {"poses": np.zeros((20, 72)), "trans": np.zeros((20, 3)), "mocap_framerate": 30.0}
    with pytest.raises(FileFormatError) as caught:
        motion_from_smpl(data | change, source="x.npz")
    assert "\n" not in str(caught.value)


# Streams ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".bvh", ".glb", ".gltf", ".npz", ".pkl"])
def test_standard_input_is_known_by_its_first_bytes(ending: str, tmp_path: Path, monkeypatch) -> None:
    path = save_motion(swaying(), tmp_path / f"x{ending}")
    stream = io.BytesIO(path.read_bytes())
    monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": stream}))
    assert len(load_motion("-")) == len(load_motion(path))


def test_pipes_have_no_suffix(tmp_path: Path) -> None:
    path = save_motion(swaying(), tmp_path / "x.bvh")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(path.read_bytes()))
    writer.start()
    try:
        assert len(load_motion(pipe)) == 20
    finally:
        writer.join()


def test_a_stream_of_something_else(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": io.BytesIO(b"hello")}))
    with pytest.raises(FileFormatError, match="standard input holds no motion"):
        load_motion("-")


def test_what_does_not_fit_in_a_file(tmp_path: Path) -> None:
    with pytest.raises(MotionError, match=r"2 motions do not fit in one \.bvh file"):
        save_motion([swaying(), swaying()], tmp_path / "x.bvh")
    save_motion([swaying()], tmp_path / "x.bvh")
    with pytest.raises(FileFormatError, match=r"a \.bvh file holds one motion"):
        load_motion(tmp_path / "x.bvh", animation="walk")
    with pytest.raises(OutputError, match="can write"):
        save_motion(swaying(), tmp_path / "x.vrm")
    with pytest.raises(FileFormatError, match="is a folder"):
        (tmp_path / "y.bvh").mkdir()
        load_motion(tmp_path / "y.bvh")


def test_fbx_without_blender_names_the_ways_out(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "x.fbx").write_bytes(b"Kaydara FBX Binary")
    with pytest.raises(FileFormatError, match=r"there is none on PATH: install it, name it with --blender, or"):
        load_motion(tmp_path / "x.fbx")
    with pytest.raises(OutputError, match="there is none at /nowhere"):
        save_motion(swaying(), tmp_path / "y.fbx", blender="/nowhere")


def test_blender_may_be_named_beside_the_work(tmp_path: Path, monkeypatch) -> None:
    from farandole.motion.files.blender import find_blender

    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "blender-5").write_text("#!/bin/sh\n")
    (tmp_path / "blender-5").chmod(0o755)
    assert find_blender(Path("./blender-5")) == str(tmp_path / "blender-5")
    assert find_blender() != str(tmp_path / "blender-5")


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for Blender is a shell script")
def test_fbx_goes_through_blender(tmp_path: Path) -> None:
    """With a stand-in that, like Blender, gets a script and two files, and turns one into the other by copying."""
    program = tmp_path / "blender"
    program.write_text(
        '#!/bin/sh\nfor last; do before="$file"; file="$last"; done\ncp "$before" "$file"\n'.replace("\\\n", "\n")
    )
    program.chmod(0o755)
    written = save_motion(swaying(), tmp_path / "x.fbx", blender=program)
    assert len(load_motion(written, blender=program)) == 20
    program.write_text("#!/bin/sh\necho 'Error: no such bone'\nexit 1\n".replace("\\\n", "\n"))
    with pytest.raises(FileFormatError, match="Blender cannot read it: Error: no such bone"):
        load_motion(written, blender=program)
