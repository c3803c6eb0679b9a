"""The in-betweening part of `farandole evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from farandole.cli import console

if TYPE_CHECKING:
    from farandole.evaluation.gap_folder import Fill
    from farandole.evaluation.inbetween import GapScore
    from farandole.evaluation.lafan1 import Lafan1


def evaluate_gaps(
    sources: Sequence[Path],
    reference: Path | None,
    out: Path | None,
    *,
    models: Sequence[str],
    test: str | None,
    every: Sequence[int],
    force: bool,
    quiet: bool,
) -> tuple[dict[str, Any], list[str]]:
    """Content of report.json, and what to say about it.

    Args:
        sources: The folder of BVH files to test on; or, with a reference, folders of gaps filled elsewhere.
        reference: Folder of the BVH files whose gaps were filled.
        out: Where report and page go.
        models: In-between models to measure.
        test: Pattern of the files to test on.
        every: Spacings of key frames to measure too.
        force: Replace an existing report.
        quiet: Show no progress.
    """
    from farandole.evaluation.gap_folder import BASELINES, load_gap_folder, run_gaps, run_keyframes
    from farandole.evaluation.lafan1 import lafan1_dict, read_predictions, score_predictions, write_lafan1
    from farandole.evaluation.report import plain
    from farandole.evaluation.windows import TEST_WINDOW

    if reference is None and len(sources) != 1:
        raise typer.BadParameter("name one folder of BVH files, or filled gaps and --reference", param_hint="GENERATED")
    wrong = next((n for n in every if not 2 <= n < TEST_WINDOW), None)
    if wrong is not None:
        raise typer.BadParameter(f"{wrong} is not between 2 and {TEST_WINDOW - 1}", param_hint="--every")
    predictions = {} if reference is None else {source.name: read_predictions(source) for source in sources}
    data, warnings = load_gap_folder(sources[0] if reference is None else reference, test)
    fills = BASELINES | {Path(model).name: model_fill(model, data) for model in models}
    with console.progress("filling gaps", quiet=quiet) as update:
        scores = run_gaps(data, fills, progress=update)
    scores |= score_predictions(data, predictions)
    keyframes = run_keyframes(data, fills, every)
    content = lafan1_dict(data, scores, keyframes, warnings)
    if out is not None:
        write_lafan1(content, out, force=force)
    lines = _lines(scores, "{} frames") + _lines(keyframes, "every {}")
    return plain(content), lines


def model_fill(model: str, data: Lafan1) -> Fill:
    """An in-between model as a way to fill the benchmark's windows."""
    from farandole.evaluation.gap_folder import FPS
    from farandole.evaluation.windows import Clips
    from farandole.generation.gap_windows import fill_windows
    from farandole.generation.inbetween_net import InbetweenNet

    net = InbetweenNet(model)

    def fill(clips: Clips, given: Any) -> Clips:
        return Clips(*fill_windows(net, data.skeleton, FPS, clips.rotations, clips.root_positions, given))

    return fill


def _lines(scores: dict[str, dict[int, GapScore]], what: str) -> list[str]:
    return [
        f"{name}, {what.format(gap)}: L2Q {score.l2q:.4f}  L2P {score.l2p:.4f}  NPSS {score.npss:.4f}"
        for name, gaps in scores.items()
        for gap, score in gaps.items()
    ]


def nearest_windows(sources: Sequence[str], reference: str, *, quiet: bool) -> dict[str, dict[str, float]]:
    """Distance in cm from every clip to the nearest second of the reference: source -> clip -> mean over its seconds."""
    from farandole.evaluation.clips import find_clips
    from farandole.evaluation.nearest import WindowCorpus, nearest_distance

    corpus = WindowCorpus(clip.load()[0] for clip in find_clips(reference))
    sets = {source: find_clips(source) for source in sources}
    total, done = sum(map(len, sets.values())), 0
    result: dict[str, dict[str, float]] = {}
    with console.progress("looking for the nearest", quiet=quiet) as update:
        for source, clips in sets.items():
            result[source] = {}
            for clip in clips:
                result[source][clip.name] = nearest_distance(clip.load()[0], corpus)
                done += 1
                update(done, total)
    return result
