"""Outputs appear whole or not at all."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest

from farandole._io import atomic_directory, atomic_path, atomic_paths, check_output
from farandole.errors import OutputError


def test_the_file_appears_under_its_name_only_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "dance.bvh"
    with atomic_path(target) as temporary:
        assert temporary.suffix == ".bvh"  # writers choose the format by it
        assert temporary.parent == target.parent
        temporary.write_text("x")
        assert not target.exists()
    assert target.read_text() == "x"
    assert [p.name for p in target.parent.iterdir()] == ["dance.bvh"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_nothing_not_even_the_folders_it_made(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), atomic_path(tmp_path / "a" / "b" / "x.npz") as temporary:
        temporary.write_text("half")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_a_failure_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "x.txt"
    target.write_text("old")
    with pytest.raises(ValueError), atomic_path(target, force=True) as temporary:
        temporary.write_text("half")
        raise ValueError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_existing_file_is_kept_unless_forced(tmp_path: Path) -> None:
    target = tmp_path / "x.txt"
    target.write_text("old")
    with pytest.raises(OutputError, match="exists already.*--force"), atomic_path(target):
        pytest.fail("the block must not run")
    with atomic_path(target, force=True) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"


def test_outputs_that_cannot_be_written_are_told_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is not a folder"):
        check_output(tmp_path / "file" / "x.bvh")
    with pytest.raises(OutputError, match="is a folder"):
        check_output(tmp_path)
    assert check_output(tmp_path / "later" / "x.bvh") == tmp_path / "later" / "x.bvh"


def test_several_files_appear_together_or_not_at_all(tmp_path: Path) -> None:
    targets = [tmp_path / "a.bvh", tmp_path / "b.html"]
    with pytest.raises(OutputError, match=r"nothing was written for b\.html"), atomic_paths(targets) as (a, _):
        a.write_text("only the first")
    assert list(tmp_path.iterdir()) == []
    with atomic_paths(targets) as temporaries:
        for temporary in temporaries:
            temporary.write_text("x")
    assert sorted(tmp_path.iterdir()) == targets


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_when_one_rename_fails_those_before_it_are_taken_back(tmp_path: Path, links: bool, monkeypatch) -> None:
    if not links:
        monkeypatch.setattr("os.link", Mock(side_effect=OSError("not supported")))
    old, new, last = tmp_path / "old.bvh", tmp_path / "new.bvh", tmp_path / "last.html"
    old.write_text("as it was")
    with (
        pytest.raises(OutputError, match=r"cannot write .*last\.html"),
        atomic_paths([old, new, last], force=True) as all_,
    ):
        for temporary in all_:
            temporary.write_text("made now")
        last.mkdir()  # a file cannot be renamed over a folder
    assert old.read_text() == "as it was"
    assert sorted(tmp_path.iterdir()) == [last, old]
    last.rmdir()
    with atomic_paths([old, new, last], force=True) as all_:
        for temporary in all_:
            temporary.write_text("made now")
    assert old.read_text() == "made now"
    assert sorted(tmp_path.iterdir()) == [last, new, old]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "run"
    with atomic_directory(target) as temporary:
        (temporary / "a").write_text("1")
    with pytest.raises(OutputError, match="exists already"), atomic_directory(target):
        pytest.fail("the block must not run")
    with atomic_directory(target, force=True) as temporary:
        (temporary / "b").write_text("2")
    assert [p.name for p in target.iterdir()] == ["b"]
    with pytest.raises(RuntimeError), atomic_directory(target, force=True) as temporary:
        (temporary / "c").write_text("3")
        raise RuntimeError
    assert [p.name for p in target.iterdir()] == ["b"]
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
