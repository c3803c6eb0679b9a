"""Lists of sequence names that divide a corpus into training, validation and test."""

from __future__ import annotations

from pathlib import Path

from farandole.errors import DataError

SPLITS = ("train", "val", "test")


def find_split_list(folder: Path, split: str) -> Path | None:
    """splits/<split>.txt or else base_filenames_<split>.txt in a folder; None if there is neither."""
    paths = (folder / "splits" / f"{split}.txt", folder / f"base_filenames_{split}.txt")
    return next((p for p in paths if p.is_file()), None)


def read_names(path: Path) -> list[str]:
    """Sequence names of a list file, one a line; blank lines, blanks at the ends and any line ending are taken.

    Raises:
        DataError: If it cannot be read or is no text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    if "\0" in text:
        raise DataError(f"cannot read {path}: it is no text")
    return [line.strip() for line in text.splitlines() if line.strip()]


def read_split_lists(folder: Path) -> dict[str, list[str]]:
    """Names by split, of those splits for which a folder has a list."""
    lists = {split: find_split_list(folder, split) for split in SPLITS}
    return {split: read_names(path) for split, path in lists.items() if path is not None}
