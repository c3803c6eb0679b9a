"""`farandole convert`: takes, rates, bodies and the ways of writing a BVH."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from farandole.motion import names
from farandole.motion import rotations as rot
from farandole.motion.files import load_motion, save_motion
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion


def dance(frames: int = 30, fps: float = 30.0) -> Motion:
    t = np.arange(frames)[:, None, None] / fps
    random = np.random.default_rng(5)
    turns = rot.from_rotvec(0.3 * np.sin(3 * t + random.uniform(0, 6, (21, 3))))
    path = np.concatenate((0.2 * np.sin(t[:, 0]), 0.92 + 0.02 * np.sin(4 * t[:, 0]), 0.1 * t[:, 0]), axis=1)
    return Motion(house_skeleton(), turns, path, fps)


def body_of_somebody(folder: Path, *, unit: float = 1.0, up: str = "y") -> Path:
    """A BVH of one frame in another unit, order and line ends than ours."""
    from dataclasses import replace

    from farandole.motion.files.bvh import render_bvh
    from farandole.motion.layout import default_layout

    layout = default_layout(house_skeleton()).changed(unit=unit, up=up, rotation_order="YXZ")
    text = render_bvh(replace(dance(1), layout=layout)).replace(b"\n", b"\r\n").replace(b"OFFSET ", b"OFFSET   ")
    path = folder / "target.bvh"
    path.write_bytes(text)
    return path


def hierarchy(path: Path) -> bytes:
    return path.read_bytes().split(b"MOTION")[0]


@pytest.mark.parametrize(("unit", "up"), [(1.0, "y"), (0.01, "z"), (0.02, "y")])
def test_a_bvh_target_comes_back_as_it_is(farandole, tmp_path: Path, unit: float, up: str) -> None:
    target, out = body_of_somebody(tmp_path, unit=unit, up=up), tmp_path / "out.bvh"
    source = save_motion(dance(), tmp_path / "dance.npz")
    farandole("convert", source, out, "--retarget", target)
    assert hierarchy(out) == hierarchy(target)
    row = [float(v) for v in out.read_bytes().splitlines()[-1].split()[:3]]
    height = row[1 if up == "y" else 2]
    assert 0.8 < height * unit < 1.0
    assert len(load_motion(out)) == 30


def test_layout_options(farandole, tmp_path: Path) -> None:
    source = save_motion(dance(), tmp_path / "dance.npz")
    out = tmp_path / "out.bvh"
    farandole("convert", source, out, "--unit", "m", "--up", "z", "--rotation-order", "XYZ", "--rest-frame")
    motion = load_motion(out)
    layout = motion.layout
    assert layout is not None
    assert (layout.unit, layout.up, layout.rest_up) == (1.0, "z", "z")
    assert layout.channels[1] == ("Xrotation", "Yrotation", "Zrotation")
    assert len(motion) == 31
    np.testing.assert_allclose(motion.positions[1:], dance().positions, atol=1e-5)
    roles = names.find_roles(motion.skeleton)
    pose = motion.positions[0]
    assert abs(pose[:, 1].min()) < 0.03  # m: stands on the floor
    assert pose[roles["LeftHand"], 0] > 0.5
    again = tmp_path / "again.bvh"
    farandole("convert", out, again)
    assert hierarchy(again) == hierarchy(out)
    assert "Invalid value" in farandole("convert", source, out, "--force", "--unit", "inch").refused()


def test_a_rate_that_was_declared_wrong(farandole, tmp_path: Path) -> None:
    source, out = save_motion(dance(fps=30.0), tmp_path / "dance.bvh"), tmp_path / "out.bvh"
    farandole("convert", source, out, "--true-fps", 60)
    motion = load_motion(out)
    assert (len(motion), motion.fps) == (30, 60.0)
    farandole("convert", source, out, "--true-fps", 60, "--fps", 30, "--force")
    assert len(load_motion(out)) == 15


@pytest.mark.parametrize("fps", [60, 120, 50])
def test_a_higher_rate_is_smooth(farandole, tmp_path: Path, fps: int) -> None:
    """No facets: near the original curve, where straight lines between frames are further off, and without corners."""
    source, out = save_motion(dance(61), tmp_path / "dance.npz"), tmp_path / "out.npz"
    farandole("convert", source, out, "--fps", fps)
    motion, true = load_motion(out), dance(2 * fps + 1, fps)
    hand = motion.skeleton.index("LeftHand")
    error = lambda m: np.abs(m.positions[2 : -2 - fps // 15, hand] - true.positions[2 : -2 - fps // 15, hand]).max()  # noqa: E731
    assert error(motion) < 0.25 * error(dance(61).resample(fps))


def test_takes_in_one_file(farandole, tmp_path: Path) -> None:
    one, two = save_motion(dance(), tmp_path / "one.bvh"), save_motion(dance(12), tmp_path / "two.bvh")
    both = tmp_path / "both.glb"
    farandole("convert", one, two, both, "--one-file")
    assert len(load_motion(both, animation="two")) == 12
    assert json.loads(farandole("info", both, "--json").out)["animations"] == ["one", "two"]
    farandole("convert", both, tmp_path / "two-again.npz", "--animation", "two")
    assert len(load_motion(tmp_path / "two-again.npz")) == 12
    assert "add --one-file" in farandole("convert", one, two, tmp_path / "x.glb").refused()
    assert "do not fit in one .bvh" in farandole("convert", one, two, tmp_path / "x.bvh", "--one-file").refused()
    assert "no animation 'three'" in farandole("convert", both, tmp_path / "x.npz", "--animation", "three").refused()
    assert "IN and OUT" in farandole("convert", one).refused()
