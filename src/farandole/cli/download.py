"""`farandole download`: open corpora from their official addresses."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from farandole.cli import console
from farandole.cli.options import Force, Json, Quiet
from farandole.errors import DownloadError

if TYPE_CHECKING:
    from farandole.data.download.open_corpora import Archive, OpenCorpus


_SHOWN = 4
"""Files that are named one by one; corpora of hundreds of files would fill the screen."""


def download(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="The corpus; without it, all are listed.", show_default=False)
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="The folder to make. [default: NAME]", show_default=False),
    ] = None,
    subjects: Annotated[
        str,
        typer.Option(
            help="Of cmu: numbers of subjects with commas between, 60,61. [default: those of prepare starter]"
        ),
    ] = "",
    accept_terms: Annotated[
        bool, typer.Option("--accept-terms", help="You have read the corpus's terms and accept them: do not ask.")
    ] = False,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fetch an open corpus from its makers' address, once you accept their terms.

    Goes on where an interrupted run stopped. Sizes and checksums are compared with the published ones; where none are published,
    the checksum of what came is kept in DIR/download.json and compared when you run it again.

    \b
    farandole download
    farandole download lafan1 -o corpora/lafan1

    \b
    farandole download lafan1 -o corpora/lafan1 --accept-terms
    farandole download cmu --subjects 60,61 -o corpora/cmu
    """
    from farandole.data.download.cmu import with_subjects
    from farandole.data.download.open_corpora import CORPORA

    if not name:
        _list(list(CORPORA.values()), json)
        return
    corpus = with_subjects(name, [s.strip() for s in subjects.split(",") if s.strip()])
    folder = out or Path(name)
    if not quiet or not accept_terms:
        console.note(_about(corpus))
    if not corpus.archives:
        raise DownloadError(f"{name} {corpus.by_hand}; then: {corpus.after}")
    _ask(corpus, accept_terms)
    _fetch(corpus, folder, force, json, quiet)


def _fetch(corpus: OpenCorpus, folder: Path, force: bool, json: bool, quiet: bool) -> None:
    from farandole.data.download.corpus_download import download as fetch

    with console.progress("downloading", quiet=quiet) as update:
        done = fetch(corpus, folder, force=force, progress=update)
    after = corpus.after.format(folder=folder)
    if json:
        console.result_json({"folder": folder, "files": done.files, "archives": done.archives, "next": after})
        return
    console.result(folder)
    known = all(a["published"] for a in done.archives)
    checked = "as published" if known else "no checksum is published: SHA-256 kept in download.json"
    console.note(f"{done.files} files" if done.files else "everything is there", quiet=quiet)
    for archive in done.archives[:_SHOWN]:
        console.note(
            f"{archive['name']}: {archive['bytes']} bytes, SHA-256 {archive['sha256']} ({checked})", quiet=quiet
        )
    console.note(f"next: {after}", quiet=quiet)


def _ask(corpus: OpenCorpus, accepted: bool) -> None:
    if accepted:
        return
    if not sys.stdin.isatty():
        raise DownloadError(f"{corpus.name} comes with terms: read {corpus.terms_url} and add --accept-terms")
    if not typer.confirm(f"Do you accept the terms of {corpus.name}?", default=False, err=True):
        raise DownloadError(f"{corpus.name} was not downloaded: its terms were not accepted")


def _about(corpus: OpenCorpus) -> str:
    lines = [
        f"{corpus.title}: {corpus.holds}",
        f"  page     {corpus.page}",
        f"  licence  {corpus.licence}, see {corpus.terms_url}",
        f"  terms    {corpus.terms} (our words; theirs decide)",
    ]
    lines += [
        f"  file     {a.url} ({_size(a)}, {'checksum published' if a.sha256 else 'checksum not published'})"
        for a in corpus.archives[:_SHOWN]
    ]
    more = len(corpus.archives) - _SHOWN
    lines += [f"  file     and {more} more beside these"] if more > 0 else []
    lines += [f"  note     {corpus.warning}"] if corpus.warning else []
    return "\n".join(lines)


def _list(corpora: list[OpenCorpus], json: bool) -> None:
    if json:
        console.result_json([_facts(corpus) for corpus in corpora])
        return
    rows = [("corpus", "size", "checksum", "licence", "holds")]
    rows += [(c.name, _sizes(c), _checksums(c), c.licence, c.holds) for c in corpora]
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    for row in rows:
        console.result("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]))


def _facts(corpus: OpenCorpus) -> dict[str, Any]:
    return {**vars(corpus), "archives": [vars(a) for a in corpus.archives]}


def _sizes(corpus: OpenCorpus) -> str:
    if not corpus.archives:
        return "by hand"
    sizes = [a.size for a in corpus.archives if a.size is not None]
    return f"{sum(sizes) / 1e6:.0f} MB" if len(sizes) == len(corpus.archives) else _size(corpus.archives[0])


def _checksums(corpus: OpenCorpus) -> str:
    if not corpus.archives:
        return "-"
    return "published" if all(a.sha256 for a in corpus.archives) else "not published"


def _size(archive: Archive) -> str:
    if archive.size is not None:
        return f"{archive.size / 1e6:.0f} MB"
    return archive.about or "size unknown"
