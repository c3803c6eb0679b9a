"""Can an eye tell dances from takes? Writes pairs of contact sheets, one of a real take and one danced, in an order that is drawn.

    python benchmarks/blind_pairs.py --salsa FOLDER --free FOLDER -o pairs [--pairs 15] [--seconds 4] [--seed 1]

Both of a pair are of one style, on the house skeleton, as long, seen from where the dancer looks on average. `key.json` beside
them tells which is real, `A` or `B`; hand out the pictures alone. Real salsa takes are those that training never saw; of the other
styles any, for there are few.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from dance_styles import SALSA, SONGS, song_of

from farandole.data.starter.recordings import find_recordings, read_take
from farandole.data.starter.salsa import HELD_OUT_TAKES, SOURCE_UNIT, clean_take
from farandole.generation.completion import open_model
from farandole.generation.dance import dance
from farandole.motion.files.bvh.bvh_reader import read_bvh
from farandole.motion.motion import Motion
from farandole.view.contact_sheet import write_contact_sheet

STYLES = ("salsa", "modern", "party", "street", "slow")


def main() -> None:
    """Draw, dance, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--salsa", type=Path, required=True)
    parser.add_argument("--free", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    rng, key = np.random.default_rng(options.seed), {}
    takes = {style: real_takes(style, options.salsa, options.free, options.seconds) for style in STYLES}
    model = open_model(options.model)
    for pair in range(options.pairs):
        style = STYLES[pair % len(STYLES)]
        real = takes[style][rng.integers(len(takes[style]))]
        song = (SALSA if style == "salsa" else SONGS)[rng.integers(10)]
        seed = int(rng.integers(1 << 16))
        danced = dance(song_of(*song, 5000 + seed % 50, 60.0), style=style, seed=seed, model=model)
        order = "AB" if rng.integers(2) else "BA"
        for letter, motion in zip(order, (real, danced), strict=True):
            part = piece(motion, options.seconds, rng)
            write_contact_sheet(part, options.output / f"{pair:02d}_{letter}.png", columns=8, force=True)
        key[f"{pair:02d}"] = {"real": order[0], "style": style, "take": real.name, "song": list(song), "seed": seed}
        print(f"pair {pair:02d}: {style}", flush=True)
    (options.output / "key.json").write_text(json.dumps(key, indent=1) + "\n")


def real_takes(style: str, salsa: Path, free: Path, shortest: float) -> list[Motion]:
    """Takes of a style that last `shortest` seconds and one more, on the house skeleton."""
    if style == "salsa":
        files = [path for path in sorted(salsa.glob("salsa_*.bvh")) if path.stem.split("_")[2] in HELD_OUT_TAKES]
        return [clean_take(read_bvh(path, scale=SOURCE_UNIT)) for path in files]
    found = [read_take(r).motion for r in find_recordings(free)[0] if r.style == style]
    return [motion for motion in found if motion.seconds >= shortest + 1.0]


def piece(motion: Motion, seconds: float, rng: np.random.Generator) -> Motion:
    """A stretch of a motion from anywhere but its first and last half second, begun in the middle of the floor."""
    length, edge = round(seconds * motion.fps), round(0.5 * motion.fps)
    begin = int(rng.integers(edge, max(edge + 1, len(motion) - length - edge)))
    part = motion.slice(begin, begin + length)
    return replace(part, root_positions=part.root_positions - part.root_positions[0] * [1.0, 0.0, 1.0])


if __name__ == "__main__":
    main()
