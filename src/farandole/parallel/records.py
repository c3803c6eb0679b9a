"""What is finished of a long work: a folder with the key of its settings and a file for every finished piece.

The work may be killed at any moment: each file appears whole or not at all, and the next run reads what is there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from farandole._io import atomic_path, read_json
from farandole.errors import OutputError

_KEY, _ENDING = "key", ".record"


class Records:
    """The records of one work.

    Args:
        folder: Where they lie; made when the first is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def key(self) -> str | None:
        """What tells the settings of the work apart; None if there is no such work."""
        path = self.folder / _KEY
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def begin(self, key: str) -> None:
        """Note the settings."""
        _write(self.folder / _KEY, key)

    def add(self, name: str, record: Mapping[str, Any]) -> None:
        """Note that a piece is finished."""
        file = f"{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:24]}{_ENDING}"
        _write(self.folder / file, json.dumps({"name": name, "record": record}))

    def remove(self) -> None:
        """Forget all: the work is done, or is begun anew."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def read(self) -> dict[str, dict[str, Any]]:
        """Records by the name of their piece. Raises DataError if one is damaged."""
        entries = [read_json(path) for path in sorted(self.folder.glob(f"[!.]*{_ENDING}"))]
        return {entry["name"]: entry["record"] for entry in entries}


@contextmanager
def alone(path: Path, what: str) -> Iterator[None]:
    """Hold a lock that one process can hold at a time; the system lets go of it when the process ends, however it ends.

    Args:
        path: The lock's file, which is there as long as it is held; its folder is made.
        what: What is held, for the message.

    Raises:
        OutputError: If another process holds it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise OutputError(f"cannot write {what}: {error.strerror or error}") from error
    try:
        try:
            lock(file, wait=False)
            if not os.path.samestat(os.fstat(file), os.stat(path)):  # it was let go of, and removed, a moment ago
                raise FileNotFoundError
        except OSError:
            raise OutputError(
                f"another farandole is at work on {what}: wait for it, or choose another folder"
            ) from None
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(file)


def lock(file: int, *, wait: bool) -> None:
    """Lock an open file until it is closed. Raises OSError if another process has it and not `wait`."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def _write(path: Path, text: str) -> None:
    with atomic_path(path, force=True) as temporary:
        temporary.write_text(text, encoding="utf-8")
