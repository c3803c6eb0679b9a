"""Which files `farandole dance` writes for which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from farandole.cli.outputs import first_free, parse_formats, plan_outputs
from farandole.errors import OutputError

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
