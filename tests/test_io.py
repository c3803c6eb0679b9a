"""Outputs appear whole or not at all."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from farandole._io import atomic_directory, atomic_path, atomic_paths, check_output, remove_unfinished
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


def test_a_symbolic_link_stays_one_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "old.txt").write_text("old")
    for name, force in (("old.txt", True), ("not yet.txt", False)):
        link = tmp_path / f"link to {name}"
        link.symlink_to(tmp_path / "real" / name)
        with atomic_path(link, force=force) as temporary:
            assert temporary.parent == tmp_path / "real"
            temporary.write_text("new")
        assert link.is_symlink()
        assert (tmp_path / "real" / name).read_text() == "new"
    with pytest.raises(OutputError, match="exists already"):
        check_output(tmp_path / "link to old.txt")
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    with pytest.raises(OutputError, match="cannot write .*circle"):
        check_output(circle)


def test_a_link_to_a_folder_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with atomic_directory(tmp_path / "link") as temporary:
        (temporary / "a").write_text("1")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "a").read_text() == "1"


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    target = tmp_path / "x.txt"
    target.write_text("old")
    target.chmod(mode)
    with atomic_path(target, force=True) as temporary:
        temporary.write_text("new")
    assert target.stat().st_mode & 0o777 == mode


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_gets_the_whole_content_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.bvh"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    with atomic_paths([pipe, tmp_path / "x.txt"]) as (first, second):
        assert first.suffix == ".bvh"
        first.write_bytes(b"all of it")
        second.write_text("x")
    reader.join(10)
    assert got == [b"all of it"]
    assert pipe.is_fifo()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pipe.bvh", "x.txt"]


def test_a_name_that_is_too_long_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*x{300}\.bvh: File name too long"):
        check_output(tmp_path / f"{'x' * 300}.bvh")
    with atomic_path(tmp_path / f"{'ä' * 120}.bvh") as temporary:  # 244 bytes
        temporary.write_text("x")


@pytest.mark.parametrize("nested", [False, True])
def test_a_full_disk_names_the_users_file(tmp_path: Path, nested: bool) -> None:
    with pytest.raises(OutputError) as caught, atomic_path(tmp_path / "dance.bvh") as temporary:
        if nested:
            with atomic_path(temporary) as inner:
                raise OSError(errno.ENOSPC, "No space left on device", str(inner))
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(caught.value) == f"cannot write {tmp_path / 'dance.bvh'}: No space left on device"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="limits as POSIX has them")
def test_arrays_that_do_not_fit_name_the_users_file(tmp_path: Path, small_files: None) -> None:
    with pytest.raises(OutputError) as caught, atomic_path(tmp_path / "a.npy") as temporary:
        np.save(temporary, np.zeros(9000))  # whose OSError has no errno
    assert str(caught.value) == f"cannot write {tmp_path / 'a.npy'}: No space left for all of it"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_link_to_nowhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError, match="folder is a link that leads nowhere"):
        check_output(tmp_path / "folder" / "dance.bvh")


def test_an_error_about_another_file_is_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "dance.bvh"):
        (tmp_path / "none.wav").read_bytes()


def test_of_two_that_write_one_file_the_second_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "x.txt"
    with (
        pytest.raises(OutputError, match=r"x\.txt exists already"),
        atomic_path(target) as second,
        atomic_path(target) as first,
    ):
        first.write_text("first")
        second.write_text("second")
    assert target.read_text() == "first"
    assert list(tmp_path.iterdir()) == [target]


def test_what_killed_processes_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    ours, others = tmp_path / ".dance.0123abcd.part.bvh", tmp_path / ".other.0123abcd.part.bvh"
    for path in (ours, others, tmp_path / ".dance.part.bvh", tmp_path / "dance.0123abcd.part.bvh"):
        path.write_text("half")
    remove_unfinished([tmp_path / "dance.bvh"])
    assert not ours.exists()
    assert len(list(tmp_path.iterdir())) == 3


def test_what_was_being_written_in_the_place_of_an_unfinished_file_is_removed_too(tmp_path: Path) -> None:
    """A page is written whole within the writing of all outputs of a dance; a process may be killed in both."""
    target, other = tmp_path / "song 0.html", tmp_path / "song 1.html"
    names = []
    for path in (target, other):
        with atomic_path(path) as outer:
            with atomic_path(outer) as inner:
                names.append(inner.name)
                inner.write_text("x")
            outer.write_text("x")
        path.unlink()
        (tmp_path / names[-1]).write_text("killed here")
    remove_unfinished([target])
    assert [p.name for p in tmp_path.iterdir()] == [names[1]]
