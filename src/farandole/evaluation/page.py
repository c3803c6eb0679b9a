"""The report as one self-contained web page: tables and inline SVG, no scripts, nothing from the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from farandole.evaluation import published
from farandole.evaluation.bootstrap import Interval
from farandole.evaluation.figures import FIGURES, Figure
from farandole.evaluation.quality import FPS
from farandole.evaluation.sets import table
from farandole.evaluation.svg import bars, scatter, speed_plot
from farandole.evaluation.windows import GAPS

if TYPE_CHECKING:
    from farandole.evaluation.report import Report, Run

_BARS = ("coherence", "support_median", "joint_speed", "peak_acceleration", "bas_bailando", "pfc")
_MOST_BARS = 60
_ARROWS = {"low": "↓", "high": "↑", "real": "≈"}

_STYLE = """
:root { color-scheme: light dark; --back: #fcfcfb; --ink: #1c1b1a; --soft: #6b6964; --rule: #dedcd6; --real: #8a8880;
  --run0: #2a6fbb; --run1: #d9622b; --run2: #2d9164; --run3: #9a54b0;
  --run4: #a8871a; --run5: #c2457f; --good: #217a4b; --bad: #b3312b; --band: #8a888026; }
@media (prefers-color-scheme: dark) {
  :root { --back: #191918; --ink: #ecebe8; --soft: #a3a19b; --rule: #3b3a37; --real: #95938c; --run0: #6ba6e8;
    --run1: #f08a55; --run2: #5cc294; --run3: #c58bd8; --run4: #d6b64f; --run5: #ea82b0;
    --good: #63c793; --bad: #f0766f; --band: #ffffff14; } }
body { background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto;
  max-width: 1000px; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; } .scroll { overflow-x: auto; }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th:first-child, td:first-child, td.text { text-align: left; white-space: normal; } th { font-weight: 600; }
td small, p small, .soft { color: var(--soft); } .good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 1.2rem; }
figure { margin: 0; } figcaption { color: var(--soft); font-size: .88rem; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; } svg .value { fill: var(--ink); }
.grid { stroke: var(--rule); } .beat { stroke: var(--soft); stroke-dasharray: 2 3; } .band { fill: var(--band); }
.real { color: var(--real); } .run0 { color: var(--run0); } .run1 { color: var(--run1); }
.run2 { color: var(--run2); } .run3 { color: var(--run3); } .run4 { color: var(--run4); } .run5 { color: var(--run5); }
.dot, .bar { fill: currentColor; } .dot { fill-opacity: .75; } .line { fill: none; stroke: currentColor; stroke-width: 1.6; }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 50%; background: currentColor; }
.warnings { border-left: 3px solid var(--run1); padding-left: 1rem; } details { margin: .4rem 0; } a { color: var(--run0); }
"""


GAP_METRICS = ("L2Q", "L2P", "NPSS")


def render_page(report: Report, links: Mapping[str, str]) -> str:
    """HTML of a report.

    Args:
        report: From `evaluate`.
        links: "run/clip" -> address of a page that plays the clip, relative to this one.
    """
    title = f"{', '.join(run.name for run in report.runs)} against {report.reference.name}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        _summary(report),
        _warnings(report.warnings),
        *(_verdict(run) for run in report.runs),
        _figures(report),
        _speeds(report),
        _map(report),
        _bars(report),
        _examples(report, links),
        _published(report),
        _definitions(report),
    ]
    return _page(title, parts)


def _page(title: str, parts: Sequence[str]) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def render_gaps(content: Mapping[str, Any]) -> str:
    """HTML of the LAFAN1 protocol.

    Args:
        content: From `lafan1.lafan1_dict`.
    """
    title = "LAFAN1 in-betweening"
    parts = [f"<h1>{title}</h1><p>{content['windows']} test windows.</p>", _warnings(content["warnings"])]
    for metric in GAP_METRICS:
        rows = _gap_rows(content["methods"], metric, GAPS)
        for method, *values in published.LAFAN1[metric]:
            numbers = "".join("<td>–</td>" if v is None else f"<td>{v:g}</td>" for v in values)
            rows.append(f"<tr class='soft'><td>{escape(method)}, as published on LAFAN1</td>{numbers}</tr>")
        parts.append(_gap_table(metric, [f"{gap} frames" for gap in GAPS], rows))
    spacings = sorted({int(n) for gaps in content["keyframes"].values() for n in gaps})
    if spacings:
        parts.append(
            "<h1>Key frames</h1><p>Every n-th frame is given, and the last. Not comparable with the gaps above.</p>"
        )
        for metric in GAP_METRICS:
            rows = _gap_rows(content["keyframes"], metric, spacings)
            parts.append(_gap_table(metric, [f"every {n}" for n in spacings], rows))
    parts.append(f"<p class='soft'>{escape(published.LAFAN1_SOURCES)}</p>")
    return _page(title, parts)


def _gap_rows(methods: Mapping[str, Any], metric: str, columns: Sequence[int]) -> list[str]:
    """A row per method."""
    rows = []
    for method, gaps in methods.items():
        cells = []
        for column in columns:
            value = gaps.get(str(column), {}).get(metric.lower())
            if isinstance(value, dict):
                cells.append(_cell(Interval(**value), False))
            else:
                cells.append("<td>–</td>" if value is None else f"<td>{value:.4f}</td>")
        rows.append(f"<tr><td><b>{escape(method)}</b></td>{''.join(cells)}</tr>")
    return rows


def _gap_table(metric: str, columns: Sequence[str], rows: Sequence[str]) -> str:
    head = "".join(f"<th>{name}</th>" for name in columns)
    return f'<h2>{metric} ↓</h2><div class="scroll"><table><tr><th></th>{head}</tr>{"".join(rows)}</table></div>'


def _kind(index: int) -> str:
    return f"run{index % 6}"


def _key(kind: str, name: str) -> str:
    return f'<span class="key {kind}"></span> {escape(name)}'


def _summary(report: Report) -> str:
    sets = [("real", report.reference), *((_kind(i), run) for i, run in enumerate(report.runs))]
    items = "".join(
        f"<li>{_key(kind, run.name)}: {len(run.clips)} clips, {_length(run.seconds)}</li>" for kind, run in sets
    )
    return f"<ul>{items}</ul>"


def _length(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _warnings(warnings: Sequence[str]) -> str:
    if not warnings:
        return ""
    return f'<div class="warnings"><h2>Before you read on</h2><ul>{"".join(f"<li>{escape(w)}</li>" for w in warnings)}</ul></div>'


def _verdict(run: Run) -> str:
    """The acceptance lines of a run."""
    if not run.verdict:
        return ""
    rows = []
    for check in run.verdict:
        bounds = " and ".join(
            f"{sign} {bound:.3g}" for sign, bound in (("≥", check.low), ("≤", check.high)) if np.isfinite(bound)
        )
        mark = '<span class="good">✓</span>' if check.passed else '<span class="bad">✗</span>'
        label = FIGURES[check.name].label if check.name in FIGURES else check.name.capitalize()
        rows.append(
            f"<tr><td>{escape(label)}</td><td>{_short(check.value)} <small>{escape(check.unit)}</small></td>"
            f"<td>{bounds}</td><td>{mark}</td></tr>"
        )
    passed = sum(check.passed for check in run.verdict)
    head = f"{escape(run.name)}: {passed} of {len(run.verdict)} lines as good as the real takes"
    return (
        f'<h2>{head}</h2><div class="scroll"><table><tr><th></th><th>measured</th><th>needed</th><th></th></tr>'
        f"{''.join(rows)}</table></div>"
    )


def _figures(report: Report) -> str:
    """The table of all figures, one column per set."""
    head = "".join(f"<th>{_key(_kind(i), run.name)}</th>" for i, run in enumerate(report.runs))
    rows = []
    for name, figure in FIGURES.items():
        cells = [run.figures.values.get(name) for run in (report.reference, *report.runs)]
        if not any(cell is not None and cell.count for cell in cells):
            continue
        made = []
        for run, cell in zip(report.runs, cells[1:], strict=True):
            gap = run.differences.get(name)
            differs = gap is not None and gap.count > 0 and not gap.low <= 0 <= gap.high
            made.append(_cell(cell, differs))
        rows.append(
            f'<tr title="{escape(figure.note)}"><td>{escape(figure.label)} <small>{_units(figure)}</small></td>'
            f"{_cell(cells[0], False)}{''.join(made)}</tr>"
        )
    star = "; * differs from the first run (95 %)" if len(report.runs) > 1 else ""
    return (
        f"<h2>Figures</h2><p class='soft'>Means over clips with 95 % bootstrap intervals{star}. The reference's own Frechet "
        "distances are those between its two halves. ↓ lower is better, ↑ higher, ≈ the closer to real the better.</p>"
        f'<div class="scroll"><table><tr><th></th><th>{_key("real", report.reference.name)}</th>{head}</tr>'
        f"{''.join(rows)}</table></div>"
    )


def _units(figure: Figure) -> str:
    return f"{escape(figure.unit)} {_ARROWS[figure.better]}".strip()


def _cell(value: Interval | None, differs: bool) -> str:
    if value is None or not np.isfinite(value.value):
        return "<td>–</td>"
    span = (
        f" <small>{_short(value.low)}–{_short(value.high)}</small>"
        if np.isfinite(value.low) and value.count > 1
        else ""
    )
    return f"<td>{_number(value.value)}{'*' if differs else ''}{span}</td>"


def _number(value: float) -> str:
    """Four digits, without an exponent where a person would not write one."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{_settled(value):.4g}"


def _settled(value: float) -> float:
    """Rounding errors as the zero they stand for."""
    return 0.0 if abs(value) < 1e-9 else value


def _short(value: float) -> str:
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e9 else f"{_settled(value):.3g}"


def _speeds(report: Report) -> str:
    """Speed against the beats: the most typical clip with beats of every set."""
    plots = []
    for kind, run in (("real", report.reference), *((_kind(i), run) for i, run in enumerate(report.runs))):
        clip = next((run.clips[i] for i in run.order if len(run.clips[i].beats)), None)
        if clip is not None:
            plot = speed_plot(clip.speed, FPS, clip.beats, kind)
            plots.append(f"<figure>{plot}<figcaption>{_key(kind, run.name)}: {escape(clip.name)}</figcaption></figure>")
    if not plots:
        return ""
    return f'<h2>Speed and beats</h2><p class="soft">Dotted lines are the beats.</p><div class="plots">{"".join(plots)}</div>'


def _map(report: Report) -> str:
    sets = [("real", report.reference), *((_kind(i), run) for i, run in enumerate(report.runs))]
    plot = scatter([(run.name, kind, run.map, [c.name for c in run.clips]) for kind, run in sets])
    keys = " &nbsp; ".join(_key(kind, run.name) for kind, run in sets)
    return (
        f"<h2>Kinetic features</h2><figure>{plot}<figcaption>{keys}. Two principal components of the logarithms of the 72 "
        "features; every dot is a clip, its name appears under the pointer.</figcaption></figure>"
    )


def _bars(report: Report) -> str:
    plots = []
    for name in _BARS:
        figure, real = FIGURES[name], table(report.reference.clips, name)
        real = real[np.isfinite(real)]
        band = (float(real.min()), float(real.max())) if len(real) else None
        rows = [
            (clip.name, _kind(i), value)
            for i, run in enumerate(report.runs)
            for clip, value in sorted(
                zip(run.clips, table(run.clips, name), strict=True), key=lambda pair: pair[0].name
            )
        ]
        if not any(np.isfinite(value) for _, _, value in rows):
            continue
        more = f" (the first {_MOST_BARS} of {len(rows)})" if len(rows) > _MOST_BARS else ""
        caption = f"{escape(figure.label)}{more}; the band is the reference's range"
        plots.append(f"<figure>{bars(rows[:_MOST_BARS], band, figure.unit)}<figcaption>{caption}</figcaption></figure>")
    return f'<h2>Sequence by sequence</h2><div class="plots">{"".join(plots)}</div>' if plots else ""


def _examples(report: Report, links: Mapping[str, str]) -> str:
    """Best and worst clips, linked to pages that play them where there are any."""
    blocks = []
    for run in report.runs:
        for word, clips in (("most like the real takes", run.best()), ("least like them", run.worst())):
            names = []
            for clip in clips:
                link = links.get(f"{run.name}/{clip.name}")
                names.append(f'<a href="{escape(link)}">{escape(clip.name)}</a>' if link else escape(clip.name))
            if names:
                blocks.append(f"<li>{escape(run.name)}, {word}: {', '.join(names)}</li>")
    return f"<h2>Look at them</h2><ul>{''.join(blocks)}</ul>"


def _published(report: Report) -> str:
    """AIST++ numbers of other people beside ours."""
    shown = ("fid_k", "fid_g", "dist_k", "dist_g", "bas_bailando")
    rows = []
    for run in report.runs:
        cells = (run.figures.values.get(name) for name in shown)
        rows.append(f"<tr><td><b>{escape(run.name)}</b></td>{''.join(_cell(cell, False) for cell in cells)}</tr>")
    for method, *values in published.AISTPP:
        rows.append(
            f"<tr><td>{escape(method)}</td>{''.join(f'<td>{v:g}</td>' if v is not None else '<td>–</td>' for v in values)}</tr>"
        )
    head = "".join(f"<th>{escape(column)}</th>" for column in published.AISTPP_COLUMNS)
    return (
        "<h2>Beside published numbers</h2><details><summary>AIST++, Bailando's protocol</summary>"
        '<p class="soft">They compare only with SMPL motion of AIST++ at 60 fps, clips of 20 s, all real motion as reference.</p>'
        f'<div class="scroll"><table><tr><th></th>{head}</tr>{"".join(rows)}</table></div></details>'
    )


def _definitions(report: Report) -> str:
    rows = "".join(
        f"<tr><td>{escape(f.label)}</td><td class='text'>{escape(f.note)}</td></tr>" for f in FIGURES.values()
    )
    settings = report.settings
    length = "whole clips" if settings.seconds is None else f"the first {settings.seconds:g} s of each clip"
    root = "first root position subtracted" if settings.root == "start" else "absolute positions"
    return (
        f"<h2>Definitions</h2><p>Measured on {length}; kinetic features with {root}.</p>"
        f"<details><summary>What each figure is</summary><table>{rows}</table></details>"
    )
