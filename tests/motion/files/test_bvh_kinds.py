"""Kinds of BVH files that exporters write and few readers expect; and the file of a target, written back as it was."""

from __future__ import annotations

import codecs
from dataclasses import replace

import numpy as np
import pytest

from farandole.errors import FileFormatError
from farandole.motion import rotations as rot
from farandole.motion.files import load_motion
from farandole.motion.files.bvh import parse_bvh, render_bvh
from farandole.motion.files.npz import write_npz
from farandole.motion.motion import Motion

HEAD = """HIERARCHY
ROOT %s
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Arm
  {
    OFFSET 0 9.5 0.5
    CHANNELS 6 Zposition Xposition Yposition Yrotation Xrotation Zrotation
    End Site
    {
      OFFSET 0 -5.25 0
    }
  }
}
"""
ROWS = "0.5 90 0 90 0 0 0.5 0 9.5 10 20 30\n10 90.25 0 0 0 0 0.5 0 9.5 0 0 0\n1 2 3 4 5 6 0.5 0 9.5 7 8 9\n"


def text(rows: str = ROWS, *, promised: int = 3, name: str = "Hips", time: str = "0.0333333") -> str:
    return f"{HEAD % name}MOTION\nFrames: {promised}\nFrame Time: {time}\n{rows}"


@pytest.mark.parametrize("promised", [2, 4])
def test_one_row_more_or_fewer_than_promised_is_read_with_a_warning(promised: int, caplog) -> None:
    motion = parse_bvh(text(promised=promised).encode(), source="x.bvh")
    assert len(motion) == 3
    assert f"x.bvh promises {promised} frames but has 3 rows" in caplog.text
    assert b"Frames: 3\n" in render_bvh(motion)


@pytest.mark.parametrize("promised", [1, 5, 1000, 10**15])
def test_a_row_count_further_off_is_refused(promised: int) -> None:
    with pytest.raises(FileFormatError, match=f"promises {promised} frames but has 3 rows"):
        parse_bvh(text(promised=promised).encode())


@pytest.mark.parametrize("where", ["rows", "offsets", "both"])
def test_decimal_commas(where: str) -> None:
    commas = lambda words: words.replace(".", ",")  # noqa: E731
    rows = text(commas(ROWS), time="0,0333333") if where != "offsets" else text()
    head, rest = rows.split("MOTION")
    changed = (head if where == "rows" else commas(head)) + "MOTION" + rest
    motion, plain = parse_bvh(changed.encode()), parse_bvh(text().encode())
    np.testing.assert_array_equal(motion.positions, plain.positions)
    np.testing.assert_array_equal(motion.skeleton.offsets, plain.skeleton.offsets)
    assert motion.fps == 30.0
    assert b"," not in render_bvh(motion)


def test_commas_beside_points_are_no_decimals() -> None:
    with pytest.raises(FileFormatError, match="'10,5', not a finite number"):
        parse_bvh(text(ROWS.replace("10 90.25", "10,5 90.25")).encode())


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("左腕", "cp932"), ("上半身", "cp932"), ("左腿", "gb18030"), ("Hüfte", "latin-1"), ("左腕", "utf-8"),
    ],
)  # fmt: skip
def test_names_are_read_and_written_back_in_their_own_encoding(name: str, encoding: str) -> None:
    data = text(name=name).encode(encoding)
    motion = parse_bvh(data)
    assert motion.skeleton.names[0] == name
    assert render_bvh(motion).startswith((HEAD % name).encode(encoding))
    larger = replace(motion, skeleton=motion.skeleton.scaled(2.0))  # the hierarchy must be written anew
    assert f"ROOT {name}\n".encode(encoding) in render_bvh(larger)


def test_utf16_is_read_and_named(caplog) -> None:
    motion = parse_bvh(codecs.BOM_UTF16_LE + text().encode("utf-16-le"), source="x.bvh")
    assert len(motion) == 3
    assert "x.bvh is UTF-16" in caplog.text
    with pytest.raises(FileFormatError, match="UTF-16 text but is damaged"):
        parse_bvh(codecs.BOM_UTF16_LE + text().encode("utf-16-le") + b"x")


def test_an_offset_beside_position_channels_is_the_rest_pose() -> None:
    motion = parse_bvh(text(ROWS.replace("0.5 0 9.5", "0.5 10 9.5")).encode(), scale=0.01)
    np.testing.assert_allclose(motion.skeleton.offsets[1], [0, 0.095, 0.005])
    assert motion.translations is not None
    np.testing.assert_allclose(motion.translations[:, 1], [[0.1, 0.095, 0.005]] * 3)
    again = parse_bvh(render_bvh(motion), scale=0.01)
    np.testing.assert_allclose(again.positions, motion.positions, atol=1e-8)
    assert parse_bvh(text().encode()).translations is None


def motion_of(skeleton, frames: int = 4) -> Motion:
    random = np.random.default_rng(1)
    turns = rot.from_rotvec(random.normal(size=(frames, len(skeleton), 3)))
    return Motion(skeleton, turns, random.normal(size=(frames, 3)), 30.0)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("unit", [0.01, 1.0, 0.02])
def test_another_motion_keeps_the_bytes_of_the_hierarchy(newline: str, unit: float, tmp_path) -> None:
    """The HIERARCHY of a target comes back byte for byte, also by way of .npz, and the motion in its unit and orders."""
    odd = text().replace("  OFFSET 0 9.5 0.5", "\tOFFSET\t 0.000 +9.50 5e-1 ").replace("End Site", "End site")
    data = odd.replace("\n", newline).encode()
    target = parse_bvh(data, scale=unit)
    write_npz(target, tmp_path / "target.npz")
    target = load_motion(tmp_path / "target.npz")
    other = replace(motion_of(target.skeleton), layout=target.layout)
    written = render_bvh(other)
    assert written.startswith(data.split(b"MOTION")[0] + b"MOTION" + newline.encode())
    again = parse_bvh(written, scale=unit)
    np.testing.assert_allclose(again.positions, other.positions, atol=2e-6 * max(unit, 0.1))
    first = written.split(newline.encode())[-5].split()
    np.testing.assert_allclose([float(v) for v in first[:3]], other.root_positions[0] / unit, atol=1e-6)


def test_another_rest_pose_is_written_anew() -> None:
    motion = parse_bvh(text().encode())
    larger = replace(motion, skeleton=motion.skeleton.scaled(2.0))
    assert b"OFFSET 0 19 1\n" in render_bvh(larger)
