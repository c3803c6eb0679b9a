"""Which files commands write for which words; all of them appear, or none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from farandole.errors import OutputError
from farandole.motion.files import load_motion
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.view.takes import first_free, named_outputs, parse_formats, plan_outputs, write_takes

SONG = Path("music/my song.mp3")


@pytest.mark.parametrize(
    ("out", "formats", "takes", "files"),
    [
        (None, None, 1, ["my song.html", "my song.bvh"]),
        ("dances", None, 1, ["dances/my song.html", "dances/my song.bvh"]),
        ("dances/", "glb", 1, ["dances/my song.glb"]),
        ("x/a.glb", None, 1, ["x/a.glb"]),
        ("a.html", None, 1, ["a.html"]),
        ("a.glb", "html,bvh", 1, ["a.html", "a.glb", "a.bvh"]),
        ("v1.2", None, 1, ["v1.2/my song.html", "v1.2/my song.bvh"]),
        ("t/a.bvh", "html", 2, ["t/a.html", "t/a-1.bvh", "t/a-2.bvh"]),
        (None, "mp4,npz", 2, ["my song-1.mp4", "my song-1.npz", "my song-2.mp4", "my song-2.npz"]),
    ],
)
def test_names(out: str | None, formats: str | None, takes: int, files: list[str]) -> None:
    plan = plan_outputs(SONG, None if out is None else Path(out), formats, takes)
    assert plan.all == [Path(f) for f in files]
    assert len(plan.takes) == takes


def test_an_existing_folder_is_a_folder_whatever_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "old.bvh"
    folder.mkdir()
    assert plan_outputs(SONG, folder, "bvh", 1).all == [folder / "my song.bvh"]


def test_unknown_formats_are_refused_with_the_list() -> None:
    with pytest.raises(OutputError, match="no format 'fbx'; there are: bvh, glb"):
        plan_outputs(SONG, Path("a.fbx"), None, 1)
    with pytest.raises(OutputError, match="there are"):
        parse_formats(" , ")
    assert parse_formats(" .BVH, html,bvh") == ("bvh", "html")


def test_repeated_names_are_numbered() -> None:
    assert first_free(["a", "b", "a"]) == ["a", "b", "a (2)"]


def test_dots_in_a_sequences_name_are_no_suffix() -> None:
    plan = named_outputs(Path("out"), "gBR_sBM_c01.v2", ("html", "bvh", "npz"))
    assert plan.all == [Path(f"out/gBR_sBM_c01.v2.{kind}") for kind in ("html", "bvh", "npz")]


def still(seconds: float = 0.5) -> Motion:
    body = house_skeleton()
    frames = round(30 * seconds)
    root = np.tile([0.0, body.offsets[0, 1], 0.0], (frames, 1))
    return Motion(body, np.tile([1.0, 0, 0, 0], (frames, len(body), 1)), root, 30.0)


def test_every_take_has_its_files_and_the_page_shows_all(tmp_path: Path) -> None:
    plan = plan_outputs(SONG, tmp_path / "out", "npz,html", 2)
    write_takes(plan, [still(0.5), still(1.0)], None, title="my song")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["my song-1.npz", "my song-2.npz", "my song.html"]
    assert [len(load_motion(files["npz"])) for files in plan.takes] == [15, 30]
    page = (tmp_path / "out" / "my song.html").read_text()
    assert "my song-1" in page
    assert "my song-2" in page


def test_all_files_appear_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_outputs(SONG, tmp_path / "out", "npz,bvh", 2)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "my song-2.bvh").write_text("precious")
    with pytest.raises(OutputError, match="my song-2.bvh exists already"):
        write_takes(plan, [still(), still()], None, title="my song")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["my song-2.bvh"]

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    other = plan_outputs(SONG, tmp_path / "new", "npz,html", 1)
    monkeypatch.setattr("farandole.view.page.write_page", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_takes(other, [still()], None, title="my song")
    assert not (tmp_path / "new").exists()
    write_takes(plan, [still(), still()], None, title="my song", force=True)
    assert len(load_motion(tmp_path / "out" / "my song-2.bvh")) == 15
