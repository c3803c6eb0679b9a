"""The count of a dance: on the beats at any octave, phrases on downbeats, never backwards by itself."""

from __future__ import annotations

import numpy as np
import pytest

from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.generation.latent_flow.suited_style import SongCharacter, suited_family
from farandole.generation.live.accents import AccentMemory
from farandole.generation.live.dance_count import DanceCount
from farandole.models.abilities import LatentFlow

from .live_music import state


@pytest.fixture
def counts() -> DanceCount:
    facts = find_checkpoint("starter").completion
    assert isinstance(facts, LatentFlow)
    return DanceCount(facts)


def test_counts_stay_on_beats_when_the_octave_changes(counts: DanceCount) -> None:
    heard = 0.37
    for n, (tempo, family) in enumerate([(90.0, "salsa"), (180.0, "salsa"), (90.0, "groove"), (180.0, "groove")] * 3):
        for k in range(40):
            heard += tempo / 60 / 30
            counts.take(state(n * 40 / 30 + k / 30, heard, tempo), family)
            step = min(1.0, counts.factor)
            off = (counts.count - heard * counts.factor) / step
            assert off == pytest.approx(round(off), abs=1e-6)
        assert counts.factor * tempo in (90.0, 180.0)


@pytest.mark.parametrize("tempo", [62.0, 95.0, 124.0, 168.0, 205.0])
def test_the_tempo_of_a_dance_suits_its_style(counts: DanceCount, tempo: float) -> None:
    for k in range(60):
        now = state(k / 30, k * tempo / 60 / 30, tempo)
        counts.take(now, None)
    low, high = counts._families[counts.family]
    assert low / 1.13 <= counts.tempo(now) <= high * 1.13


@pytest.mark.parametrize(("second", "stays"), [(3.0, False), (20.0, True)])
def test_a_first_tempo_twice_too_fast_is_forgotten_and_a_later_one_kept(
    counts: DanceCount, second: float, stays: bool
) -> None:
    """Salsa suits 208 bpm; at 104 others do, but by then it is danced at every half beat."""
    heard = 0.0
    for k in range(30 * 30):
        tempo = 208.0 if k / 30 < second else 104.0
        heard += tempo / 60 / 30
        counts.take(state(k / 30, heard, tempo), None)
        if k / 30 < second:
            assert counts.family == "salsa"
    assert (counts.family == "salsa") == stays


@pytest.mark.parametrize(("tempo", "punch"), [(90.0, 0.7), (90.0, 3.3), (124.0, 2.9), (174.0, 3.0), (70.0, 0.6)])
def test_the_style_is_that_of_a_whole_song_of_this_kind(counts: DanceCount, tempo: float, punch: float) -> None:
    facts = find_checkpoint("starter").completion
    assert isinstance(facts, LatentFlow)
    for k in range(30 * 10):
        counts.take(state(k / 30, k * tempo / 60 / 30, tempo, punch=punch if k > 120 else None), None)
    assert counts.family == suited_family(facts, SongCharacter(tempo, punch))


@pytest.mark.parametrize(("soft", "changes"), [(4.0, False), (14.0, True)])
def test_a_section_that_strikes_otherwise_gets_its_style_a_breath_does_not(
    counts: DanceCount, soft: float, changes: bool
) -> None:
    tempo, families = 90.0, []
    for k in range(30 * 60):
        now = k / 30
        counts.take(state(now, now * tempo / 60, tempo, punch=0.7 if 30 < now < 30 + soft else 3.3), None)
        families.append(counts.family)
    assert families[29 * 30] == families[-1] == "street"
    assert (set(families[30 * 30 :]) != {"street"}) == changes


def test_auto_leaves_a_style_that_was_asked_for_and_suits_no_music(counts: DanceCount) -> None:
    for k in range(30 * 40):
        now = k / 30
        counts.take(state(now, now * 1.5, 90.0, punch=3.3), "breaking" if now < 25 else None)
        assert now >= 25 or counts.family == "breaking"
    assert counts.family == "street"


def test_a_downbeat_that_moves_moves_the_phrase_by_whole_beats(counts: DanceCount) -> None:
    import dataclasses

    for k in range(200):
        heard = k * 2 / 30
        now = state(k / 30, heard)
        if k > 100:
            now = dataclasses.replace(now, bar=(heard + 1) % 4)
        counts.take(now, None)
    off = (counts.count - (heard + 1)) / 4
    assert off == pytest.approx(round(off), abs=1e-6)


def test_expected_onsets_are_those_of_the_last_bars() -> None:
    memory = AccentMemory()
    for n in range(8 * 12):
        count = n / 4
        memory.take(count, np.array([1.0, 0, 0, 0]) if n % 4 == 0 else np.zeros(4))
    expected = memory.at(np.array([100.0, 100.5, 101.0]))
    assert expected[:, 0] == pytest.approx([expected[0, 0], 0.0, expected[2, 0]])
    assert expected[0, 0] > 0.5
