"""Folders of motions, each with the sound of the same name."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from farandole.data.importers.recordings import SOUNDS, RecordingList, hold_out, with_splits
from farandole.data.sequences import Source
from farandole.data.splits import read_split_lists
from farandole.errors import DataError
from farandole.motion.files import READABLE

_AMASS_BODY = re.compile(r"^(shape|.*_stagei)\.npz$")  # what AMASS keeps of a subject's body, beside the motions


def find_pairs(folder: Path) -> RecordingList:
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
    lists = read_split_lists(folder)
    if not lists:
        return RecordingList(hold_out(sources), problems)
    # A motion that is there but cannot be used is told once, not twice.
    left_out = {p["name"] for p in problems}
    lists = {split: [n for n in names if n not in left_out] for split, names in lists.items()}
    return RecordingList(with_splits(sources, lists, strict=f"a split of {folder}")[0], problems)
