"""Is one set of dances better than another?

Two sets to the same songs, one as the model dances and one with hardly any randomness, each held against real
takes.
"""

from __future__ import annotations

from pathlib import Path

import soundfile

import farandole as fa
from farandole.data.starter.songs import compose
from farandole.evaluation.reporting.dance_report import Report, evaluate
from farandole.evaluation.reporting.dance_report_files import write_report


def main(out: Path = Path("comparison"), songs: int = 2, seconds: float = 20.0) -> Report:
    """Make the sets, measure them, write OUT/report/index.html."""
    sets = {"usual": 1.0, "timid": 0.2}
    for k in range(songs):
        made = compose(92 + 8 * k, seconds, genre="hiphop", seed=k)
        song = fa.Song.from_samples(made.samples, made.sample_rate, name=f"song{k}")
        for name, temperature in sets.items():
            folder = out / name
            folder.mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / f"song{k}.wav", made.samples, made.sample_rate)  # its beats are tracked there
            fa.dance(song, seed=k, temperature=temperature).save(folder / f"song{k}.bvh", force=True)
    report = evaluate([out / name for name in sets], "starter", workers=1)
    for run in report.runs:
        card = run.scorecard
        assert card is not None
        speed = card["joint_speed"].value
        print(f"{run.name}: {card.passed} of {card.counted} lines as real takes have them, {speed:.2f} m/s")
    write_report(report, out / "report", force=True)
    return report


if __name__ == "__main__":
    main()
