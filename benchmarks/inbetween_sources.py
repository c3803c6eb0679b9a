r"""Lays out recordings for the training of the in-between model: links, splits and styles for `farandole prepare folder`.

    python benchmarks/inbetween_sources.py SALSA FREE_MOTION -o recordings
    farandole prepare folder recordings -o data/inbetween --motion dance129 --music '' --fps 30 --retarget --mirror \
        --labels recordings/labels.csv
    farandole train inbetween/free --data data/inbetween --start inbetween

Recordings are taken as `farandole inbetween` meets them: retargeted to the house skeleton and nothing else, not put on a beat or on
their feet as in the starter corpus. Held out are the takes that the starter corpus holds out (its free_motion.csv, and takes 03 and
07 of the salsa); routines of one named song are left out altogether.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from farandole.data.starter.recordings import find_recordings
from farandole.data.starter.salsa import ACKNOWLEDGEMENT, find_salsa

HELD_OUT_TAKES = ("03", "07")


def sources(folders: list[Path]) -> list[tuple[Path, str, str, str]]:
    """File, style, split and terms of every recording."""
    rows = []
    for folder in folders:
        for path in find_salsa(folder):
            split = "test" if path.stem.rpartition("_")[2] in HELD_OUT_TAKES else "train"
            rows.append((path, "salsa", split, ACKNOWLEDGEMENT))
        rows += [(r.path, r.style, r.split, r.licence) for r in find_recordings(folder)[0]]
    return rows


def main() -> None:
    """Link, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="recordings of the couple, G1 Moves and CMU takes")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FOLDER", help="a new folder")
    options = parser.parse_args()
    rows, out = sources(options.folders), options.out
    (out / "splits").mkdir(parents=True)
    for path, *_ in rows:
        (out / path.name).symlink_to(path.resolve())
    for split in ("train", "test"):
        names = [path.stem for path, _, s, _ in rows if s == split]
        (out / "splits" / f"{split}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    labels = [f"{path.stem},{style}" for path, style, _, _ in rows]
    (out / "labels.csv").write_text("\n".join(["sequence,style", *labels]) + "\n", encoding="utf-8")
    (out / "LICENSE").write_text("\n".join(dict.fromkeys(terms for *_, terms in rows)) + "\n", encoding="utf-8")
    print(f"{out}: {len(rows)} recordings, {sum(s == 'test' for _, _, s, _ in rows)} of them held out")


if __name__ == "__main__":
    main()
