"""Numbers as people write them."""

from __future__ import annotations

import math


def number_text(value: float) -> str:
    """Three digits; rounding errors as the zero they stand for; no exponent where a person would not write one; "-" for NaN."""
    if math.isnan(value):
        return "-"
    if abs(value) < 1e-9:
        return "0"
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e7 else f"{value:.3g}"


def grouped_number(value: float, digits: int) -> str:
    """This many digits, thousands set apart by commas; rounding errors as the zero they stand for: "0.4211", "12,034"."""
    if 10**digits <= abs(value) < 1e9:
        return f"{value:,.0f}"
    return f"{0.0 if abs(value) < 1e-9 else value:.{digits}g}"


def range_text(low: float, high: float) -> str:
    """An accepted range: "0.5 to 0.8", "<= 13", ">= 0.03"; "-" where there is no bound."""
    if math.isfinite(low) and math.isfinite(high):
        return f"{number_text(low)} to {number_text(high)}"
    if math.isfinite(high):
        return f"<= {number_text(high)}"
    return f">= {number_text(low)}" if math.isfinite(low) else "-"
