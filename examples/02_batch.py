"""Many songs, one model.

The model is opened once. A song that cannot be read is told at the end and does not stop the others:

    python examples/02_batch.py songs/ dances/
"""

from __future__ import annotations

import sys
from pathlib import Path

import farandole as fa
from farandole.generation.completion import open_model


def main(songs: Path, out: Path, seconds: float | None = None) -> dict[str, str]:
    """Dance to every file in a folder; returns what went wrong, by file name."""
    out.mkdir(parents=True, exist_ok=True)
    model, problems = open_model("starter"), {}
    for path in sorted(p for p in songs.iterdir() if p.is_file()):
        target = out / f"{path.stem}.bvh"
        if target.exists():
            continue  # done by an earlier run
        try:
            fa.dance(path, seed=0, seconds=seconds, model=model).save(target)
        except fa.FarandoleError as error:
            problems[path.name] = str(error)
            continue
        print(target)
    return problems


if __name__ == "__main__":
    failed = main(Path(sys.argv[1]), Path(sys.argv[2]))
    print(*(f"{name}: {problem}" for name, problem in failed.items()), sep="\n")
    sys.exit(2 if failed else 0)
