"""Which recordings a corpus on disk has: folders of pairs, AIST++, LAFAN1."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from farandole.data.corpus import hold_out, with_splits
from farandole.data.feature_folder import SPLITS, read_names
from farandole.data.sequences import Source
from farandole.errors import DataError
from farandole.motion.files import READABLE

SOUNDS = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aac", ".mp4")
"""Suffixes of sound files, in order of preference."""

AISTPP_FPS = 60.0
AISTPP_LICENCE = (
    "AIST++ annotations: CC BY 4.0 (Li et al., AI Choreographer, ICCV 2021). AIST Dance Video Database (music, video): for "
    "research under its own terms. SMPL body model: non-commercial research licence."
)
LAFAN1_FPS = 30.0
LAFAN1_LICENCE = (
    "Ubisoft La Forge Animation Dataset (LAFAN1): CC BY-NC-ND 4.0 (Harvey et al., Robust Motion In-Betweening, SIGGRAPH 2020). "
    "Do not redistribute."
)
_AMASS_BODY = re.compile(r"^(shape|.*_stagei)\.npz$")  # what AMASS keeps of a subject's body, beside the motions
_LAFAN1_NAME = re.compile(r"^(?P<theme>[A-Za-z]+?)(?P<take>\d+)_subject(?P<subject>\d+)$")


@dataclass(frozen=True)
class Found:
    """The recordings of a corpus and what is wrong with others: {"name", "problem"} each."""

    sources: list[Source]
    problems: list[dict[str, str]]


def find_pairs(folder: Path) -> Found:
    """Motion and sound files of the same name, in a folder and those below it.

    Splits are those of splits/{train,val,test}.txt or base_filenames_{train,val,test}.txt in the folder; without them, some
    sequences are held out.
    If no motion has a sound, the corpus is one of motion only. AMASS's files of body shapes are passed over.

    Raises:
        DataError: If there are no motions, or a split names a sequence that does not exist.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder with motions")
    files = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
    motions = [p for p in files if p.suffix.lower() in READABLE and not _AMASS_BODY.match(p.name)]
    if not motions:
        raise DataError(f"{folder} holds no motions: needed are {', '.join(READABLE)}")
    sounds: dict[tuple[Path, str], Path] = {}
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for path in sorted((p for p in files if p.suffix.lower() in SOUNDS), key=lambda p: SOUNDS.index(p.suffix.lower())):
        sounds.setdefault((path.parent, path.stem), path)
        by_stem[path.stem].append(path)
    count: dict[str, int] = defaultdict(int)
    for path in motions:
        count[path.stem] += 1
    sources, problems, taken = [], [], set()
    for path in motions:
        name = path.stem if count[path.stem] == 1 else "_".join(path.relative_to(folder).with_suffix("").parts)
        if name in taken:
            problems.append(
                {"name": path.name, "problem": f"there is another motion called {name}: give it another name"}
            )
            continue
        taken.add(name)
        elsewhere = by_stem.get(path.stem, [])
        sound = sounds.get((path.parent, path.stem)) or (elsewhere[0] if len(elsewhere) == 1 else None)
        if sounds and sound is None:
            problems.append({"name": name, "problem": f"{path} has no sound file of the same name"})
            continue
        sources.append(Source(name, path, sound))
    unused = {p.stem for p in sounds.values()} - {p.stem for p in motions}
    problems += [{"name": n, "problem": f"{by_stem[n][0]} has no motion of the same name"} for n in sorted(unused)]
    lists = _split_lists(folder)
    if not lists:
        return Found(hold_out(sources), problems)
    # A motion that is there but cannot be used is told once, not twice.
    left_out = {p["name"] for p in problems}
    lists = {split: [n for n in names if n not in left_out] for split, names in lists.items()}
    return Found(with_splits(sources, lists, strict=f"a split of {folder}")[0], problems)


def find_aistpp(folder: Path, *, music: Path | None = None, protocol: str = "crossmodal") -> Found:
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
    return Found(listed, problems + missing)


def find_lafan1(folder: Path, *, test_subject: int = 5) -> Found:
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
    return Found(sources, problems)


def _split_lists(folder: Path) -> dict[str, list[str]]:
    lists = {}
    for split in SPLITS:
        for path in (folder / "splits" / f"{split}.txt", folder / f"base_filenames_{split}.txt"):
            if path.is_file():
                lists[split] = read_names(path)
                break
    return lists
