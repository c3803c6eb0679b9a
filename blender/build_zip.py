"""Packs the add-on: `python build_zip.py FOLDER` writes FOLDER/farandole_dance-VERSION.zip; same sources, same bytes."""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

ADDON = Path(__file__).resolve().parent / "farandole_dance"
_BEGINNING = (1980, 1, 1, 0, 0, 0)


def version() -> str:
    """The version that the manifest states."""
    match = re.search(
        r'^version = "([^"]+)"', (ADDON / "blender_manifest.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert match is not None
    return match[1]


def build(folder: Path) -> Path:
    """Write the zip, whole or not at all; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{ADDON.name}-{version()}.zip"
    temporary = target.with_suffix(".part")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((*ADDON.glob("*.py"), ADDON / "blender_manifest.toml", ADDON.parents[1] / "LICENSE")):
            entry = zipfile.ZipInfo(f"{ADDON.name}/{path.name}", _BEGINNING)
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    temporary.replace(target)
    return target


if __name__ == "__main__":
    print(build(Path(sys.argv[1] if len(sys.argv) > 1 else "dist")))
