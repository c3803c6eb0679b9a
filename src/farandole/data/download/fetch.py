"""Files from the network: taken up where an interruption left them, checked before they count as there.

Why this and `unpack` are ours and not pooch's: what a user would feel is that an interrupted download of gigabytes goes on
(pooch begins anew), that a server's word for its version guards such a continuation, and that what came without a published
checksum is recorded and compared the next time. Archives are looked over before anything is written.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from farandole._io import atomic_path
from farandole.data.download.open_corpora import Archive
from farandole.data.sequences import file_hash
from farandole.errors import DownloadError, FarandoleError

Progress = Callable[[int, int], None]
"""Called with (bytes there, bytes in all)."""

BLOCK = 1 << 18
TIMEOUT = 60.0
"""Seconds without a byte after which a connection counts as broken."""
ATTEMPTS = 4
"""Connections in a row that may bring nothing new before it is given up."""
PAUSE = 2.0
"""Seconds before a broken connection is tried again."""


class MissingFileError(DownloadError):
    """There is nothing at the address."""


def fetch(archive: Archive, folder: Path, progress: Progress | None = None) -> str:
    """Bring an archive into a folder, or complete what an earlier call began, and check it.

    What is there of an unfinished file lies in `<name>.part`, with the server's word for its version in `<name>.part.json`. It is
    taken up only if the server vouches that the file is still the same (ETag or Last-Modified by If-Range) or a checksum is
    published; a server that cannot send parts sends the whole again.

    Returns:
        SHA-256 of the file.

    Raises:
        DownloadError: If the address cannot be reached or answers with an error, the connection breaks again and again, the disk is
            full, or size or checksum are not the published ones (the file is then removed).
    """
    target = folder / archive.name
    if not target.is_file():
        part = folder / f"{archive.name}.part"
        fruitless = 0
        while True:
            before = _size(part)
            try:
                if _continue(archive, part, progress):
                    break
                reason = "the connection broke off"
            except FarandoleError:
                raise
            except (OSError, http.client.HTTPException) as error:
                reason = _reason(archive, error)
            fruitless = 0 if _size(part) > before else fruitless + 1
            if fruitless >= ATTEMPTS:
                raise DownloadError(
                    f"cannot fetch {archive.url}: {reason} ({_size(part)} bytes are here): run the same command again to go on"
                )
            time.sleep(PAUSE)
        _version_file(part).unlink(missing_ok=True)
        part.replace(target)
    return _checked(archive, target)


def _checked(archive: Archive, path: Path) -> str:
    size, digest = path.stat().st_size, file_hash(path)
    if archive.size not in (None, size):
        path.unlink()
        raise DownloadError(f"{archive.url} gave {size} bytes, but {archive.size} are published: removed, try again")
    if archive.sha256 not in (None, digest):
        path.unlink()
        raise DownloadError(
            f"{archive.url} gave a file with SHA-256 {digest}, but {archive.sha256} is published: removed; it is damaged or "
            "another version"
        )
    return digest


def _continue(archive: Archive, part: Path, progress: Progress | None) -> bool:
    """Fetch what is missing of `part`; whether it is complete now."""
    version = _version(part)
    begin = _size(part) if version or archive.sha256 else 0
    response = _open(archive, begin, version)
    if response is None:
        return True
    with response:
        begin = _agreed_begin(response, begin)
        length = response.headers.get("Content-Length")
        total = begin + int(length) if length else archive.size or 0
        if archive.size not in (None, total):
            raise DownloadError(
                f"{archive.url} offers {total} bytes, but {archive.size} are published: it is another version"
            )
        _remember_version(part, response)
        there = _write(response, part, begin, total, progress)
    return there >= total


def _open(archive: Archive, begin: int, version: str) -> Any:
    """The response with the bytes from `begin` on, or with all; None if there are none behind `begin`."""
    from farandole._version import __version__

    headers = {"User-Agent": f"farandole/{__version__}", "Accept-Encoding": "identity"}
    if begin:
        headers["Range"] = f"bytes={begin}-"
        if version:
            headers["If-Range"] = version
    try:
        response = urllib.request.urlopen(urllib.request.Request(archive.url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416 and begin:
            whole = error.headers.get("Content-Range", "") == f"bytes */{begin}"
            return None if whole else _open(archive, 0, "")
        if error.code in (408, 429) or error.code >= 500:
            raise
        kind = MissingFileError if error.code in (404, 410) else DownloadError
        raise kind(f"{archive.url} answers {error.code} {error.reason}: it may have moved") from error
    if archive.url.startswith("https:") and not response.geturl().startswith("https:"):
        raise DownloadError(f"{archive.url} leads to {response.geturl()}, which is not encrypted: not followed")
    return response


def _agreed_begin(response: Any, begin: int) -> int:
    """Where the bytes of a response begin in the file: 0 unless the server does send the part asked for."""
    if response.status != 206:
        return 0
    told = str(response.headers.get("Content-Range", ""))
    if not told.startswith(f"bytes {begin}-"):
        raise http.client.HTTPException(f"was asked for bytes from {begin} on and sent '{told}'")
    return begin


def _write(response: Any, part: Path, begin: int, total: int, progress: Progress | None) -> int:
    """Append a response to `part` from `begin` on; returns the bytes there."""
    there = begin
    with _writing(part, begin) as file:
        while block := response.read(BLOCK):
            _save(file, block)
            there += len(block)
            if progress and total:
                progress(min(there, total), total)
    return there


@contextmanager
def _writing(part: Path, begin: int) -> Iterator[IO[bytes]]:
    try:
        file = part.open("r+b" if begin else "wb")
    except OSError as error:
        raise DownloadError(f"cannot write {part}: {error.strerror or error}") from error
    with file:
        file.seek(begin)
        file.truncate()
        yield file


def _save(file: IO[bytes], block: bytes) -> None:
    try:
        file.write(block)
        file.flush()
    except OSError as error:
        raise DownloadError(
            f"cannot write {file.name}: {error.strerror or error}: run the same command again to go on"
        ) from error


def _version_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _version(part: Path) -> str:
    """What the server called the version of which `part` is the beginning; "" if nothing it would vouch for."""
    try:
        return str(json.loads(_version_file(part).read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _remember_version(part: Path, response: Any) -> None:
    etag = response.headers.get("ETag", "")
    version = response.headers.get("Last-Modified", "") if not etag or etag.startswith("W/") else etag
    with atomic_path(_version_file(part), force=True) as temporary:
        temporary.write_text(json.dumps({"url": response.geturl(), "version": version}), encoding="utf-8")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _reason(archive: Archive, error: BaseException) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"it answers {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        inner = error.reason
        host = archive.url.split("/")[2]
        return f"{host} cannot be reached ({getattr(inner, 'strerror', None) or inner})"
    return str(error) or type(error).__name__
