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
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
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
LEAST_RATE, RATE_SPAN = 1000.0, 60.0
"""A connection that brings less than so many bytes a second, over so many seconds, counts as broken."""


class MissingFileError(DownloadError):
    """There is nothing at the address."""


class _TooSlowError(OSError):
    """A connection that drips: what it brings does not count."""


def fetch(archive: Archive, folder: Path, progress: Progress | None = None) -> str:
    """Bring an archive into a folder, or complete what an earlier call began, and check it.

    What is there of an unfinished file lies in `<name>.part`, with the server's word for its version in `<name>.part.json`. It is
    taken up only if the server vouches that the file is still the same (ETag or Last-Modified by If-Range) or a checksum is
    published; a server that cannot send parts sends the whole again.

    Returns:
        SHA-256 of the file.

    Raises:
        DownloadError: If the address cannot be reached or answers with an error or with something that was not asked for, the
            connection breaks again and again, more than `archive.most` bytes come, the disk is full, or size or checksum are not
            the published ones (the file is then removed).
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
            except _TooSlowError as error:
                reason, before = str(error), _size(part)
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
    if response.status == 206 and not _is_same(response, version):
        response.close()
        begin, response = 0, _open(archive, 0, "")
        assert response is not None
    with response:
        begin = _agreed_begin(response, begin)
        _refuse_packed(archive, response)
        length = response.headers.get("Content-Length")
        if length is not None and not length.isdecimal():
            raise DownloadError(f"{archive.url} answers with a Content-Length of '{length[:40]}', which is no number")
        total = begin + int(length) if length else archive.size or 0
        if archive.size is not None and archive.size != total:
            raise DownloadError(
                f"{archive.url} offers {total} bytes, but {archive.size} are published: it is another version"
            )
        if total > archive.most:
            raise _too_large(archive, f"offers {total} bytes")
        _remember_version(part, response)
        there = _write(response, part, begin, total, progress, archive)
    return there >= total


def _is_same(response: Any, version: str) -> bool:
    """Whether a part is one of the version that was asked for, as far as the server tells."""
    versions = [response.headers.get(name, "") for name in ("ETag", "Last-Modified")]
    return not version or version in versions or not any(versions)


def _refuse_packed(archive: Archive, response: Any) -> None:
    """Raise DownloadError if the bytes are not the file's own. Of .gz files some servers say so, and send them as they are."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    gzipped = encoding in ("gzip", "x-gzip") and archive.name.lower().endswith((".gz", ".tgz"))
    if encoding != "identity" and not gzipped:
        raise DownloadError(
            f"{archive.url} sends the file packed ('{encoding[:40]}'), which was not asked for: refused"
        )


def _too_large(archive: Archive, what: str) -> DownloadError:
    return DownloadError(f"{archive.url} {what}, and {archive.most} at most were expected: refused")


def _open(archive: Archive, begin: int, version: str) -> Any:
    """The response with the bytes from `begin` on, or with all; None if there are none behind `begin`."""
    from farandole._version import __version__

    headers = {"User-Agent": f"farandole/{__version__}", "Accept-Encoding": "identity"}
    if begin:
        headers["Range"] = f"bytes={begin}-"
        if version:
            headers["If-Range"] = version
    try:
        response = _opener().open(urllib.request.Request(archive.url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416 and begin:
            whole = error.headers.get("Content-Range", "") == f"bytes */{begin}"
            return None if whole else _open(archive, 0, "")
        if error.code in (408, 429) or error.code >= 500:
            raise
        kind = MissingFileError if error.code in (404, 410) else DownloadError
        raise kind(f"{archive.url} answers {error.code} {error.reason}: it may have moved") from error
    return response


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Followed to http and https, and from https to https alone."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        schemes = ("https",) if req.type == "https" else ("http", "https")
        if newurl.partition(":")[0].lower() not in schemes:
            raise DownloadError(
                f"{req.full_url} leads to {newurl[:200]}, which is not {' or '.join(schemes)}: not followed"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """What opens http and https and nothing else: no files, no ftp."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
        _Redirects,
    ):
        opener.add_handler(handler())
    return opener


def _agreed_begin(response: Any, begin: int) -> int:
    """Where the bytes of a response begin in the file: 0 unless the server does send the part asked for."""
    if response.status != 206:
        return 0
    sent = str(response.headers.get("Content-Range", ""))
    if not sent.startswith(f"bytes {begin}-"):
        raise http.client.HTTPException(f"was asked for bytes from {begin} on and sent '{sent}'")
    return begin


def _write(response: Any, part: Path, begin: int, total: int, progress: Progress | None, archive: Archive) -> int:
    """Append a response to `part` from `begin` on; returns the bytes there."""
    there = counted = begin
    since = time.monotonic()
    with _writing(part, begin) as file:
        while block := response.read1(BLOCK):
            _save(file, block)
            there += len(block)
            if there > (archive.size or archive.most):
                file.truncate(0)
                raise _too_large(replace(archive, most=archive.size or archive.most), "sends more and more")
            if progress and total:
                progress(min(there, total), total)
            now = time.monotonic()
            if now - since >= RATE_SPAN:
                if there - counted < LEAST_RATE * (now - since):
                    raise _TooSlowError(f"only {there - counted} bytes came in {now - since:.0f} s")
                since, counted = now, there
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
        host = urllib.parse.urlsplit(archive.url).netloc
        return f"{host or archive.url} cannot be reached ({getattr(inner, 'strerror', None) or inner})"
    return str(error) or type(error).__name__
