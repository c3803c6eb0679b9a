"""`farandole evaluate RUN --data DATA`: trained models on their own, and by their losses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from farandole.cli import console

if TYPE_CHECKING:
    from farandole.checkpoints.checkpoint import Checkpoint
    from farandole.data.feature_folder import FeatureFolder


def evaluate_runs(
    runs: list[Path],
    data: Path,
    reference: str | None,
    out: Path | None,
    split: str,
    songs: int | None,
    seeds: int,
    seconds: float,
    *,
    force: bool,
    json: bool,
    quiet: bool,
) -> None:
    """Let runs dance, and say how good they are and what their losses are; with `out` write figures, dances and a picture there."""
    from farandole.data.feature_folder import FeatureFolder
    from farandole.evaluation.real_takes import read_real_takes
    from farandole.evaluation.run_dances import as_plain, judge_run
    from farandole.evaluation.run_files import write_runs
    from farandole.evaluation.scorecard import scorecard_lines
    from farandole.generation.completion import open_model
    from farandole.view.dance_sheet import write_dance_sheet

    corpus = FeatureFolder(data)
    names = corpus.split(split)[:songs]
    real = None if reference is None else read_real_takes(reference)
    judged, losses = {}, {}
    with console.progress("dancing", quiet=quiet) as update:
        for number, run in enumerate(runs):
            tell = lambda done, of, before=number: update(before + done / of, len(runs))  # noqa: E731
            completer = open_model(run)
            losses[str(run)] = _losses(completer.checkpoint, corpus, names)
            if completer.checkpoint.config.codec is None and losses[str(run)]:
                continue  # arrays that are no motion: there is nothing to look at
            judged[str(run)] = judge_run(
                completer, corpus, names, real, seconds=seconds, seeds=range(seeds), progress=tell
            )
    if out is not None:
        write_runs(judged, out, write_dance_sheet, losses=losses, force=force)
    if json:
        console.result_json(as_plain(judged, losses))
        return
    if out is not None:
        console.result(out / "report.json")
    for name in losses:
        for line in scorecard_lines(name, judged[name].scorecard) if name in judged else [name]:
            console.result(line)
        if losses[name]:
            console.result("  losses: " + ", ".join(f"{k} {v:.4g}" for k, v in losses[name].items()))


def _losses(checkpoint: Checkpoint, corpus: FeatureFolder, names: Sequence[str]) -> dict[str, float]:
    """A run's losses on sequences; none without torch, or where its windows do not fit in them."""
    from farandole.errors import DataError

    try:
        from farandole.training.split_losses import split_losses

        return split_losses(checkpoint, corpus, names)
    except ImportError:  # MissingExtraError, too
        return {}
    except DataError as problem:
        if checkpoint.config.codec is None:
            raise
        console.warning(f"{checkpoint.name}: no losses: {problem}")
        return {}
