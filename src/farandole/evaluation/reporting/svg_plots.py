"""Small plots as inline SVG with all text escaped. Colours are CSS classes, so that the page decides on light and dark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import numpy as np
from markupsafe import Markup

from farandole.motion.rotations import Array

WIDTH, HEIGHT = 640, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 10, 30


def speed_plot(speed: Array, fps: float, beats: Array, kind: str, *, seconds: float = 10.0) -> Markup:
    """Mean joint speed over time with the music's beats as vertical lines.

    Args:
        speed: [T] m/s.
        fps: Frames per second of `speed`.
        beats: Times, [K] s.
        kind: CSS class of the line.
        seconds: Shown from the start.
    """
    speed = speed[: round(seconds * fps)]
    end = max(len(speed) / fps, 1.0)
    top = float(_nice(max(float(speed.max()) if len(speed) else 0.0, 0.1)))
    x = lambda t: _LEFT + (WIDTH - _LEFT - _RIGHT) * t / end  # noqa: E731
    y = lambda v: HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * v / top  # noqa: E731
    lines = [
        f'<line class="beat" x1="{x(t):.1f}" x2="{x(t):.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"/>'
        for t in beats
        if t < end
    ]
    points = " ".join(f"{x(i / fps):.1f},{y(v):.1f}" for i, v in enumerate(speed))
    axes = _y_axis(top, y, "m/s") + "".join(_x_label(x(t), f"{t:g} s") for t in np.arange(0, end + 1e-9, 2))
    return _svg(
        f'{axes}{"".join(lines)}<polyline class="line {kind}" points="{points}"/>', "Mean joint speed and beats"
    )


def scatter(sets: Sequence[tuple[str, str, Array, Sequence[str]]]) -> Markup:
    """Points of several sets; hovering names them.

    Args:
        sets: Name, CSS class, positions [N, 2], names of the points.
    """
    everything = np.concatenate([points for _, _, points, _ in sets])
    low, high = everything.min(axis=0), everything.max(axis=0)
    span = np.maximum(high - low, 1e-9)
    height, marks = 360, []
    for name, kind, points, labels in sets:
        at = (points - low) / span * [WIDTH - 40, height - 40] + 20
        marks += [
            f'<circle class="dot {kind}" cx="{a:.1f}" cy="{height - b:.1f}" r="5">'
            f"<title>{escape(name)}: {escape(label)}</title></circle>"
            for (a, b), label in zip(at, labels, strict=True)
        ]
    return _svg("".join(marks), "Kinetic features, two principal components", height)


def bars(rows: Sequence[tuple[str, str, float]], band: tuple[float, float] | None, unit: str) -> Markup:
    """One horizontal bar per sequence, with the reference's range as a band behind.

    Args:
        rows: Label, CSS class, value (NaN is left blank).
        band: Least and greatest value of the reference set.
        unit: Unit of the values.
    """
    values = [v for _, _, v in rows if np.isfinite(v)]
    top = float(_nice(max([*values, *(band or ()), 1e-9])))
    low = min(0.0, *values, *(band or ())) if values else 0.0
    step, left = 18, 190
    height = step * len(rows) + 28
    x = lambda v: left + (WIDTH - left - 60) * (v - low) / (top - low)  # noqa: E731
    parts = []
    if band:
        parts.append(
            f'<rect class="band" x="{x(band[0]):.1f}" y="0" height="{height - 24}" '
            f'width="{max(x(band[1]) - x(band[0]), 1.5):.1f}"/>'
        )
    for i, (label, kind, value) in enumerate(rows):
        y = step * i
        parts.append(
            f'<text class="label" x="{left - 6}" y="{y + 13}" text-anchor="end">'
            f"{escape(_short(label))}<title>{escape(label)}</title></text>"
        )
        if np.isfinite(value):
            start, end = sorted((x(0.0), x(value)))
            parts.append(
                f'<rect class="bar {kind}" x="{start:.1f}" y="{y + 3}" width="{max(end - start, 1):.1f}" height="{step - 6}"/>'
            )
            parts.append(f'<text class="value" x="{max(start, end) + 4:.1f}" y="{y + 13}">{value:.3g}</text>')
    parts += [_x_label(x(v), f"{v:g} {unit}".strip(), height) for v in np.linspace(low, top, 3)]
    return _svg("".join(parts), "Per sequence", height)


def _short(label: str, length: int = 28) -> str:
    return label if len(label) <= length else "…" + label[1 - length :]


def _nice(value: float) -> float:
    """The next of 1, 1.5, 2, 3, 5, 7.5 times a power of ten."""
    base = 10.0 ** np.floor(np.log10(value))
    return next(step * base for step in (1, 1.5, 2, 3, 5, 7.5, 10) if step * base >= value * (1 - 1e-9))


def _y_axis(top: float, y: Callable[[float], float], unit: str) -> str:
    ticks = [
        f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(v):.1f}" y2="{y(v):.1f}"/>'
        f'<text class="label" x="{_LEFT - 5}" y="{y(v) + 4:.1f}" text-anchor="end">{v:.3g}</text>'
        for v in np.linspace(0, top, 4)
    ]
    return "".join(ticks) + f'<text class="label" x="{_LEFT + 4}" y="{_TOP + 10}">{escape(unit)}</text>'


def _x_label(x: float, text: str, height: int = HEIGHT) -> str:
    return f'<text class="label" x="{x:.1f}" y="{height - 8}" text-anchor="middle">{escape(text)}</text>'


def _svg(content: str, title: str, height: int = HEIGHT) -> Markup:
    return Markup(f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">{content}</svg>')
