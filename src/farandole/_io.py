"""Files are written whole or not at all: to a temporary name in the same folder, then renamed. And JSON files are read."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import stat
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from farandole.errors import DataError, FarandoleError, OutputError

Result = TypeVar("Result")

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
_CUT_SHORT = re.compile(r"\d+ requested and \d+ written")  # numpy's words where a disk is full, without an errno
_STEM = 40  # characters of a file's name that its temporary name begins with
_TEMPORARY = re.compile(r"\.(?P<stem>.*)\.[0-9a-f]{8}\.part(?P<suffix>.*)", re.DOTALL)


def check_output(path: str | Path, *, force: bool = False) -> Path:
    """Tell before any work is done whether `path` may be written.

    A symbolic link stands for what it leads to, there or not yet. Pipes and devices need no `force`: nothing is overwritten.

    Raises:
        OutputError: If it exists and not `force`, if it is a folder, or if its parent is not one.
    """
    target = Path(path)
    real = _destination(target)
    if _told(real.is_dir, target):
        raise OutputError(f"{target} is a folder: give the name of a file")
    if _is_stream(real):
        return target
    if real.exists() and not force:
        raise _there_already(target)
    parent = next(p for p in real.absolute().parents if p.exists() or p.is_symlink())
    if not parent.exists():
        raise OutputError(f"cannot write {target}: {parent} is a link that leads nowhere")
    if not parent.is_dir():
        raise OutputError(f"cannot write {target}: {parent} is not a folder")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write {target}: no permission to write in {parent}")
    return target


@contextmanager
def atomic_path(path: str | Path, *, force: bool = False) -> Iterator[Path]:
    """Yield a temporary name beside `path` with the same suffix; rename it to `path` when the block ends well.

    Missing parent folders are made. If the block raises (Ctrl-C included), nothing of it stays behind. A file that is replaced
    keeps its permissions; a symbolic link stays one, and what it leads to is written.

    Raises:
        OutputError: If the target exists and not `force`, or cannot be written.
    """
    with atomic_paths([path], force=force) as (temporary,):
        yield temporary


@contextmanager
def atomic_paths(paths: Iterable[str | Path], *, force: bool = False) -> Iterator[list[Path]]:
    """`atomic_path` for several files that belong together: all of them appear at the end, or none.

    Where one cannot be renamed, those before it are taken back: files that were replaced are as they were. Pipes and devices get
    their content last.
    """
    wanted = [check_output(p, force=force) for p in paths]
    targets = [_destination(p) for p in wanted]
    with ExitStack() as always, ExitStack() as undo:
        temporaries = []
        for target in targets:
            if _is_stream(target):
                from tempfile import TemporaryDirectory

                temporary = Path(always.enter_context(TemporaryDirectory())) / f"stream{target.suffix}"
            else:
                _make_parent(target, undo)
                temporary = _temporary_name(target)
                undo.callback(temporary.unlink, missing_ok=True)
            temporaries.append(temporary)
        with _users_names(dict(zip(temporaries, wanted, strict=True))):
            yield temporaries
            missing = [w.name for w, made in zip(wanted, temporaries, strict=True) if not made.exists()]
            if missing:
                raise OutputError(f"nothing was written for {', '.join(missing)}")
            pairs = list(zip(temporaries, targets, strict=True))
            _place_all([pair for pair in pairs if not _is_stream(pair[1])], force=force)
        undo.pop_all()
        for temporary, target in pairs:
            if temporary.name.startswith("stream.") and temporary.exists():
                with temporary.open("rb") as content, target.open("wb") as stream:
                    shutil.copyfileobj(content, stream)


@contextmanager
def atomic_directory(path: str | Path, *, force: bool = False) -> Iterator[Path]:
    """Yield a new empty folder beside `path`; it takes that name when the block ends well and vanishes otherwise.

    With `force` an existing folder is replaced as a whole. An existing empty folder never is an obstacle.

    Raises:
        OutputError: If the target is a file, or a folder with something in it and not `force`, or cannot be written.
    """
    wanted = Path(path)
    target = _destination(wanted)
    if _told(target.exists, wanted) and not target.is_dir():
        raise OutputError(f"{wanted} is a file: give the name of a folder")
    if target.is_dir() and any(target.iterdir()) and not force:
        raise _there_already(wanted)
    with ExitStack() as undo:
        _make_parent(target, undo)
        temporary = _temporary_name(target)
        _told(temporary.mkdir, target)
        undo.callback(shutil.rmtree, temporary, ignore_errors=True)
        with _users_names({temporary: wanted}):
            yield temporary
        if target.is_dir():  # a folder with content cannot be renamed over: set the old one aside first
            aside = _temporary_name(target)
            _rename(target, aside)
            try:
                _rename(temporary, target)
            except BaseException:
                aside.rename(target)
                raise
            shutil.rmtree(aside, ignore_errors=True)
        else:
            _rename(temporary, target)
        undo.pop_all()


def remove_unfinished(targets: Iterable[Path]) -> None:
    """Remove what killed processes were writing under temporary names beside these files."""
    ours = defaultdict(set)
    for target in targets:
        ours[target.parent].add((target.stem[:_STEM], target.suffix))
    for folder, names in ours.items():
        for path in folder.glob(".*.part*"):
            name = path.name
            while found := _TEMPORARY.fullmatch(name):
                if (found["stem"], found["suffix"]) in names:
                    path.unlink(missing_ok=True)
                    break
                name = (
                    found["stem"] + found["suffix"]
                )  # a file that was being written in the place of an unfinished one


def read_json(path: Path) -> Any:
    """The content of a JSON file. Raises DataError, naming the file, if it cannot be read or is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except RecursionError as error:
        raise DataError(f"{path} is damaged: brackets within brackets without end") from error
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}") from error


