"""Acclaim skeletons and motions, against a plain computation by matrices; damaged files get one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from acclaim_text import BONES, ROOT_AXIS, amc, asf, some_values

from farandole.errors import FileFormatError
from farandole.motion import names
from farandole.motion import rotations as rot
from farandole.motion.files import load_motion
from farandole.motion.files.acclaim import parse_amc, parse_asf, read_amc


def about(axis: str, degrees: float) -> np.ndarray:
    a, m, i = np.deg2rad(degrees), np.eye(3), "xyz".index(axis)
    p, q = (i + 1) % 3, (i + 2) % 3
    m[p, p], m[p, q], m[q, p], m[q, q] = np.cos(a), -np.sin(a), np.sin(a), np.cos(a)
    return m


def in_order(order: str, degrees) -> np.ndarray:
    """Turns about fixed axes, the first one first."""
    result = np.eye(3)
    for axis, angle in zip(order, degrees, strict=True):
        result = about(axis, angle) @ result
    return result


def ends(frame: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Where the bones of a frame end, in file units, by the formula: world = parent's world, axes, turn, axes back."""
    axes = in_order("xyz", ROOT_AXIS)
    world = {"root": axes @ in_order("xyz", frame["root"][3:]) @ axes.T}
    place = {"root": np.array([1.0, 2.0, 3.0]) + frame["root"][:3]}
    for name, (parent, direction, length, turn, dof) in BONES.items():
        axes = in_order("xyz", turn)
        angles = frame.get(name, np.zeros(0))
        world[name] = world[parent] @ axes @ in_order("".join(d[1] for d in dof), angles) @ axes.T
        place[name] = place[parent] + world[name] @ (np.array(direction) / np.linalg.norm(direction) * length)
    return place


@pytest.mark.parametrize("angle", ["deg", "rad"])
def test_joints_are_where_the_formula_says(angle: str) -> None:
    values = some_values()

    def in_radians(frame):
        return {
            k: np.concatenate((v[:3], np.deg2rad(v[3:]))) if k == "root" else np.deg2rad(v) for k, v in frame.items()
        }

    written = values if angle == "deg" else [in_radians(f) for f in values]
    motion = parse_amc(
        amc(written, head=":FULLY-SPECIFIED\n" if angle == "rad" else ":DEGREES\n"), parse_asf(asf(angle=angle))
    )
    unit = 0.0254 / 0.45
    for t, frame in enumerate(values):
        wanted = ends(frame)
        for joint, name in enumerate(motion.skeleton.names):
            begins = "root" if name == "root" else BONES[name][0]
            np.testing.assert_allclose(motion.positions[t, joint], wanted[begins] * unit, atol=1e-7)
        for name, tip in motion.skeleton.end_sites.items():
            joint = motion.skeleton.index(name)
            world = motion.positions[t, joint] + rot.rotate(motion.global_rotations[t, joint], tip)
            np.testing.assert_allclose(world, wanted[name] * unit, atol=1e-7)


def test_bones_that_a_frame_does_not_list_stay_at_rest() -> None:
    frame = {"root": np.zeros(6), "back": np.array([10.0, 20.0, 30.0])}
    motion = parse_amc(amc([frame, frame]), parse_asf(asf()))
    assert rot.angle_between(motion.rotations[:, motion.skeleton.index("lfemur")], rot.identity()).max() < 1e-12
    assert rot.angle_between(motion.rotations[:, motion.skeleton.index("back")], rot.identity()).min() > 0.1


