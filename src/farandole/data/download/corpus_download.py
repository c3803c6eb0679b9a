"""Open corpora fetched from their official addresses: resumed, verified, unpacked; there as a whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farandole._io import atomic_directory, check_output
from farandole.data.download.fetch import MissingFileError, Progress, fetch
from farandole.data.download.open_corpora import OpenCorpus
from farandole.data.download.unpack import is_archive, unpack
from farandole.data.sequences import file_hash
from farandole.errors import DownloadError, OutputError

RECORD = "download.json"
ARCHIVES = "archives"
"""Folder inside the corpus where what was fetched stays as it was."""


@dataclass(frozen=True)
class DownloadResult:
    """What a corpus's folder holds.

    Attributes:
        folder: The folder.
        files: Number of files unpacked now; 0 if everything was there.
        archives: name, url, bytes, sha256 and whether that is a published checksum, of each.
    """

    folder: Path
    files: int
    archives: list[dict[str, Any]]


def download(
    corpus: OpenCorpus,
    target: str | Path,
    *,
    force: bool = False,
    progress: Callable[[float, int, str], None] | None = None,
) -> DownloadResult:
    """Fetch a corpus into a folder; whoever calls this accepts its terms.

    Unfinished archives wait beside it in `.<folder>.download`. When all are there and verified, they are unpacked and the folder
    appears: the files, `archives/` with what was fetched and `download.json` with its checksums. If it is there already, its
    archives are checked against that record instead, so that a change is noticed even where no checksum is published.

    Args:
        corpus: What to fetch.
        target: The folder to make.
        force: Replace a folder that holds something else.
        progress: Called with (archives there, how many there are, name of this one); the first is no whole number.

    Raises:
        DownloadError: If the corpus has to be fetched by hand, something cannot be fetched, or is not what was published or
            recorded.
        OutputError: If the folder holds something else and not `force`, or cannot be written.
    """
    if not corpus.archives:
        raise DownloadError(f"{corpus.name} {corpus.by_hand}")
    folder = Path(target)
    if not force and (recorded := _recorded(folder, corpus)) is not None:
        return DownloadResult(folder, 0, _verified(folder, recorded, corpus))
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise OutputError(f"{folder} holds something else: choose another folder or add --force")
    work = folder.with_name(f".{folder.name}.download")
    check_output(work / RECORD, force=True)
    work.mkdir(parents=True, exist_ok=True)
    _check_room(corpus, work)
    archives, missing = [], []
    for k, archive in enumerate(corpus.archives):
        try:
            digest = fetch(archive, work, _share(progress, k, len(corpus.archives), archive.name))
        except MissingFileError:
            if not archive.may_be_missing:
                raise
            missing.append(archive.name)
            continue
        size = (work / archive.name).stat().st_size
        archives.append(
            {
                "name": archive.name,
                "url": archive.url,
                "bytes": size,
                "sha256": digest,
                "published": archive.sha256 is not None,
            }
        )
    files = _unpack(corpus, work, folder, archives, missing, force)
    shutil.rmtree(work, ignore_errors=True)
    return DownloadResult(folder, files, archives)


def _share(progress: Callable[[float, int, str], None] | None, k: int, count: int, name: str) -> Progress | None:
    return (lambda done, total: progress(k + done / total, count, name)) if progress else None


def _unpack(
    corpus: OpenCorpus, work: Path, folder: Path, archives: list[dict[str, Any]], missing: list[str], force: bool
) -> int:
    files = 0
    with atomic_directory(folder, force=force) as temporary:
        for archive in corpus.archives:
            if archive.name in missing:
                continue
            into = temporary / archive.into if archive.into else temporary
            into.mkdir(exist_ok=True)
            if is_archive(archive.name):
                files += unpack(work / archive.name, into)
            elif archive.into:
                shutil.copyfile(work / archive.name, into / archive.name)
                files += 1
        if (temporary / ARCHIVES).exists() or (temporary / RECORD).exists():
            raise DownloadError(f"{corpus.name} holds '{ARCHIVES}' or '{RECORD}' itself: unpack it by hand from {work}")
        record = {
            "corpus": corpus.name,
            "page": corpus.page,
            "licence": corpus.licence,
            "terms": corpus.terms_url,
            "archives": archives,
            "missing": missing,
        }
        (temporary / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
        work.replace(temporary / ARCHIVES)
    return files


def _recorded(folder: Path, corpus: OpenCorpus) -> list[dict[str, Any]] | None:
    """The archives that a folder's record tells of; None if it is no folder of this corpus, or of other subjects of it."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        names = {a["name"] for a in record["archives"]} | set(record.get("missing", []))
        asked = {a.name for a in corpus.archives}
        return record["archives"] if record["corpus"] == corpus.name and asked <= names else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _verified(folder: Path, archives: list[dict[str, Any]], corpus: OpenCorpus) -> list[dict[str, Any]]:
    """The archives. Raises DownloadError if one is gone, or no longer what was fetched, or never was what is published."""
    published = {a.name: a.sha256 for a in corpus.archives if a.sha256}
    for archive in archives:
        path = folder / ARCHIVES / archive["name"]
        if not path.is_file():
            raise DownloadError(f"{path} is missing: add --force to fetch the corpus anew")
        if (digest := file_hash(path)) != archive["sha256"]:
            raise DownloadError(
                f"{path} has SHA-256 {digest}, but {archive['sha256']} was fetched: it has changed since; add --force to "
                "fetch it anew"
            )
        if published.get(archive["name"], digest) != digest:
            raise DownloadError(
                f"{path} has SHA-256 {digest}, but {published[archive['name']]} is published: add --force to fetch it anew"
            )
    return archives


def _check_room(corpus: OpenCorpus, work: Path) -> None:
    need = sum(a.size or 0 for a in corpus.archives) - sum(p.stat().st_size for p in work.iterdir() if p.is_file())
    free = shutil.disk_usage(work).free
    if need > free:
        raise DownloadError(
            f"{corpus.name} needs {need / 1e6:.0f} MB more, but {work.parent} has {free / 1e6:.0f} MB free"
        )
