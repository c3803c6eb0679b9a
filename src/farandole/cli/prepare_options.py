"""What the commands under `farandole prepare` share: running the work, reading their options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from farandole.cli import console
from farandole.errors import DataError

if TYPE_CHECKING:
    from farandole.data.corpus import CorpusSettings
    from farandole.data.importers import RecordingList


def prepare_recordings(
    found: RecordingList,
    out: Path,
    settings: CorpusSettings,
    workers: int | None,
    cluster: str | None,
    force: bool,
    json: bool,
    quiet: bool,
) -> None:
    """Prepare a folder from recordings and tell about it: a path, or facts as JSON."""
    from farandole.data.corpus import prepare_corpus
    from farandole.data.feature_folder import FeatureFolder
    from farandole.data.report import describe

    with console.progress("preparing", quiet=quiet) as update:
        done = prepare_corpus(
            found.sources,
            out,
            settings,
            problems=found.problems,
            workers=workers,
            cluster=cluster,
            force=force,
            progress=update,
        )
    facts = describe(FeatureFolder(out))
    if json:
        console.result_json({"folder": out, "made": done.made, "kept": done.kept, **facts})
        return
    console.result(out)
    if not quiet:
        for problem in done.problems:
            console.warning(f"{problem['name']}: {problem['problem']}")
        splits = ", ".join(f"{told['sequences']} {name}" for name, told in facts["splits"].items())
        console.note(
            f"{facts['sequences']} sequences ({splits}), {60 * facts['hours']:.1f} minutes; {done.made} recordings made, "
            f"{done.kept} there already, {len(done.problems)} problems"
        )


def listed(text: str) -> tuple[str, ...]:
    """Words with commas between, each once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def numbers(option: str, text: str) -> tuple[float, ...]:
    """Numbers with commas between."""
    try:
        return tuple(float(part) for part in listed(text))
    except ValueError as error:
        raise DataError(f"{option} {text}: needed are numbers with commas between") from error


def licence_text(told: str, source: Path) -> str:
    """The licence as told, in the file told, or beside the recordings."""
    if told:
        return Path(told).read_text(encoding="utf-8") if Path(told).is_file() else told
    for name in ("LICENSE", "LICENCE", "LICENSE.txt", "LICENCE.txt", "LICENSE.md", "LICENCE.md"):
        if (source / name).is_file():
            return (source / name).read_text(encoding="utf-8", errors="replace")
    return "unknown: ask whoever made the recordings"
