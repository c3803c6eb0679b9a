"""In-betweening on motion that training never saw: prepares a corpus, trains, measures, writes the table into docs/results.md.

    python benchmarks/inbetween.py bandai FOLDER [--work runs/bandai] [--model CHECKPOINT] [-o docs/results.md]
    python benchmarks/inbetween.py lafan1 FOLDER [--work runs/lafan1] [--model CHECKPOINT] [-o docs/results.md]

bandai: the Bandai Namco Research motion data set (CC BY-NC: weights made from it are for research). Tested is on actions in styles
that are not trained on (data set 1: every sixth pair of action and style) and on the last take of every pair (data set 2).
lafan1: tested is on subject 5. With --model nothing is trained.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from farandole._io import atomic_path
from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.data.corpus import CorpusSettings, prepare_corpus
from farandole.data.feature_folder import FeatureFolder
from farandole.data.importers import LAFAN1_LICENCE, find_lafan1, find_pairs
from farandole.data.importers.recordings import RecordingList, with_splits
from farandole.evaluation.gaps.benchmark_windows import (
    GAPS,
    STATISTICS_STRIDE,
    STATISTICS_WINDOW,
    TEST_STRIDE,
    TEST_WINDOW,
    Clips,
    align,
    cut_windows,
    position_deviation,
)
from farandole.evaluation.gaps.gap_folder import BASELINES, align_body, run_gaps
from farandole.evaluation.gaps.gap_scores import GapScore
from farandole.evaluation.gaps.lafan1_protocol import Lafan1
from farandole.generation.window_fills import window_fill
from farandole.training.recipe_files import find_recipe, read_recipe

NAMES = {"bandai": "Bandai Namco Research motion data set", "lafan1": "LAFAN1"}
SPLITS = {
    "bandai": "No take tested on is trained on: of data set 1 whole pairs of action and style, of data set 2 the last take of "
    "each.",
    "lafan1": "Tested on subject 5.",
}
FIGURES: dict[str, Callable[[GapScore], float]] = {
    "L2Q": lambda s: s.l2q,
    "L2P": lambda s: s.l2p,
    "NPSS": lambda s: s.npss,
}
FEATURE = "rotmat"
BANDAI_LICENCE = (
    "Bandai-Namco-Research-Motiondataset, (c) 2022 Bandai Namco Research Inc.: CC BY-NC 4.0. For research only."
)


def bandai_splits(names: list[str]) -> dict[str, list[str]]:
    """Split -> names like dataset-1_walk_happy_001.

    Data set 1: pairs (action, style) whose places in sorted order add up to 1 modulo 6 are for tests, to 3 modulo 12 for
    validation. Data set 2: of every pair that has several takes, the last is for tests.
    """
    fields = {n: n.split("_") for n in sorted(names)}
    places = [sorted({f[k] for f in fields.values() if f[0] == "dataset-1"}) for k in (1, 2)]
    cells = defaultdict(list)
    for name, f in fields.items():
        if f[0] == "dataset-2":
            cells[f[1], f[2]].append(name)
    last = {takes[-1] for takes in cells.values() if len(takes) > 1}

    def split(name: str) -> str:
        corpus, action, style, _ = fields[name]
        if corpus == "dataset-2":
            return "test" if name in last else "train"
        place = places[0].index(action) + places[1].index(style)
        return "test" if place % 6 == 1 else "val" if place % 12 == 3 else "train"

    lists: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for name in fields:
        lists[split(name)].append(name)
    return lists


def prepare(corpus: str, source: Path, target: Path) -> FeatureFolder:
    """The corpus as a feature folder with a mirrored copy of all that is trained on."""
    if corpus == "bandai":
        found = find_pairs(source)
        sources, _ = with_splits(found.sources, bandai_splits([s.name for s in found.sources]))
        found, licence = RecordingList(sources, found.problems), BANDAI_LICENCE
    else:
        found, licence = find_lafan1(source), LAFAN1_LICENCE
    wanted = CorpusSettings(motion=(FEATURE,), music=(), fps=30.0, mirror=True, licence=licence)
    prepare_corpus(found.sources, target, wanted, problems=found.problems)
    return FeatureFolder(target)


def train(corpus: str, data: FeatureFolder, run: Path) -> Path:
    """A run of the corpus's recipe; notes how long it took, by the clock and of the processor."""
    from farandole.training.run import train as train_model

    start, used = time.perf_counter(), time.process_time()
    train_model(read_recipe(*find_recipe(f"inbetween/{corpus}")), data.folder, run)
    (run / "seconds.txt").write_text(f"{time.perf_counter() - start:.0f} {time.process_time() - used:.0f}\n")
    return run


def minutes(run: Path) -> str:
    """How long the training of a run took, by the clock and of the processor."""
    note = run / "seconds.txt"
    if not note.is_file():
        return "a time not noted"
    clock, *processor = (float(x) / 60 for x in note.read_text().split())
    return f"{clock:.0f} minutes" + "".join(f" ({x:.0f} of processor time)" for x in processor)


