"""What the small flow recipes dance: trains them, lets them dance held-out sequences for three minutes, writes the table.

    OMP_NUM_THREADS=1 python benchmarks/flow_dances.py DATA [-o FOLDER] [--size small] [--models moglow ...] [--write PAGE]

DATA is a feature folder with expmap_cr, transflower and beats (`farandole prepare folder`). A run that is already in FOLDER is
judged again and not repeated; its times lie beside it. `--pictures DIR` draws the best and the worst model.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.data.feature_folder import FeatureFolder
from farandole.motion.files import load_motion
from farandole.view.dance_sheet import write_dance_sheet

MODELS = ("transflower", "transformerflow", "moglow", "transglower", "residualflower", "transformer")
COLUMNS = (
    ("joint_speed", "{:.2f}"),
    ("energy_ratio", "{:.2f}"),
    ("jerk", "{:.0f}"),
    ("support_median", "{:.0f}"),
    ("penetration", "{:.1f}"),
    ("hip_rise", "{:.2f}"),
    ("wrong_knees", "{:.3f}"),
    ("coherence_gain", "{:.3f}"),
    ("frechet_kinetic", "{:.0f}"),
    ("frechet_geometric", "{:.0f}"),
    ("diversity", "{:.1f}"),
)
Report = dict[str, Any]


def call(*words: object) -> tuple[float, float]:
    """Run a farandole command; wall and processor time in s."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([sys.executable, "-m", "farandole", *map(str, words)], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def trained(recipe: str, data: Path, run: Path) -> None:
    """Train a recipe if its run is not there; the times lie beside it."""
    times = run / "times.json"
    if not times.is_file():
        wall, cpu = call("train", recipe, "--data", data, "-o", run, "--force", "--quiet")
        times.write_text(json.dumps({"wall_s": wall, "cpu_s": cpu}))


def table(report: Report, runs: dict[str, Path]) -> str:
    """Markdown: one row per run, what fails is bold."""
    first = next(iter(report.values()))
    labels = {
        line["figure"]: f"{line['label'].lower()}{', ' + line['unit'] if line['unit'] else ''}"
        for line in first["lines"]
    }
    heads = [
        "recipe",
        "parameters",
        "steps",
        "minutes of one core",
        "lines of 11",
        *(labels[name] for name, _ in COLUMNS),
    ]
    rows = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    ranges = {line["figure"]: line for line in first["lines"]}
    rows.append(["accepted", "", "", "", "", *(accepted(ranges[name], text) for name, text in COLUMNS)])
    rows.append(["real takes", "", "", "", "", *(text.format(ranges[name]["real"]) for name, text in COLUMNS)])
    for name, run in runs.items():
        told, times = find_checkpoint(run).config, json.loads((run / "times.json").read_text())
        lines = {line["figure"]: line for line in report[str(run)]["lines"]}
        cells = [cell(lines[figure], text) for figure, text in COLUMNS]
        size = f"{told.parameters / 1e6:.2f} M"
        passed = f"**{report[str(run)]['passed']}**"
        rows.append([name, size, str(told.steps), f"{times['cpu_s'] / 60:.1f}", passed, *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def accepted(line: Report, text: str) -> str:
    """The range of a line."""
    low, high = line["low"], line["high"]
    if low is None:
        return f"<= {text.format(high)}"
    return f">= {text.format(low)}" if high is None else f"{text.format(low)} to {text.format(high)}"


def cell(line: Report, text: str) -> str:
    """A value, with the least and greatest of single dances where those matter."""
    if line["value"] is None:
        return "-"
    value = text.format(line["value"])
    each = [x for x in line["each"] if x is not None]
    if line["figure"] in ("joint_speed", "energy_ratio") and each:
        value += f" ({text.format(min(each))} to {text.format(max(each))})"
    return value if line["passed"] else f"**{value}**"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="feature folder")
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/flow_dances"), help="runs and report")
    parser.add_argument("--size", default="small", choices=("small", "tiny"))
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--songs", type=int, default=3, help="held-out sequences that are danced to")
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="replace the section of this Markdown page")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="contact sheets of the best and the worst")
    options = parser.parse_args()
    runs = {f"flow/{options.size}/{name}": options.output / f"{options.size}_{name}" for name in options.models}
    for recipe, run in runs.items():
        trained(recipe, options.data, run)
    folder = options.output / f"report_{options.size}"
    long = ("--songs", options.songs, "--seconds", options.seconds, "--seeds", options.seeds)
    call("evaluate", *runs.values(), "--data", options.data, *long, "-o", folder, "--force")
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    rows = table(report, runs)
    print(rows)
    if options.write:
        write_section(options.write, options.size, rows)
    if options.pictures:
        danced = FeatureFolder(options.data).split("test")[: options.songs]
        pictures(report, runs, folder, danced, options.pictures)


def write_section(page: Path, size: str, rows: str) -> None:
    """Replace the table between the marks of a page."""
    begin, end = f"<!-- {size} flows: written by benchmarks/flow_dances.py -->", f"<!-- end of {size} flows -->"
    text = page.read_text(encoding="utf-8")
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"{page} has no line {begin}")
    page.write_text(pattern.sub(lambda _: f"{begin}\n\n{rows}\n{end}", text), encoding="utf-8")


def pictures(report: Report, runs: dict[str, Path], folder: Path, danced: list[str], target: Path) -> None:
    """Contact sheets of one dance of each sequence by the best and the worst run."""
    order = sorted(runs, key=lambda name: (-report[str(runs[name])]["passed"], report[str(runs[name])]["distance"]))
    for rank, name in (("best", order[0]), ("worst", order[-1])):
        dances = {n: folder / runs[name].name / f"{n} seed 0.npz" for n in danced}
        target.mkdir(parents=True, exist_ok=True)
        path = target / f"flows-{rank}.png"
        path.unlink(missing_ok=True)
        write_dance_sheet({n: load_motion(p) for n, p in dances.items()}, path, columns=8, tile=(130, 156))
        print(f"{path}: {name}")


if __name__ == "__main__":
    main()
