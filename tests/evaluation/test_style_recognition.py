"""Styles that differ are told apart, one style under two names is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dancers import groove_dance, stepping

from farandole.errors import DataError
from farandole.evaluation.clip_figures import ClipFigures
from farandole.evaluation.measuring import measure_for_lines
from farandole.evaluation.style_recognition import StyleClassifier, leave_one_out, recognise_styles, style_distances


@pytest.fixture(scope="module")
def takes() -> list[ClipFigures]:
    """Six grooves and six stepping dances."""
    grooves = [measure_for_lines(groove_dance(s, 110, 15)[0], name=f"groove {s}", style="groove") for s in range(6)]
    steps = [
        measure_for_lines(stepping(90 + 6 * s, seconds=15, sway=0.2 + 0.1 * s), name=f"step {s}", style="step")
        for s in range(6)
    ]
    return [*grooves, *steps]


def test_different_styles_are_told(takes: list[ClipFigures]) -> None:
    told = leave_one_out(takes)
    assert told.accuracy == 1
    assert told.confusion.tolist() == [[6, 0], [0, 6]]
    assert "| groove | 6 | 6 | 0 |" in told.table()
    again = recognise_styles(StyleClassifier.fit(takes), takes)
    assert again.accuracy == 1


def test_one_style_under_two_names_is_not_told(takes: list[ClipFigures]) -> None:
    alike = [replace(take, style="ab"[i % 2]) for i, take in enumerate(takes[:6])]
    assert leave_one_out(alike).accuracy < 0.85
    assert style_distances(alike).ratio < 2


def test_takes_of_one_group_are_left_out_together(takes: list[ClipFigures]) -> None:
    doubled = [replace(take, group=f"{take.style} {i // 2}") for i, take in enumerate(takes)]
    assert leave_one_out(doubled).confusion.sum() == 12
    alone = [replace(take, group=take.style) for take in takes]
    with pytest.raises(DataError, match="at least two styles with two takes"):
        leave_one_out(alone)


def test_styles_are_farther_apart_than_their_halves(takes: list[ClipFigures]) -> None:
    distances = style_distances(takes)
    assert distances.styles == ("groove", "step")
    np.testing.assert_allclose(distances.between, distances.between.T)
    assert np.diag(distances.between).tolist() == [0, 0]
    assert distances.ratio > 3
    assert distances.table().count("\n") == 3


def test_what_cannot_be_told_is_said(takes: list[ClipFigures]) -> None:
    with pytest.raises(DataError, match="at least two styles"):
        StyleClassifier.fit(takes[:3])
    with pytest.raises(DataError, match="unknown style 'waltz'"):
        recognise_styles(StyleClassifier.fit(takes), [replace(takes[0], style="waltz")])
    with pytest.raises(DataError, match="at least two"):
        style_distances(takes[:3])
