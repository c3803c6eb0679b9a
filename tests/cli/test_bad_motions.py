"""Motion files that cannot be used: exit 2, one line that names the file, nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

HIERARCHY = """HIERARCHY
ROOT Tail
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Fin
  {
    OFFSET 0 30 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 30 0
    }
  }
}
"""
ROW = "0 90 0 1 2 3 4 5 6"
FISH = f"{HIERARCHY}MOTION\nFrames: 3\nFrame Time: 0.0333333\n{ROW}\n{ROW}\n{ROW}\n"


def _missing(path: Path) -> None:
    assert not path.exists()


def _text(path: Path) -> None:
    path.write_text("These are the steps of a dance.\n")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 20)


def _truncated_hierarchy(path: Path) -> None:
    path.write_text(FISH[: len(HIERARCHY) // 2])


def _truncated_motion(path: Path) -> None:
    path.write_text(FISH[: -len(ROW) - 5])


def _no_frames(path: Path) -> None:
    path.write_text(f"{HIERARCHY}MOTION\nFrames: 0\nFrame Time: 0.0333333\n")


def _nan(path: Path) -> None:
    path.write_text(FISH.replace(ROW, ROW.replace("90", "nan"), 1))


def _too_few_columns(path: Path) -> None:
    path.write_text(FISH.replace(ROW, ROW.removesuffix(" 6")))


def _too_many_columns(path: Path) -> None:
    path.write_text(FISH.replace(ROW, f"{ROW} 7"))


def _folder(path: Path) -> None:
    path.mkdir()


FAULTS = [
    _missing,
    _text,
    _empty,
    _binary,
    _truncated_hierarchy,
    _truncated_motion,
    _no_frames,
    _nan,
    _too_few_columns,
    _too_many_columns,
    _folder,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.__name__.strip("_"))
@pytest.mark.parametrize(
    "words",
    [("info",), ("convert", "out.glb"), ("view", "-o", "out.html"), ("render", "-o", "out.mp4")],
    ids=lambda words: words[0],
)
def test_a_motion_that_cannot_be_used(
    farandole, words: tuple[str, ...], fault: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fault(Path("step.bvh"))
    before = sorted(tmp_path.rglob("*"))
    command, *rest = words
    assert "step.bvh" in farandole(command, "step.bvh", *rest).refused()
    assert sorted(tmp_path.rglob("*")) == before


def test_the_fish_itself_is_fine(farandole, tmp_path: Path) -> None:
    fish, out = tmp_path / "fish.bvh", tmp_path / "out.npz"
    fish.write_text(FISH)
    assert farandole("convert", fish, out).out == f"{out}\n"
    assert "exists already" in farandole("convert", fish, out).refused()
    assert farandole("convert", fish, out, "--force").code == 0
    assert "nothing is left" in farandole("convert", fish, tmp_path / "b.bvh", "--begin", 5).refused()
    assert ".bvh" in farandole("convert", fish, tmp_path / "b.txt").refused()


def test_joints_unknown_to_retargeting_are_named(farandole, tmp_path: Path) -> None:
    fish = tmp_path / "fish.bvh"
    fish.write_text(FISH)
    line = farandole("convert", fish, tmp_path / "man.bvh", "--retarget", "house").refused()
    assert "fish" in line
    assert list(tmp_path.iterdir()) == [fish]


def test_sizes_and_suffixes_of_a_rendering_are_checked_first(farandole, tmp_path: Path) -> None:
    for words in (("-o", "x.gif"), ("--contact-sheet", "x.jpg"), ("--size", "big"), ("--size", "641x480")):
        farandole("render", tmp_path / "missing.bvh", *words).refused()


def test_a_real_process_exits_2_too(process, tmp_path: Path) -> None:
    _truncated_motion(tmp_path / "step.bvh")
    assert "step.bvh" in process("info", "step.bvh", cwd=tmp_path).refused()