def test_the_skeleton_is_found_beside_the_motion(tmp_path: Path) -> None:
    for folder, name, stem in (("a", "07.asf", "07_03"), ("b", "Dance.ASF", "dance"), ("c", "any.asf", "other")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(asf())
        (tmp_path / folder / f"{stem}.amc").write_text(amc(some_values()))
        motion = load_motion(tmp_path / folder / f"{stem}.amc")
        assert (motion.name, motion.fps, len(motion)) == (stem, 120.0, 3)
    (tmp_path / "a" / "60.asf").write_text(asf())
    (tmp_path / "a" / "60_01.amc").write_text(amc(some_values()))
    assert load_motion(tmp_path / "a" / "60_01.amc").fps == 60.0
    (tmp_path / "lone.amc").write_text(amc(some_values()))
    with pytest.raises(FileFormatError, match=r"lone.amc needs the skeleton it belongs to: no lone.asf beside it"):
        load_motion(tmp_path / "lone.amc")
    assert len(read_amc(tmp_path / "lone.amc", skeleton=tmp_path / "b" / "Dance.ASF")) == 3


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (":bonedata", ":bones", "no :bonedata"), ("length 2.5", "length two", "are not 1 numbers"),
        ("length 2.5", "length -2.5", "negative length"),
        ("direction 0.6 -0.7 0.2", "direction 0 0 0", "without direction"),
        ("direction 0.6 -0.7 0.2", "direction 0.6 -0.7", "needs 3"),
        ("    name lhip\n", "", "a bone without name"), ("name lfemur", "name lhip", "a second bone 'lhip'"),
        ("dof rx ry rz", "dof rx rx", "repeat"),
        ("dof rx ry rz", "dof rq", "unknown"), ("lfemur ltibia", "lfemur knee", "no bone 'knee'"),
        ("root lhip back", "root lhip", "bone 'back' has no place"),
        ("root lhip back", "root lhip back back", "two parents"),
        ("root lhip back", "lfoot lhip back", "hang together"),
        ("20 XYZ", "20 XXZ", "no order of axes"), ("  end\n:hierarchy", ":hierarchy", "cut off"),
        ("length 0.45", "length 0", "not positive"),
    ],
)  # fmt: skip
def test_damaged_skeletons_get_one_line(old: str, new: str, message: str) -> None:
    assert old in asf()
    with pytest.raises(FileFormatError, match=message) as caught:
        parse_asf(asf().replace(old, new, 1), "x.asf")
    assert str(caught.value).startswith("x.asf")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: "", "no frames"), (lambda t: "hello\n", "before the first frame"),
        (lambda t: t.replace("lfemur", "knee"), "no bone 'knee'"),
        (lambda t: t[: t.rindex("lfoot")], "cut off in frame 3"),
        (lambda t: t.replace("head ", "head 1 "), "'head' has 3 values"),
        (lambda t: t.replace("head ", "head x "), "'head' has 3 values"),
        (lambda t: t[: t.rindex(" ")] + " nan\n", "not finite"),
        (lambda t: t[: t.rindex(" ")] + " 1..2\n", "are not numbers"),
    ],
)  # fmt: skip
def test_damaged_motions_get_one_line(change, message: str) -> None:
    with pytest.raises(FileFormatError, match=message) as caught:
        parse_amc(change(amc(some_values())), parse_asf(asf()), source="x.amc")
    assert str(caught.value).startswith("x.amc")
    assert "\n" not in str(caught.value)


@pytest.mark.recordings
@pytest.mark.parametrize("trial", ["01_01", "02_01"])
def test_official_trials_equal_public_conversions(shared: Path, trial: str) -> None:
    """To a tenth of a millimetre. The conversions leave out the bones that branch (chest and wrist): what hangs there is moved by
    just these, so neck and arms are compared from where they begin."""
    folder = shared / "data" / "asf-amc"
    ours, theirs = load_motion(folder / f"{trial}.amc"), load_motion(folder / f"{trial}_converted.bvh")
    assert len(ours) == len(theirs)
    a, b = names.find_roles(ours.skeleton), names.find_roles(theirs.skeleton)
    scale = 0.0254 / 0.45 / theirs.layout.unit
    legs = [s + p for s in names.SIDES for p in ("UpLeg", "Leg", "Foot", "ToeBase")]
    arms = [[s + p for p in ("Arm", "ForeArm", "Hand")] for s in names.SIDES]
    for group in (["Hips", "Spine", "Spine1", *legs], ["Neck", "Head"], *arms):
        mine, other = ours.positions[:, [a[r] for r in group]], theirs.positions[:, [b[r] for r in group]] * scale
        if group[0] != "Hips":
            mine, other = mine - mine[:, :1], other - other[:, :1]
        np.testing.assert_allclose(mine, other, atol=1e-4)
