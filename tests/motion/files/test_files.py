"""npz, SMPL, and the choice of format by suffix."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from farandole.errors import FileFormatError, OutputError
from farandole.motion import rotations as rot
from farandole.motion.files import load_motion, save_motion
from farandole.motion.files.bvh import read_bvh
from farandole.motion.files.smpl import motion_from_smpl, smpl_skeleton
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion

DATA = Path(__file__).parents[1] / "data"


@pytest.mark.parametrize("suffix", [".bvh", ".glb", ".npz", ".NPZ"])
def test_every_format_keeps_the_positions(suffix: str, tmp_path: Path) -> None:
    motion = read_bvh(DATA / "synthetic_dancer.bvh").slice(0, 50)
    path = save_motion(motion, tmp_path / f"dance{suffix}")
    again = load_motion(path, name="again")
    assert (len(again), again.fps, again.name) == (50, 60.0, "again")
    order = [again.skeleton.index(n) for n in motion.skeleton.names]
    np.testing.assert_allclose(again.positions[:, order], motion.positions, atol=1e-5)
    with pytest.raises(OutputError, match="exists already"):
        save_motion(motion, path)
    save_motion(motion.slice(0, 5), path, force=True)
    assert len(load_motion(path)) == 5


def test_npz_is_exact_and_keeps_the_layout(tmp_path: Path) -> None:
    motion = read_bvh(DATA / "synthetic_dancer.bvh")
    again = load_motion(save_motion(motion, tmp_path / "dance.npz"))
    np.testing.assert_array_equal(again.rotations, motion.rotations)
    np.testing.assert_array_equal(again.root_positions, motion.root_positions)
    assert again.layout == motion.layout
    assert again.skeleton == motion.skeleton
    assert set(again.skeleton.end_sites) == set(motion.skeleton.end_sites)


def test_unknown_suffixes_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"'\.txt' is not a motion file \(can read \.bvh"):
        load_motion(tmp_path / "x.txt")
    with pytest.raises(FileFormatError, match="no such file"):
        load_motion(tmp_path / "x.bvh")
    motion = Motion(house_skeleton(), rot.identity(1, 21), np.zeros((1, 3)), 30.0)
    with pytest.raises(OutputError, match="can write"):
        save_motion(motion, tmp_path / "x.txt")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".bvh", ".glb", ".npz", ".pkl"])
@pytest.mark.parametrize("content", [b"", b"hello", b"\x00" * 100])
def test_rubbish_fails_with_one_line(suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"rubbish{suffix}"
    path.write_bytes(content)
    with pytest.raises(FileFormatError) as caught:
        load_motion(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".glb", ".npz"])
def test_cut_off_files_fail_with_one_line(suffix: str, tmp_path: Path) -> None:
    path = save_motion(read_bvh(DATA / "synthetic_dancer.bvh").slice(0, 20), tmp_path / f"dance{suffix}")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(FileFormatError) as caught:
        load_motion(path)
    assert "\n" not in str(caught.value)


def test_npz_of_other_things(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    with pytest.raises(FileFormatError, match="no SMPL poses.*has x"):
        load_motion(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", x=np.array([{}], dtype=object))
    with pytest.raises(FileFormatError, match="pickled Python objects, which are not read"):
        load_motion(tmp_path / "b.npz")


# SMPL ------------------------------------------------------------------------------------------------------------------------


def aist(frames: int = 12) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "smpl_poses": random.normal(size=(frames, 72)) * 0.3,
        "smpl_trans": random.normal(size=(frames, 3)) * 90.0 + [0.0, 100.0, 0.0],
        "smpl_scaling": np.array([93.7]),
    }


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_aist_pickles_of_every_protocol(protocol: int, tmp_path: Path) -> None:
    data = aist()
    (tmp_path / "gBR.pkl").write_bytes(pickle.dumps(data, protocol=protocol))
    motion = load_motion(tmp_path / "gBR.pkl")
    assert (motion.name, motion.fps, len(motion), len(motion.skeleton)) == ("gBR", 60.0, 12, 24)
    steps = np.diff(motion.root_positions, axis=0)
    np.testing.assert_allclose(steps, np.diff(data["smpl_trans"], axis=0) / 93.7, atol=1e-12)
    turns = rot.from_rotvec(data["smpl_poses"].reshape(12, 24, 3))
    assert rot.angle_between(motion.rotations, turns).max() < 1e-6


def test_pickles_cannot_run_anything(tmp_path: Path) -> None:
    class Command:
        def __reduce__(self) -> tuple:
            return os.mkdir, (str(tmp_path / "made"),)

    (tmp_path / "evil.pkl").write_bytes(pickle.dumps({"smpl_poses": Command()}))
    with pytest.raises(FileFormatError, match=r"it asks for \w+\.mkdir"):
        load_motion(tmp_path / "evil.pkl")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(("tilt", "turned"), [(1.0, True), (-1.0, True), (0.4, True), (0.05, False)])
def test_amass_is_z_up_unless_its_bodies_stand_along_y(tilt: float, turned: bool) -> None:
    """Upright, on the hands, leaning far over; and a file that somebody has turned to y up already."""
    poses = np.zeros((5, 156))
    poses[:, 0] = tilt * 0.5 * np.pi
    poses[:, 1] = 1e-3
    if tilt == 0.4:
        poses[:, :3] = rot.to_rotvec(
            rot.from_axis_angle([0.0, 0.0, 1.0], 0.5 * np.pi)
        )  # lies on its side: up is along x
    data = {"poses": poses, "trans": np.tile([1.0, 2.0, 3.0], (5, 1)), "mocap_framerate": 60.0}
    amass = data | {"gender": np.array("male"), "betas": np.zeros(16)}
    path = (
        motion_from_smpl(amass).root_positions[0]
        - motion_from_smpl(amass | {"trans": np.zeros((5, 3))}).root_positions[0]
    )
    np.testing.assert_allclose(path, [1, 3, -2] if turned else [1, 2, 3], atol=1e-9)


def test_pickled_objects_in_an_archive_are_not_read(tmp_path: Path) -> None:
    class Command:
        def __reduce__(self) -> tuple:
            return os.mkdir, (str(tmp_path / "made"),)

    poses, trans = np.zeros((4, 156)), np.zeros((4, 3))
    evil = np.array([Command()], dtype=object)
    np.savez(tmp_path / "beside.npz", poses=poses, trans=trans, mocap_framerate=60.0, extra=evil)
    assert len(load_motion(tmp_path / "beside.npz")) == 4
    np.savez(tmp_path / "instead.npz", poses=evil, trans=trans)
    with pytest.raises(FileFormatError, match="holds no SMPL poses: need smpl_poses or poses, has trans"):
        load_motion(tmp_path / "instead.npz")
    np.savez(tmp_path / "only.npz", poses=evil)
    with pytest.raises(FileFormatError, match="holds pickled Python objects, which are not read: they could run code"):
        load_motion(tmp_path / "only.npz")
    assert not (tmp_path / "made").exists()


def test_amass_is_turned_upright(tmp_path: Path) -> None:
    quarter = rot.to_rotvec(rot.from_axis_angle([1.0, 0.0, 0.0], 0.5 * np.pi))
    poses = np.zeros((10, 156))
    poses[:, :3] = quarter
    trans = np.zeros((10, 3))
    trans[:, 0], trans[:, 2] = np.arange(10) * 0.1, 1.2
    np.savez(tmp_path / "dance.npz", poses=poses, trans=trans, mocap_framerate=np.array(120.0), gender="neutral")
    motion = load_motion(tmp_path / "dance.npz")
    assert motion.fps == 120.0
    head, foot = motion.skeleton.index("head"), motion.skeleton.index("left_ankle")
    assert (motion.positions[:, head, 1] - motion.positions[:, foot, 1]).min() > 1.2
    np.testing.assert_allclose(np.diff(motion.root_positions, axis=0), [[0.1, 0.0, 0.0]] * 9, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"smpl_poses": np.zeros((12, 30))}, "30 columns"),
        ({"smpl_trans": np.zeros((7, 3))}, "12 poses but 7 positions"),
        ({"smpl_scaling": np.array([0.0])}, "smpl_scaling 0.0 is not positive"),
        ({"smpl_trans": np.full((12, 3), np.nan)}, "NaN"),
        ({"smpl_poses": np.zeros((0, 72)), "smpl_trans": np.zeros((0, 3))}, "no frames"),
    ],
)
def test_bad_smpl_arrays(change: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        motion_from_smpl(aist() | change)


def test_smpl_body_is_a_person() -> None:
    assert 1.6 < smpl_skeleton().height < 1.9