def _temporary_name(target: Path) -> Path:
    return target.with_name(f".{target.stem[:_STEM]}.{os.urandom(4).hex()}.part{target.suffix}")


def _make_parent(target: Path, undo: ExitStack) -> None:
    """Make missing parents, and have `undo` remove those that are still empty if the work fails."""
    missing = [p for p in target.absolute().parents if not p.exists()]
    _told(lambda: target.parent.mkdir(parents=True, exist_ok=True), target)
    for parent in reversed(missing):  # callbacks run last in, first out: the deepest folder goes first
        undo.callback(_remove_if_empty, parent)


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # somebody else put something there meanwhile: theirs to keep


def _place_all(pairs: list[tuple[Path, Path]], *, force: bool) -> None:
    """Rename every source to its target, or none."""
    with ExitStack() as keepsakes, ExitStack() as undo:
        for number, (source, target) in enumerate(pairs, 1):
            if number < len(pairs):  # the last one either succeeds, or is not there to be taken back
                undo.callback(_undo_of(target, keepsakes))
            _told(lambda source=source, target=target: _place(source, target, force=force), target)
        undo.pop_all()


def _place(source: Path, target: Path, *, force: bool) -> None:
    """Rename a file. Without `force` a target that another process has made meanwhile is not overwritten."""
    if force:
        if target.exists():
            with suppress(OSError):  # of another's file
                source.chmod(stat.S_IMODE(target.stat().st_mode))
        os.replace(source, target)
        return
    try:
        os.link(source, target)
    except FileExistsError:
        raise _there_already(target) from None
    except OSError:  # a file system without hard links
        os.replace(source, target)
    else:
        source.unlink()


def _undo_of(target: Path, keepsakes: ExitStack) -> Callable[[], object]:
    """What brings a target back to what it is now; `keepsakes` removes what is kept for that."""
    if not target.exists():
        return lambda: target.unlink(missing_ok=True)
    old = _temporary_name(target)
    keepsakes.callback(old.unlink, missing_ok=True)
    try:
        os.link(target, old)  # a second name: the target is never missing
    except OSError:  # a file system without hard links
        _told(lambda: shutil.copy2(target, old), target)
    return lambda: os.replace(old, target)


def _rename(source: Path, target: Path) -> None:
    _told(lambda: os.replace(source, target), target)


def _told(action: Callable[[], Result], target: Path) -> Result:
    """What an action gives. Raises OutputError, naming the target, where the system refuses."""
    try:
        return action()
    except FarandoleError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error


@contextmanager
def _users_names(names: Mapping[Path, Path]) -> Iterator[None]:
    """Let errors name the files that the user wants, not the temporary ones; a full disk names no file at all."""
    try:
        yield
    except OutputError as error:
        text = str(error)
        for temporary, wanted in names.items():
            text = text.replace(str(temporary), str(wanted))
        if text == str(error):
            raise
        raise OutputError(text) from error
    except FarandoleError:
        raise
    except OSError as error:
        ours = [w for t, w in names.items() if error.filename == str(t)]
        cut_short = error.errno is None and _CUT_SHORT.search(str(error))
        if not ours and not cut_short and (error.filename is not None or error.errno not in _NO_ROOM):
            raise
        why = "No space left for all of it" if cut_short else error.strerror or error
        raise OutputError(f"cannot write {(ours or [*names.values()])[0]}: {why}") from error


def _destination(path: Path) -> Path:
    """What a symbolic link leads to, whether it is there or not; any other path itself."""
    try:
        return path.resolve() if path.is_symlink() else path
    except (OSError, RuntimeError) as error:  # links in a circle
        raise OutputError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error


def _is_stream(path: Path) -> bool:
    """Whether a path is a pipe, a terminal or another device."""
    return path.is_fifo() or path.is_char_device() or path.is_socket() or path.is_block_device()


def _there_already(path: Path) -> OutputError:
    return OutputError(f"{path} exists already: choose another name or add --force (in Python: force=True)")
