"""Loops, and what a notebook asks of a motion."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from farandole import _late
from farandole.errors import MotionError, OutputError
from farandole.motion import rotations as rot
from farandole.motion.edit import heading, turn
from farandole.motion.files import load_motion, save_motion
from farandole.motion.loop import in_place, loop
from farandole.motion.markers import Markers
from farandole.motion.motion import Motion

from .characters.dancer import HOUSE, dance
from .characters.rigs import Rig, build


@pytest.fixture(scope="module")
def steps() -> Motion:
    return replace(dance(200), name="steps")


def at_the_seam(motion: Motion) -> tuple[float, float]:
    """Greatest acceleration of a joint where the motion begins again, and the greatest elsewhere but for the blend, m/s2."""
    count = len(motion)
    twice = np.concatenate((motion.positions, motion.positions))
    speed = np.diff(twice, axis=0) * motion.fps
    push = np.linalg.norm(np.diff(speed, axis=0) * motion.fps, axis=-1).max(1)
    return push[count - 3 : count + 2].max(), push[20 : count - 5].max()


def test_a_loop_has_no_seam_and_whole_bars(steps: Motion) -> None:
    walk = replace(steps, root_positions=steps.root_positions + np.linspace(0, 1.5, 200)[:, None] * [1.0, 0.0, 0.5])
    walk = replace(
        walk, markers=Markers(tuple(0.1 + 0.5 * k for k in range(13)), tuple(0.1 + 2.0 * k for k in range(4)))
    )
    made = loop(walk)
    assert len(made) in (60, 120, 180)
    seam, elsewhere = at_the_seam(made)
    assert seam < 1.3 * elsewhere
    around = np.concatenate((made.positions, made.positions[:1]))
    assert np.linalg.norm(around[-1, 0] - around[-2, 0]) < 0.05  # the travel is taken out
    assert made.markers is not None
    assert made.markers.bars[0] == pytest.approx(0.0, abs=0.02)
    before, _ = at_the_seam(walk[3:183])
    assert before > 3 * seam


def test_a_loop_without_bars_takes_the_turn_out(steps: Motion) -> None:
    turning = replace(
        steps, rotations=np.concatenate([turn(steps[t : t + 1], 0.01 * t).rotations for t in range(len(steps))])
    )
    made = loop(turning, whole=True)
    assert len(made) == len(turning)
    facing = heading(made)
    assert abs(((facing[-1] - facing[0] + np.pi) % (2 * np.pi)) - np.pi) < 0.1
    assert abs(heading(turning)[-1] - heading(turning)[0]) > 1.0
    for short in (steps[:10], replace(steps[:40], markers=Markers((), (5.0,)))):
        with pytest.raises(MotionError, match="too short|no whole bar"):
            loop(short)


def test_in_place_keeps_heights(steps: Motion) -> None:
    still = in_place(steps)
    assert np.ptp(still.positions[:, 0, [0, 2]], axis=0).max() < 1e-9
    np.testing.assert_allclose(still.positions[..., 1], steps.positions[..., 1], atol=1e-12)


def test_slices_joints_and_poses(steps: Motion) -> None:
    marked = replace(steps, markers=Markers((0.5, 1.0, 1.5), (1.0,)))
    part = marked[10:60]
    assert len(part) == 50
    np.testing.assert_array_equal(part.rotations, steps.rotations[10:60])
    assert part.markers == Markers(
        (round(0.5 - 1 / 3, 6), round(1 - 1 / 3, 6), round(1.5 - 1 / 3, 6)), (round(1 - 1 / 3, 6),)
    )
    assert len(steps[5]) == 1
    assert len(steps[-20:]) == 20
    half = steps[::2]
    assert (half.fps, len(half)) == (15.0, 100)
    with pytest.raises(IndexError):
        steps[200]
    with pytest.raises(MotionError, match="forwards"):
        steps[::-1]
    hand = steps.joint("RightArm")
    np.testing.assert_array_equal(hand.positions, steps.positions[:, HOUSE.index("RightArm")])
    with pytest.raises(MotionError, match="no joint 'Tail'"):
        steps.joint("Tail")
    raised = steps.with_pose(-1, {"LeftArm": (2.0, 0.0, 0.0, 0.0)}, root_position=(0, 1, 0))
    np.testing.assert_array_equal(raised.rotations[-1, HOUSE.index("LeftArm")], rot.identity())
    np.testing.assert_array_equal(raised.rotations[:-1], steps.rotations[:-1])
    assert raised.root_positions[-1].tolist() == [0.0, 1.0, 0.0]
    with pytest.raises(MotionError, match="no rotation"):
        steps.with_pose(0, {"LeftArm": (0, 0, 0, 0)})


def test_other_bodies(steps: Motion, tmp_path: Path) -> None:
    data, names = build(Rig(rename="mixamorig:{}".format))
    (tmp_path / "rig.glb").write_bytes(data)
    moved = steps[:5].retarget(tmp_path / "rig.glb")
    assert moved.joint("RightArm").name == names["RightArm"]
    assert steps[:5].retarget("house").skeleton.names == HOUSE.names
    assert steps[:5].retarget(HOUSE.scaled(2.0)).positions[0, 0, 1] == pytest.approx(
        2 * steps.positions[0, 0, 1], rel=0.05
    )
    twice = steps.mirror().mirror()
    np.testing.assert_allclose(twice.positions, steps.positions, atol=1e-9)


def test_every_file(steps: Motion, tmp_path: Path) -> None:
    (tmp_path / "rig.glb").write_bytes(build(Rig())[0])
    few = replace(steps[:6], markers=Markers((0.0, 0.1), (0.0,)))
    for name in ("a.bvh", "a.glb", "a.gltf", "a.vrma", "a.npz", "a.smpl.npz", "a.pkl", "a.html", "a.png", "a.gif"):
        assert few.save(tmp_path / name).stat().st_size > 100
    with pytest.raises(OutputError, match="exists already"):
        few.save(tmp_path / "a.bvh")
    few.save(tmp_path / "a.bvh", overwrite=True)
    few.save(tmp_path / "danced.glb", character=tmp_path / "rig.glb")
    assert len(load_motion(tmp_path / "danced.glb")) == 6
    for name in ("a.glb", "danced.glb"):
        assert b'"beats":[0.0,0.1]' in (tmp_path / name).read_bytes().replace(b" ", b"")
    for wrong in ("a.xyz", "a.vrm"):
        with pytest.raises(OutputError, match=r"can write .*\.html"):
            few.save(tmp_path / wrong)


def test_a_notebook_sees_pictures_and_pages(steps: Motion, tmp_path: Path) -> None:
    assert steps._repr_html_().startswith('<figure style="margin:0"><img alt=')
    page = steps[:10].view(title="A & B")
    assert "srcdoc=" in page._repr_html_()
    assert "<script>" not in page._repr_html_()  # escaped: it lies in an attribute
    assert page.save(tmp_path / "page.html").read_text().startswith("<!doctype html>")


def test_markers_as_text() -> None:
    assert Markers((0.5, 1.0, 1.5, 2.0), (1.0, 2.0)).text() == "0.5000\n1.0000\t1\n1.5000\t2\n2.0000\t1\n"


def test_every_late_function_exists() -> None:
    for name, module in _late.METHODS.items():
        assert callable(getattr(importlib.import_module(module), name))


def test_a_round_trip_keeps_the_methods(steps: Motion, tmp_path: Path) -> None:
    save_motion(steps[:4], tmp_path / "x.npz")
    assert len(load_motion(tmp_path / "x.npz")[1:3]) == 2
