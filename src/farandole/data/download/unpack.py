"""Archives from outside, unpacked without trusting them: nothing lands outside the folder, nothing but plain files and folders."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, cast

from farandole.errors import DownloadError

TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MOST, RATIO, SMALL, MEMBERS = 200 * 10**9, 100, 100 * 10**6, 1_000_000
"""An archive may hold so many bytes and members, and, beyond 100 MB, so many times its own size: recordings pack 3 to 20 times."""
_HEADER = 16 * 2**20  # bytes read at once of a tar: more is no header
Member = tuple[str, int, bool, Callable[[], IO[bytes]]]
"""Name in the archive, bytes, whether a folder, how to open it."""


def is_archive(name: str) -> bool:
    """Whether a file of this name can be unpacked."""
    return name.lower().endswith((".zip", *TARS))


def unpack(archive: Path, folder: Path) -> int:
    """Unpack a zip or tar into a folder; returns the number of files.

    The whole archive is looked over first: nothing is written if any member would land outside the folder or is a link, a device or
    encrypted, or a member has no name or a name of another's folder, if it unpacks to more than
    `MOST` bytes or `RATIO` times its size, or if the disk has no room for all of it. No member may bring more than it declares.

    Raises:
        DownloadError: If so, or if the archive is damaged.
    """
    try:
        with _members(archive) as members:
            _look_over(archive, members, folder)
            for name, size, is_folder, source in members:
                target = folder.joinpath(*PurePosixPath(name).parts)
                if is_folder:
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                with source() as stream, target.open("wb") as file:
                    shutil.copyfileobj(stream, file)
                if target.stat().st_size != size:
                    raise DownloadError(f"{archive}: {name} is cut off")
            return sum(not is_folder for _, _, is_folder, _ in members)
    except DownloadError:
        raise
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise DownloadError(f"{archive} is damaged or no archive: {error}") from error
    except gzip.BadGzipFile as error:
        raise DownloadError(f"{archive} is damaged or no archive: {error}") from error
    except OSError as error:
        raise DownloadError(f"cannot unpack {archive} into {folder}: {error.strerror or error}") from error


def _look_over(archive: Path, members: list[Member], folder: Path) -> None:
    for name, _, is_folder, _ in members:
        posix, windows = PurePosixPath(name), PureWindowsPath(name)
        if posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts or "\0" in name:
            raise DownloadError(f"{archive} holds '{name}', which would land outside its folder: refused")
        if not posix.parts and not is_folder:
            raise DownloadError(f"{archive} holds a file without a name ('{name}'): refused")
    need = sum(size for _, size, *_ in members)
    free = shutil.disk_usage(folder).free
    if need > free:
        raise DownloadError(f"{archive} needs {need / 1e6:.0f} MB unpacked, but {folder} has {free / 1e6:.0f} MB free")


def _bounded(archive: Path, members: Iterable[Member]) -> list[Member]:
    """All members. Raises DownloadError as soon as they hold more than an honest archive does, before the rest is looked at."""
    most = min(MOST, max(SMALL, RATIO * archive.stat().st_size))
    found, total = [], 0
    for member in members:
        found.append(member)
        total += member[1]
        if total > most or len(found) > MEMBERS:
            raise DownloadError(
                f"{archive} of {archive.stat().st_size} bytes unpacks to more than {most // 10**6} MB or {MEMBERS} files: refused"
            )
    return found


@contextmanager
def _members(archive: Path) -> Iterator[list[Member]]:
    if archive.name.lower().endswith(TARS):
        with _unpacked(archive) as file, tarfile.open(fileobj=cast("IO[bytes]", _Careful(file)), mode="r:") as tar:
            yield _bounded(archive, (_tar_member(archive, tar, info) for info in tar))
    else:
        with zipfile.ZipFile(archive) as zipped:
            yield _bounded(archive, (_zip_member(archive, zipped, info) for info in zipped.infolist()))


def _unpacked(archive: Path) -> IO[bytes]:
    """The tar in a file that may be packed, whatever its name says of how."""
    with archive.open("rb") as file:
        head = file.read(6)
    for mark, opened in ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\0", lzma.open)):
        if head.startswith(mark):
            return cast("IO[bytes]", opened(archive, "rb"))
    return archive.open("rb")


class _Careful:
    """A file that is not read by the gigabyte at once: a tar's header may ask for that."""

    def __init__(self, file: IO[bytes]) -> None:
        self.tell, self.seek, self._file = file.tell, file.seek, file

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _HEADER:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._file.read(size)


def _tar_member(archive: Path, tar: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    if not (info.isreg() or info.isdir()):
        raise DownloadError(f"{archive} holds '{info.name}', which is a link or a device: refused")
    opened = lambda: cast("IO[bytes]", tar.extractfile(info))  # noqa: E731 - None for folders, which nobody opens
    return info.name, info.size if info.isreg() else 0, info.isdir(), opened


def _zip_member(archive: Path, zipped: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise DownloadError(f"{archive} holds '{info.filename}', which is a link or a device: refused")
    if info.flag_bits & 1:
        raise DownloadError(f"{archive} is encrypted: it cannot be unpacked here")
    return info.filename, info.file_size, info.filename.endswith("/"), lambda: zipped.open(info)
