"""What "auto" chooses, and why."""

from __future__ import annotations

import numpy as np
import pytest

from farandole.data.starter.songs import compose
from farandole.generation.completion import open_model
from farandole.generation.latent_flow.suited_style import (
    SongCharacter,
    chosen_style,
    distances,
    section_styles,
    suited_family,
)
from farandole.models.abilities import LatentFlow
from farandole.music.sections import find_sections
from farandole.music.song import Song


@pytest.fixture(scope="module")
def facts() -> LatentFlow:
    return open_model("starter").facts


@pytest.mark.parametrize(
    ("character", "family"),
    [
        (SongCharacter(87.0, 2.7, 4), "street"),
        (SongCharacter(87.0, 2.7, 3), "modern"),
        (SongCharacter(87.0, 0.8, 3), "slow"),
        (SongCharacter(172.0, 1.3, 6), "modern"),
        (SongCharacter(172.0, 3.0, 4), "salsa"),
        (SongCharacter(90.0, 3.3, 4), "street"),
        (SongCharacter(90.0, 3.3, 4, busy=0.7), "salsa"),
        (SongCharacter(124.0, 2.9, 4), "party"),
        (SongCharacter(120.0, 6.0, 4), "groove"),
    ],
)
def test_tempo_punch_meter_and_what_sounds_between_beats_decide(
    facts: LatentFlow, character: SongCharacter, family: str
) -> None:
    assert suited_family(facts, character) == family
    away = distances(facts, character)
    assert list(away.values()) == sorted(away.values())
    assert not {"breaking", "martial"} & set(away), "danced only when asked for"


def test_the_choice_is_told_with_its_reasons(facts: LatentFlow) -> None:
    made = compose(180.0, 20.0, genre="salsa", seed=3)
    song = Song.from_samples(made.samples, made.sample_rate, name="salsa")
    told = chosen_style(facts, song)
    assert told["style"] == "salsa" == next(iter(told["distances"]))
    assert "bpm, bars of 4, punch" in told["because"]
    quiet = Song.from_samples(np.zeros(22050 * 8, np.float32), 22050, name="silence")
    assert chosen_style(facts, quiet)["changes"] == []


def test_a_section_that_another_style_suits_clearly_better_is_danced_in_it(facts: LatentFlow) -> None:
    hard = compose(84.0, 24.0, genre="hiphop", seed=2)
    random = np.random.default_rng(0)
    rate = hard.sample_rate
    # A chord that swells and fades, then drums: the punch of the parts differs.
    times = np.arange(24 * rate) / rate
    pad = sum(np.sin(2 * np.pi * f * times) for f in (220.0, 277.0, 330.0)) * (
        0.1 + 0.05 * np.sin(2 * np.pi * times / 3)
    )
    samples = np.concatenate((pad + 0.001 * random.standard_normal(len(pad)), hard.samples)).astype(np.float32)
    song = Song.from_samples(samples, rate, name="two parts")
    sections = find_sections(song)
    changes = section_styles(facts, song, sections)
    assert changes
    main = suited_family(facts, SongCharacter.of(song))
    assert {family for _, family in changes} - {main}
    assert {time for time, _ in changes} <= {section.begin for section in sections}
