"""LAFAN1: the Ubisoft La Forge Animation Dataset."""

from __future__ import annotations

import re
from pathlib import Path

from farandole.data.importers.recordings import RecordingList
from farandole.data.sequences import Source
from farandole.errors import DataError

LAFAN1_FPS = 30.0
LAFAN1_LICENCE = (
    "Ubisoft La Forge Animation Dataset (LAFAN1): CC BY-NC-ND 4.0 (Harvey et al., Robust Motion In-Betweening, SIGGRAPH 2020). "
    "Do not redistribute."
)
_LAFAN1_NAME = re.compile(r"^(?P<theme>[A-Za-z]+?)(?P<take>\d+)_subject(?P<subject>\d+)$")


def find_lafan1(folder: Path, *, test_subject: int = 5) -> RecordingList:
    """LAFAN1: <theme><take>_subject<k>.bvh; one subject is the test split, all others are for training.

    Raises:
        DataError: If there are no such files.
    """
    sources, problems = [], []
    for path in sorted(folder.rglob("*.bvh")):
        name = _LAFAN1_NAME.match(path.stem)
        if not name:
            problems.append({"name": path.stem, "problem": "is not called <theme><take>_subject<k>.bvh"})
            continue
        subject = int(name["subject"])
        facts = {"style": name["theme"], "take": int(name["take"]), "subject": subject}
        sources.append(Source(path.stem, path, split="test" if subject == test_subject else "train", facts=facts))
    if not sources:
        raise DataError(f"{folder} holds no LAFAN1 files (dance1_subject1.bvh ...)")
    return RecordingList(sources, problems)
