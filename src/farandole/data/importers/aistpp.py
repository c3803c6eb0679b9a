"""AIST++: street dances as SMPL poses, with the pieces of music they are danced to."""

from __future__ import annotations

from pathlib import Path

from farandole.data.importers.recordings import SOUNDS, RecordingList, with_splits
from farandole.data.sequences import Source
from farandole.data.splits import SPLITS, read_names
from farandole.errors import DataError

AISTPP_FPS = 60.0
AISTPP_LICENCE = (
    "AIST++ annotations: CC BY 4.0 (Li et al., AI Choreographer, ICCV 2021). AIST Dance Video Database (music, video): for "
    "research under its own terms. SMPL body model: non-commercial research licence."
)


def find_aistpp(folder: Path, *, music: Path | None = None, protocol: str = "crossmodal") -> RecordingList:
    """AIST++: motions/<sequence>.pkl, splits/<protocol>_{train,val,test}.txt, ignore_list.txt, <music>.wav.

    Args:
        folder: The annotations.
        music: Folder with the pieces (mBR0.wav ...), anywhere below it; `folder` by default.
        protocol: "crossmodal" (music and choreography of the splits are disjoint) or "pose".

    Raises:
        DataError: If there are no motions or no splits.
    """
    motions = sorted((folder / "motions").glob("*.pkl"))
    if not motions:
        raise DataError(f"{folder} holds no AIST++ annotations: needed is motions/<sequence>.pkl")
    lists = {}
    for split in SPLITS:
        path = folder / "splits" / f"{protocol}_{split}.txt"
        if not path.is_file():
            raise DataError(f"{path} is missing: AIST++ has splits/crossmodal_*.txt and splits/pose_*.txt")
        lists[split] = [n.removesuffix(".json") for n in read_names(path)]
    ignored_file = folder / "ignore_list.txt"
    ignored = {n.removesuffix(".json") for n in read_names(ignored_file)} if ignored_file.is_file() else set()
    pieces = {p.stem: p for p in sorted((music or folder).rglob("*")) if p.suffix.lower() in SOUNDS}
    sources, problems = [], []
    for path in motions:
        fields = path.stem.split("_")
        if path.stem in ignored:
            continue
        piece = fields[-2] if len(fields) >= 3 else ""
        if pieces and piece not in pieces:
            problems.append(
                {"name": path.stem, "problem": f"its music {piece or '(no field in the name)'} is not there"}
            )
            continue
        facts = {"style": fields[0].removeprefix("g"), "music": piece, "dancer": fields[3] if len(fields) == 6 else ""}
        sources.append(Source(path.stem, path, pieces.get(piece), facts=facts, longer_sound=True))
    left_out = ignored | {p["name"] for p in problems}
    lists = {split: [n for n in names if n not in left_out] for split, names in lists.items()}
    listed, missing = with_splits(sources, lists)
    if not pieces:
        problems.append({"name": "music", "problem": f"no pieces (mBR0.wav ...) below {music or folder}: motion only"})
    return RecordingList(listed, problems + missing)
