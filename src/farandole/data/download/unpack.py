"""Archives from outside, unpacked without trusting them: nothing lands outside the folder, nothing but plain files and folders."""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, cast

from farandole.errors import DownloadError

TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
Member = tuple[str, int, bool, Callable[[], IO[bytes]]]
"""Name in the archive, bytes, whether a folder, how to open it."""


def is_archive(name: str) -> bool:
    """Whether a file of this name can be unpacked."""
    return name.lower().endswith((".zip", *TARS))


def unpack(archive: Path, folder: Path) -> int:
    """Unpack a zip or tar into a folder; returns the number of files.

    The whole archive is looked over first: nothing is written if any member would land outside the folder or is a link, a device or
    encrypted, or if the disk has no room for all of it.

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
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DownloadError(f"{archive} is damaged or no archive: {error}") from error
    except OSError as error:
        raise DownloadError(f"cannot unpack {archive} into {folder}: {error.strerror or error}") from error


def _look_over(archive: Path, members: list[Member], folder: Path) -> None:
    for name, *_ in members:
        posix, windows = PurePosixPath(name), PureWindowsPath(name)
        if posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts or "\0" in name:
            raise DownloadError(f"{archive} holds '{name}', which would land outside its folder: refused")
    need = sum(size for _, size, *_ in members)
    free = shutil.disk_usage(folder).free
    if need > free:
        raise DownloadError(f"{archive} needs {need / 1e6:.0f} MB unpacked, but {folder} has {free / 1e6:.0f} MB free")


@contextmanager
def _members(archive: Path) -> Iterator[list[Member]]:
    if archive.name.lower().endswith(TARS):
        with tarfile.open(archive) as tar:
            yield [_tar_member(archive, tar, info) for info in tar.getmembers()]
    else:
        with zipfile.ZipFile(archive) as zipped:
            yield [_zip_member(archive, zipped, info) for info in zipped.infolist()]


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
    return info.filename, info.file_size, info.is_dir(), lambda: zipped.open(info)