def benchmark_of(data: FeatureFolder, *, published: bool) -> Lafan1:
    """The benchmark's windows of the test split, and the deviations of its unmirrored training split.

    Args:
        data: The corpus.
        published: Turn windows exactly as the benchmark does, by an axis of LAFAN1's hips; else by where the hips face.
    """
    codec = data.codec(FEATURE)

    def cut(split: str, window: int, stride: int) -> Clips:
        parts = []
        for name in data.split(split):
            # A mirrored copy is called after its source's file, which is not its own name.
            if Path(data.sequences[name]["source"]).stem == name:
                motion = codec.decode(data.load(name, FEATURE))
                parts.append(cut_windows(motion.rotations, motion.root_positions, window, stride))
        clips = Clips(*(np.concatenate([getattr(p, n) for p in parts]) for n in ("rotations", "root_positions")))
        return align(clips) if published else align_body(clips, data.skeleton)

    statistics = cut("train", STATISTICS_WINDOW, STATISTICS_STRIDE)
    windows = cut("test", TEST_WINDOW, TEST_STRIDE)
    return Lafan1(windows, data.skeleton, position_deviation(statistics, data.skeleton), published=published)


def table(scores: dict[str, dict[int, GapScore]]) -> str:
    """Markdown: a row per method, a column per figure and gap length."""
    head = " | ".join(f"{f} @ {g}" for f in FIGURES for g in GAPS)
    rows = [f"| | {head} |", "|---" * (1 + len(FIGURES) * len(GAPS)) + "|"]
    for name, gaps in scores.items():
        cells = (f"{read(gaps[g]):.{4 if f == 'NPSS' else 3}f}" for f, read in FIGURES.items() for g in GAPS)
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def section(corpus: str, bench: Lafan1, scores: dict[str, dict[int, GapScore]], facts: Mapping[str, Any]) -> str:
    """One corpus's part of the page."""
    others = [scores[name] for name in ("zero velocity", "interpolation")]
    gains = []
    for figure, read in FIGURES.items():
        for gap in GAPS:
            better = all(read(scores["model"][gap]) < read(other[gap]) for other in others)
            gains.append(f"{figure} {'better' if better else 'WORSE'} at {gap}")
    return f"""## Filling gaps: {NAMES[corpus]}

The LAFAN1 protocol: 10 past frames and one target frame are given at 30 fps, 5 to 45 frames between them are missing. Zero velocity
holds the last pose, interpolation goes straight, hermite keeps the speeds at given frames. Bodies, deviations and movement differ
between corpora: compare within a table.

{len(bench.windows)} test windows, {len(bench.skeleton)} joints, {facts["trained on"]}. {SPLITS[corpus]} Lower is better.

{table(scores)}

Against zero velocity and interpolation, figure by figure: {", ".join(gains)}.

`python benchmarks/inbetween.py {corpus} FOLDER`: {facts["times"]}.
"""


def put(page: Path, corpus: str, text: str) -> None:
    """Replace a corpus's part of the page, or add it at the end; other parts stay."""
    begin, end = (f"<!-- {mark} -->" for mark in (f"{corpus}: written by benchmarks/inbetween.py", f"end of {corpus}"))
    before, _, rest = (page.read_text(encoding="utf-8") if page.is_file() else "").partition(begin)
    after = rest.partition(end)[2] if rest else ""
    with atomic_path(page, force=True) as temporary:
        temporary.write_text(f"{before.rstrip()}\n\n{begin}\n\n{text}\n{end}\n{after}".lstrip(), encoding="utf-8")


def main() -> None:
    """Prepare, train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", choices=("bandai", "lafan1"))
    parser.add_argument("source", type=Path, metavar="FOLDER")
    parser.add_argument("--work", type=Path, help="folder for data and run [default: runs/CORPUS]")
    parser.add_argument("--model", type=Path, help="a checkpoint made before: nothing is trained")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/results.md"))
    options = parser.parse_args()
    work = options.work or Path("runs") / options.corpus
    start = time.perf_counter()
    data = prepare(options.corpus, options.source, work / "data")
    before = time.perf_counter()
    model = options.model or train(options.corpus, data, work / "run")
    trained = time.perf_counter() - before
    bench, fill = benchmark_of(data, published=options.corpus == "lafan1"), window_fill(model)
    fills = BASELINES | {
        "model": lambda clips, given: Clips(
            *fill(bench.skeleton, data.fps, clips.rotations, clips.root_positions, given)
        )
    }
    scores = run_gaps(bench, fills)
    own = sum(Path(data.sequences[n]["source"]).stem == n for n in data.split("train"))
    facts = {
        "trained on": f"{own} files trained on, {len(data.split('test'))} tested on",
        "times": f"{find_checkpoint(model).config.steps} training steps in {minutes(work / 'run')}, "
        f"preparing (where the data is not there yet) and measuring in {time.perf_counter() - start - trained:.0f} s",
    }
    text = section(options.corpus, bench, scores, facts)
    put(options.output, options.corpus, text)
    print(text)


if __name__ == "__main__":
    main()
