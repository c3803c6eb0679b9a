"""How good a model's dances are: the scorecard beside real takes, song by song, with pictures.

    python benchmarks/starter_quality.py [SONG ...] [--model starter] [--style auto] [--real FOLDER] [--seeds 1] [-o report.md]
        [--sheets FOLDER]

Dances to the given songs (or to five composed ones) for a minute each, then for three minutes to a steady one and for ten minutes.
Real takes are the figures that come with the package, or those of a folder (`NAME.beats.json` beside NAME.bvh; a folder per style);
with a folder, dances are also compared with its nearest seconds, and shown beside its takes. Prints Markdown.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from farandole.data.starter.songs import compose
from farandole.evaluation.dance_clips import find_clips
from farandole.evaluation.free_running import FreeRun, free_running
from farandole.evaluation.humanoid_view import view_humanoid
from farandole.evaluation.metrics.nearest_window import WindowCorpus, motion_distance, nearest_distance
from farandole.evaluation.metrics.phrase_variety import phrase_variety
from farandole.evaluation.quality import measure_dance
from farandole.evaluation.real_range import RealRange
from farandole.evaluation.real_takes import read_real_takes
from farandole.evaluation.reference_file import STARTER
from farandole.evaluation.scorecard import score, scorecard_table
from farandole.generation.completion import open_model
from farandole.generation.dance import dance
from farandole.motion import Motion
from farandole.music import load_song
from farandole.music.song import Song

COMPOSED = (("salsa", 186.0), ("house", 124.0), ("hiphop", 92.0), ("pop", 104.0), ("rock", 152.0))


def composed(genre: str, bpm: float, seconds: float, seed: int = 42, *, steady: bool = False) -> Song:
    """A song that training never heard."""
    made = compose(bpm, seconds, genre=genre, seed=seed, steady=steady)
    return Song.from_samples(made.samples, made.sample_rate, name=f"composed {genre} {bpm:g}")


def main() -> None:
    """Dance, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", nargs="*", type=Path)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--style", default="auto")
    parser.add_argument("--real", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--sheets", type=Path)
    parser.add_argument("--quick", action="store_true", help="leave out three and ten minutes")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    lines: list[str] = []

    def say(text: str = "") -> None:
        lines.append(text)
        print(text, flush=True)

    model = open_model(options.model)

    def dancer(song: Song, seconds: float, seed: int) -> Motion:
        return dance(song, seconds=seconds, seed=seed, style=options.style, model=model)

    real = read_real_takes(options.real or STARTER)
    songs = [load_song(p) for p in options.songs] or [composed(g, b, options.seconds) for g, b in COMPOSED]
    run = free_running(dancer, songs, real, seconds=options.seconds, seeds=range(options.seeds))
    say(scorecard_table({options.model: run.scorecard}))
    say()
    by_song(run, real, options.real, say)
    say(f"\n* dances to different songs with one seed are {run.between_songs:.1f} cm apart")
    first, again, other = (dancer(songs[0], 30.0, seed) for seed in (1, 1, 2))
    same = first.rotations.tobytes() == again.rotations.tobytes()
    say(f"* two seeds differ by {motion_distance(first, other):.1f} cm; the same seed gives the same bytes: {same}")
    if not options.quick:
        at_length(dancer, say)
    if options.sheets:
        write_sheets(run, options.real, options.sheets)
    if options.output:
        options.output.write_text("\n".join(lines) + "\n")


def by_song(run: FreeRun[Song], real: RealRange, folder: Path | None, say) -> None:
    """A row per dance."""
    corpus = WindowCorpus([clip.load()[0] for clip in find_clips(folder)]) if folder else None
    say("| dance | as good as real | danced | outside | what fails | nearest second, cm |")
    say("|---|---:|---:|---:|---|---:|")
    for made in run.dances:
        card = score([made.motion], [made.beats], real)
        failed = [line.figure for line in (*card.lines, *card.danced) if line.counted and not line.passed]
        nearest = "-" if corpus is None or made.motion is None else f"{nearest_distance(made.motion, corpus):.1f}"
        say(
            f"| {made.name} | {card.passed} of {card.counted} | {card.danced_passed} of {len(card.danced)} | "
            f"{card.distance:.2f} | {', '.join(failed) or '-'} | {nearest} |"
        )


def at_length(dancer, say) -> None:
    """Three minutes of steady music, ten minutes of any."""
    for genre, bpm in (("house", 124.0), ("salsa", 180.0)):
        song = composed(genre, bpm, 180.0, steady=True)
        motion = dancer(song, 180.0, 3).resample(30.0)
        count = song.beats.count_at([t / 30.0 for t in range(len(motion))])
        variety = phrase_variety(view_humanoid(motion), count, beats_per_bar=song.beats.beats_per_bar)
        quality = measure_dance(motion, count)
        say(
            f"* 3 min of steady {genre}: energy of the last third is {quality.energy_ratio:.2f} of the first, the nearest other "
            f"four-bar phrase of the whole dance {variety:.1f} cm away on average"
        )
    for song in (composed("salsa", 180.0, 60.0), composed("house", 120.0, 60.0)):
        begun = time.perf_counter()
        motion = dancer(song, 600.0, 4)
        taken = time.perf_counter() - begun
        quality = measure_dance(motion)
        say(
            f"* 10 min of {song.name}: hips at most {quality.root_drift:.2f} m from the start, frozen {quality.freeze:.3f}, "
            f"made at {600 / taken:.0f}x real time"
        )


def write_sheets(run: FreeRun[Song], folder: Path | None, sheets: Path) -> None:
    """Every dance beside two real takes."""
    from farandole.view.dance_sheet import write_dance_sheet

    sheets.mkdir(parents=True, exist_ok=True)
    real = {f"real: {clip.name}": clip.load()[0] for clip in (find_clips(folder)[:2] if folder else [])}
    made = {dance.name: dance.motion for dance in run.dances if dance.motion is not None}
    write_dance_sheet({**real, **made}, sheets / "dances.png", force=True)


if __name__ == "__main__":
    sys.exit(main())
