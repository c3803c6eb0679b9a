"""Several dances side by side: a row each, on one scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_contact_sheet import decode_png

from farandole.errors import OutputError
from farandole.view.dance_sheet import LABEL, dance_sheet, write_dance_sheet
from farandole.view.digits import label_mask, text_mask

TILE = (60, 72)
ROW = LABEL + 72 + 3


def test_every_dance_has_a_row_with_its_name_and_its_moments(steps, tmp_path):
    path = write_dance_sheet({"real": steps, "made": steps.slice(30)}, tmp_path / "s.png", columns=3, tile=TILE)
    picture = decode_png(path.read_bytes())
    assert picture.shape == (2 * ROW, 3 * 63 - 3, 3)
    names = [picture[y : y + LABEL].astype(int) for y in (0, ROW)]
    assert all((name < 128).any() for name in names)
    assert (names[0] != names[1]).any()
    tiles = [picture[LABEL : LABEL + 72, x : x + 60].astype(int) for x in (0, 63, 126)]
    for i, a in enumerate(tiles):
        assert a.std() > 8  # a body, not an empty room
        for b in tiles[:i]:
            assert (np.abs(a - b).max(-1) > 30).mean() > 0.005
    with pytest.raises(OutputError):
        write_dance_sheet({"real": steps}, path)


def test_a_body_that_flies_away_leaves_its_own_tiles_only(steps):
    high = replace(steps, root_positions=steps.root_positions + np.array([0.0, 50.0, 0.0]))
    alone = dance_sheet({"a": steps, "b": steps}, columns=2, tile=TILE)
    beside = dance_sheet({"a": steps, "b": steps, "c": high}, columns=2, tile=TILE)
    np.testing.assert_array_equal(alone, beside[: 2 * ROW])
    teal = lambda part: (part[..., 1].astype(int) - part[..., 0] > 60).sum()  # noqa: E731
    assert teal(alone[:ROW, :, :][LABEL : LABEL + 60]) > 20
    assert teal(beside[2 * ROW + LABEL : 2 * ROW + LABEL + 50]) == 0


def test_only_the_first_seconds_if_asked(steps):
    np.testing.assert_array_equal(
        dance_sheet({"a": steps}, columns=2, seconds=1, tile=TILE),
        dance_sheet({"a": steps.slice(0, round(steps.fps))}, columns=2, tile=TILE),
    )


def test_labels_are_capitals_and_what_the_alphabet_lacks_is_blank():
    np.testing.assert_array_equal(label_mask("salsa 60"), text_mask("SALSA 60"))
    np.testing.assert_array_equal(label_mask("a#b"), text_mask("A B"))
    assert label_mask("").sum() == 0


def test_nothing_to_show_is_refused(steps):
    with pytest.raises(ValueError, match="at least one dance"):
        dance_sheet({})
    with pytest.raises(ValueError, match="at least one dance"):
        dance_sheet({"a": steps}, columns=0)
