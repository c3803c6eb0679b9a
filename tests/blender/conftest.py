"""The add-on's sources, and a command for Blender to call."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "blender"), str(Path(__file__).parent)]


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An executable `farandole` that runs these sources."""
    path = tmp_path_factory.mktemp("bin") / "farandole"
    path.write_text(
        f"#!/bin/sh\nPYTHONPATH='{REPOSITORY / 'src'}' OMP_NUM_THREADS=1 exec '{sys.executable}' -m farandole \"$@\"\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path
