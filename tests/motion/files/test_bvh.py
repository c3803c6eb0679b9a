"""BVH: every layout in, the same layout out, one clear line for what is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farandole.errors import FarandoleError, FileFormatError, OutputError
from farandole.motion import rotations as rot
from farandole.motion.files.bvh import parse_bvh, read_bvh, render_bvh, write_bvh
from farandole.motion.humanoid import house_skeleton
from farandole.motion.layout import default_layout
from farandole.motion.motion import Motion

DATA = Path(__file__).parents[1] / "data"
LETTERS = "XYZ"

SMALL = """HIERARCHY
ROOT Hips
{
  OFFSET 1 2 3
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Tail end
  {
    OFFSET 0 -10 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 -5 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.0333333
0 90 0 90 0 0 0 0 0
10 90 0 0 0 0 0 0 0
"""


# Writing down what a file says, independently of the reader ------------------------------------------------------------------


class Spec:
    """A random skeleton with random channels, its text, and its positions by plain matrix products."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.random = random
        count = int(random.integers(1, 7))
        self.parents = [-1] + [int(random.integers(0, i)) for i in range(1, count)]
        self.parents = self._depth_first(self.parents)
        self.offsets = random.normal(size=(count, 3)).round(4) * 10
        self.frames = int(random.integers(1, 5))
        self.channels: list[list[str]] = []
        for joint in range(count):
            axes = list(random.permutation(list(LETTERS))[: random.choice([0, 1, 2, 3, 3, 3])])
            turns = [a + "rotation" for a in axes]
            some = random.random() < (0.8 if joint == 0 else 0.2)
            moves = (
                [a + "position" for a in random.permutation(list(LETTERS))[: random.choice([1, 3, 3])]] if some else []
            )
            both = [*moves, *turns] if random.random() < 0.7 else [*turns, *moves]
            self.channels.append(both)
        if not sum(map(len, self.channels)):
            self.channels[0] = ["Yrotation"]
        width = sum(map(len, self.channels))
        self.values = random.normal(size=(self.frames, width)).round(4) * 100

    @staticmethod
    def _depth_first(parents: list[int]) -> list[int]:
        order: list[int] = []

        def walk(joint: int) -> None:
            order.append(joint)
            for child in range(len(parents)):
                if parents[child] == joint:
                    walk(child)

        walk(0)
        return [-1 if parents[j] < 0 else order.index(parents[j]) for j in order]

    def text(self) -> bytes:
        random = self.random
        newline = random.choice(["\n", "\r\n", "\r"]) if random.random() < 0.9 else "mixed"
        gap = lambda: str(random.choice([" ", "\t", "  ", " \t"]))  # noqa: E731
        lines = ["HIERARCHY"]

        def number(v: float) -> str:
            style = random.integers(0, 5)
            plain = f"{v:.6f}"
            return [
                plain,
                f"{v:.10g}",
                f"{v:.9e}",
                plain.replace("0.", ".", 1) if plain.startswith("0.") else plain,
                repr(float(v)),
            ][style]

        def joint(j: int, depth: int) -> None:
            pad = str(random.choice(["\t", "  "])) * depth
            brace = " {" if random.random() < 0.2 else ""
            lines.append(f"{pad}{'JOINT' if depth else 'ROOT'}{gap()}Joint-{j}:a b{brace}")
            if not brace:
                lines.append(f"{pad}{{")
            lines.append(
                f"{pad}OFFSET{gap()}{gap().join(number(v) for v in self.offsets[j])}{gap() if random.random() < 0.3 else ''}"
            )
            names = [c.lower() if random.random() < 0.1 else c for c in self.channels[j]]
            lines.append(f"{pad}CHANNELS {len(names)}{gap()}{' '.join(names)}")
            for child, parent in enumerate(self.parents):
                if parent == j:
                    joint(child, depth + 1)
            if random.random() < 0.4:
                lines.append(f"{pad}{random.choice(['End Site', 'End site', 'END SITE'])}")
                lines.extend((f"{pad}{{", f"{pad}OFFSET 0 1 0", f"{pad}}}"))
            lines.append(f"{pad}}}")

        joint(0, 0)
        lines += ["MOTION", f"Frames:{gap()}{self.frames}", f"Frame Time:{gap()}0.0333333"]
        fixed = random.random() < 0.5
        for row in self.values:
            lines.append(
                gap().join(f"{v:.6f}" if fixed else number(v) for v in row) + (" " if random.random() < 0.3 else "")
            )
            if random.random() < 0.1:
                lines.append("")
        ends = [str(random.choice(["\n", "\r\n"])) if newline == "mixed" else newline for _ in lines]
        if random.random() < 0.5:
            ends[-1] = ""
        return "".join(a + b for a, b in zip(lines, ends, strict=True)).encode()

    def positions(self) -> np.ndarray:
        result = np.empty((self.frames, len(self.parents), 3))
        for frame, row in enumerate(self.values):
            turns, at = [], 0
            for j, names in enumerate(self.channels):
                place, turn = self.offsets[j].copy(), np.eye(3)
                for name in names:
                    axis = LETTERS.index(name[0])
                    if name.endswith("position"):
                        place[axis] = row[at]
                    else:
                        a = np.deg2rad(row[at])
                        m = np.eye(3)
                        p, q = (axis + 1) % 3, (axis + 2) % 3
                        m[p, p], m[p, q], m[q, p], m[q, q] = np.cos(a), -np.sin(a), np.sin(a), np.cos(a)
                        turn = turn @ m
                    at += 1
                parent = self.parents[j]
                if parent < 0:
                    result[frame, j] = place
                    turns.append(turn)
                else:
                    result[frame, j] = result[frame, parent] + turns[parent] @ place
                    turns.append(turns[parent] @ turn)
        return result


@given(st.integers(0, 2**31 - 1))
@settings(max_examples=200)
def test_reads_any_layout_and_writes_it_back(seed: int) -> None:
    spec = Spec(seed)
    motion = parse_bvh(spec.text())
    assert motion.fps == 30.0
    assert motion.layout is not None
    np.testing.assert_allclose(motion.positions / motion.layout.unit, spec.positions(), atol=2e-4)
    again = parse_bvh(render_bvh(motion))
    np.testing.assert_allclose(again.positions, motion.positions, atol=1e-5)  # 1e-3 cm
    assert again.layout == motion.layout
    assert again.skeleton.names == motion.skeleton.names


def test_layout_comes_back_as_it_was() -> None:
    motion = parse_bvh(SMALL.encode())
    text = render_bvh(motion).decode()
    assert "JOINT Tail end" in text
    assert "CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation" in text
    assert "OFFSET 1 2 3" in text
    assert "Frame Time: 0.0333333\n" in text
    assert parse_bvh(render_bvh(motion.resample(15.0))).fps == 15.0


def test_root_offset_is_not_added_to_position_channels() -> None:
    motion = parse_bvh(SMALL.encode())
    np.testing.assert_allclose(motion.positions[0], [[0, 0.9, 0], [0.1, 0.9, 0]], atol=1e-12)


def test_position_channels_stand_for_an_offset_of_zero() -> None:
    text = SMALL.replace("CHANNELS 3 Z", "CHANNELS 6 Xposition Yposition Zposition Z").replace(
        "OFFSET 0 -10 0", "OFFSET 0 0 0"
    )
    still = text.replace("0 90 0 90 0 0 0 0 0", "0 90 0 90 0 0 0 -20 0 0 0 0").replace(
        "10 90 0 0 0 0 0 0 0", "0 90 0 90 0 0 0 -20 0 0 0 0"
    )
    motion = parse_bvh(still.encode())
    assert motion.translations is None
    np.testing.assert_allclose(motion.skeleton.offsets[1], [0, -0.2, 0])
    moving = still.replace("0 -20 0 0 0 0\n", "0 -20 0 0 0 0\n", 1)[::-1].replace("02-", "03-", 1)[::-1]
    motion = parse_bvh(moving.encode())
    assert motion.translations is not None
    np.testing.assert_allclose(motion.translations[:, 1, 1], [-0.2, -0.3])
    np.testing.assert_allclose(parse_bvh(render_bvh(motion)).positions, motion.positions, atol=1e-5)


@pytest.mark.parametrize(
    ("frame_time", "fps"),
    [
        ("0.0333333", 30), (".0083333", 120), ("0.008333", 120), ("0.033", 30), ("0.0167", 60), ("0.01666", 60), ("0.04", 25),
        ("0.016666666666666666", 60), ("1.6666667e-2", 60), ("0.041708", 1 / 0.041708), ("0.033367", 1 / 0.033367), ("1", 1),
    ],
)  # fmt: skip
def test_frame_rate_is_whole_where_the_digits_allow(frame_time: str, fps: float) -> None:
    assert parse_bvh(SMALL.replace("0.0333333", frame_time).encode()).fps == pytest.approx(fps, rel=1e-12)


def change(old: str, new: str) -> bytes:
    assert old in SMALL
    return SMALL.replace(old, new).encode()


BAD = {
    "empty": (b"", "empty"),
    "another text": (b"hello world\n", "HIERARCHY"),
    "no motion": (SMALL.partition("MOTION")[0].encode(), "no MOTION section.*2 joints"),
    "no frames": (change("Frames: 2", "Frames: 0"), "no frames"),
    "frame count not a number": (change("Frames: 2", "Frames: two"), "line 17: 'Frames: two'"),
    "no frame count": (change("Frames: 2\n", ""), "no 'Frames:'"),
    "cut off between rows": (change("Frames: 2", "Frames: 4"), "promises 4 frames but has 2 rows: the file is cut off"),
    "cut off within a row": (change("10 90 0 0 0 0 0 0 0\n", "10 90 0"), "promises 2 frames but has 1 whole rows and a part"),
    "more rows": (change("10 90 0 0 0 0 0 0 0\n", "10 90 0 0 0 0 0 0 0\n" * 3), "promises 2 frames but has 4 rows"),
    "a long row": (change("0 90 0 90 0 0 0 0 0", "0 90 0 90 0 0 0 0 0 7"), "line 19: frame 0 has 10 numbers.* 9 channels"),
    "a short row": (change("0 90 0 90 0 0 0 0 0", "0 90 0 90"), "line 19: frame 0 has 4 numbers.* 9 channels"),
    "nan": (change("10 90 0 0 0", "10 nan 0 0 0"), r"line 20: frame 1, column 2 \(Hips Yposition\) is 'nan'"),
    "infinity": (change("10 90 0 0 0", "10 90 -inf 0 0"), "line 20: frame 1, column 3.*'-inf'"),
    "a word": (change("10 90 0 0 0", "10 90 0 abc 0"), r"line 20: frame 1, column 4 \(Hips Zrotation\) is 'abc'"),
    "two points": (change("10 90 0 0 0", "10 9.0.1 0 0 0"), "line 20: frame 1, column 2.*'9.0.1'"),
    "sign inside": (change("10 90 0 0 0", "10 9-0 0 0 0"), "line 20: frame 1, column 2.*'9-0'"),
    "underscore": (change("10 90 0 0 0", "10 9_0 0 0 0"), "line 20: frame 1, column 2.*'9_0'"),
    "frame time zero": (change("0.0333333", "0"), "line 18: frame time 0 s is not positive"),
    "frame time a word": (change("0.0333333", "fast"), "line 18: frame time 'fast'"),
    "no frame time": (change("Frame Time: 0.0333333\n", ""), "no 'Frame Time:'"),
    "two roots": (change("MOTION", SMALL.partition("MOTION")[0].replace("HIERARCHY", "") + "MOTION"), "a second root 'Hips'"),
    "unknown channel": (change("3 Zrotation", "3 Wrotation"), "line 9: unknown channel 'Wrotation'"),
    "channel count": (change("CHANNELS 3", "CHANNELS 4"), "line 9: CHANNELS says 4 but names 3"),
    "channel twice": (change("6 Xposition Yposition", "6 Xposition Xposition"), "channel Xposition occurs twice"),
    "offset of two": (change("OFFSET 0 -10 0", "OFFSET 0 -10"), "line 8: OFFSET needs 3 numbers, has 2"),
    "offset a word": (change("OFFSET 0 -10 0", "OFFSET 0 x 0"), "line 8: OFFSET holds 'x'"),
    "no offset": (change("    OFFSET 0 -10 0\n", ""), "joint 'Tail end' has no OFFSET"),
    "brace missing": (change("}\nMOTION", "MOTION"), "never closed"),
    "brace too many": (change("}\nMOTION", "}\n}\nMOTION"), "'}' closes nothing"),
    "unknown word": (change("  JOINT Tail", "  BONE Tail"), "line 6: 'BONE' is not a BVH keyword"),
    "no channels": (
        SMALL.replace("6 Xposition Yposition Zposition Zrotation Xrotation Yrotation", "0")
        .replace("3 Zrotation Xrotation Yrotation", "0").encode(), "no joint has channels"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_files_fail_with_one_line(case: str, tmp_path: Path) -> None:
    data, message = BAD[case]
    path = tmp_path / "clip.bvh"
    path.write_bytes(data)
    with pytest.raises(FileFormatError, match=message) as caught:
        read_bvh(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_bad_number_among_many_like_ones_is_found() -> None:
    rows = "\n".join(" ".join(f"{v:.4f}" for v in row) for row in np.random.default_rng(0).normal(size=(3000, 9)) * 50)
    text = SMALL.partition("Frames:")[0] + "Frames: 3000\nFrame Time: 0.01\n" + rows + "\n"
    assert len(parse_bvh(text.encode())) == 3000
    for old, new in (("\n", "\n-"), (".", "-.")):
        at = text.index(old, len(text) - 20000)
        broken = text[:at] + new + text[at + 1 :].lstrip("-")
        if old == "\n":
            broken = broken[: at + 2] + "-" + broken[at + 2 :]
        with pytest.raises(FileFormatError, match="is '.*-.*', not a finite number"):
            parse_bvh(broken.encode())


def test_missing_file_and_bad_scale(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="no such file"):
        read_bvh(tmp_path / "none.bvh")
    with pytest.raises(FileFormatError, match="scale"):
        parse_bvh(SMALL.encode(), scale=-1.0)


def test_repeated_names_are_kept_in_the_file_and_told_apart_in_the_skeleton() -> None:
    motion = parse_bvh(SMALL.replace("Tail end", "Hips").encode())
    assert motion.skeleton.names == ("Hips", "Hips_2")
    assert render_bvh(motion).decode().count("Hips_2") == 0


def test_files_made_here_are_centimetres_with_position_first(tmp_path: Path) -> None:
    skeleton = house_skeleton()
    turns = rot.from_rotvec(np.random.default_rng(0).normal(size=(40, len(skeleton), 3)) * 0.8)
    motion = Motion(skeleton, turns, np.random.default_rng(1).normal(size=(40, 3)), 30.0, name="made")
    path = write_bvh(motion, tmp_path / "made.bvh")
    text = path.read_text()
    assert "CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation" in text
    assert text.splitlines()[3].strip() == "OFFSET 0 0 0"
    again = read_bvh(path)
    np.testing.assert_allclose(again.positions, motion.positions, atol=1e-5)
    assert again.name == "made"
    assert again.skeleton.names == skeleton.names
    assert render_bvh(again) == path.read_bytes()
    with pytest.raises(OutputError):
        write_bvh(motion, path)


def test_written_angles_do_not_jump() -> None:
    skeleton = house_skeleton()
    turns = rot.identity(200, len(skeleton)).copy()
    turns[:, 0] = rot.from_yaw(np.linspace(0, 4 * np.pi, 200))
    turns[:, 6] = rot.from_axis_angle([1.0, 0.0, 0.0], np.linspace(-2.5, 2.5, 200))
    layout = replace(default_layout(skeleton), fps=30.0)  # as if read from a file: rests as it is
    text = render_bvh(Motion(skeleton, turns, np.zeros((200, 3)), 30.0), layout=layout).decode()
    block = np.array([line.split() for line in text.partition("Frame Time")[2].splitlines()[1:]], dtype=float)
    assert np.abs(np.diff(block, axis=0)).max() < 5.0


def test_joint_that_turns_about_an_axis_its_layout_lacks_gets_more_channels() -> None:
    motion = parse_bvh(
        SMALL.replace("3 Zrotation Xrotation Yrotation", "1 Zrotation").replace("0 0 0 0 0\n", "0 0 0\n").encode()
    )
    turns = motion.rotations.copy()
    turns[:, 1] = rot.from_axis_angle([1.0, 0.0, 0.0], 0.5)
    bent = Motion(motion.skeleton, turns, motion.root_positions, 30.0, layout=motion.layout)
    again = parse_bvh(render_bvh(bent))
    assert rot.angle_between(again.rotations[:, 1], turns[:, 1]).max() < 1e-6
    assert again.layout is not None
    assert len(again.layout.channels[1]) == 3


def test_positions_equal_those_of_another_reader() -> None:
    name = "synthetic_dancer"
    motion = read_bvh(DATA / f"{name}.bvh")
    with np.load(DATA / "positions.npz") as recorded:
        assert motion.skeleton.names == tuple(recorded[f"{name}_joints"])
        assert motion.layout is not None
        positions = motion.positions[::8] / motion.layout.unit
        np.testing.assert_allclose(positions, recorded[f"{name}_positions"], atol=1e-6)


@pytest.mark.parametrize("reader", ["bvhio", "three"])
def test_what_is_written_means_the_same_to_other_readers(reader: str) -> None:
    again = parse_bvh(render_bvh(read_bvh(DATA / "synthetic_dancer.bvh")))
    assert again.layout is not None
    with np.load(DATA / "other_readers.npz") as recorded:
        np.testing.assert_allclose(again.positions[::24] / again.layout.unit, recorded[reader], atol=2e-4)


def z_up(text: str) -> str:
    """A file's text with its world and rest pose turned to z up: (x, y, z) -> (x, -z, y)."""
    swap = {"Xposition": "Xposition", "Yposition": "Zposition", "Zposition": "-Yposition"}
    lines = []
    channels: list[str] = []
    block = False
    for line in text.splitlines():
        words = line.split()
        if not block and words[:1] == ["OFFSET"]:
            x, y, z = map(float, words[1:])
            line = f"OFFSET {x!r} {-z!r} {y!r}"
        elif not block and words[:1] == ["CHANNELS"]:
            channels += words[2:]
            line = " ".join([*words[:2], *(w.translate(str.maketrans("YZ", "ZY")) for w in words[2:])])
        elif block:
            values = [
                float(w) * (-1 if c in ("Zposition", "Zrotation") else 1) for w, c in zip(words, channels, strict=True)
            ]
            line = " ".join(f"{v!r}" for v in values)
        elif words[:2] == ["Frame", "Time:"]:
            block = True
        lines.append(line)
    assert swap
    return "\n".join(lines) + "\n"


def test_z_up_files_are_turned_and_turned_back() -> None:
    text = (DATA / "synthetic_dancer.bvh").read_text()
    upright, turned = parse_bvh(text.encode()), parse_bvh(z_up(text).encode())
    assert turned.layout is not None
    assert (turned.layout.up, turned.layout.rest_up) == ("z", "z")
    np.testing.assert_allclose(turned.positions, upright.positions, atol=1e-6)
    np.testing.assert_allclose(turned.skeleton.offsets, upright.skeleton.offsets, atol=1e-9)
    again = parse_bvh(render_bvh(turned))
    assert again.layout == turned.layout
    np.testing.assert_allclose(again.positions, upright.positions, atol=1e-5)


@pytest.mark.parametrize("factor", [0.01, 1.0, 10.0, 1 / 2.54, 0.45 / 2.54, 0.37])
def test_units_are_found_from_the_body(factor: float) -> None:
    """The synthetic dancer is 1.6 m in cm; the same body in other units comes out the same, in odd ones at 1.70 m."""
    reference = read_bvh(DATA / "synthetic_dancer.bvh")
    assert reference.layout is not None
    assert reference.layout.unit == 0.01
    text = render_bvh(reference, layout=None)
    scaled = parse_bvh(render_bvh(reference, layout=replace(reference.layout, unit=0.01 / factor)))
    assert text
    ratio = scaled.skeleton.height / reference.skeleton.height
    if factor == 0.37:
        assert 1.6 < scaled.skeleton.height < 1.8
    else:
        assert ratio == pytest.approx(1.0, abs=1e-4)


@pytest.mark.recordings
def test_zoo(shared: Path) -> None:
    """28 files as found in public repositories: all but the one without motion are read, written and read again."""
    files = sorted((shared / "data" / "bvh-zoo").glob("*.bvh"))
    assert len(files) == 28
    refused = []
    for path in files:
        try:
            motion = read_bvh(path)
        except FarandoleError as error:
            refused.append(f"{path.stem}: {error}")
            continue
        assert motion.layout is not None
        again = parse_bvh(render_bvh(motion))
        assert np.abs(again.positions - motion.positions).max() < 1e-5, path.name
        assert again.layout is not None
        assert again.layout.channels == motion.layout.channels
        assert again.layout.unit == motion.layout.unit
    assert len(refused) == 1
    assert "no MOTION section" in refused[0]
