"""What a song asks of a dancer: which style, counted how fast, how lively."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from farandole.data.starter.songs import compose
from farandole.errors import MotionError
from farandole.generation.latent_flow.dance_score import STILL, song_score, steady_score
from farandole.generation.latent_flow.styles import style_names, style_shares, style_token, style_tokens
from farandole.generation.latent_flow.suited_style import SongCharacter, suited_family
from farandole.models.abilities import DanceStyle, LatentFlow
from farandole.music.beats import Beats
from farandole.music.song import Song

FACTS = LatentFlow(
    {
        "salsa lead": DanceStyle("salsa", (143.0, 217.0), 180.0, liveliness=1.2),
        "salsa follow": DanceStyle("salsa", (143.0, 217.0), 180.0, liveliness=-0.4),
        "groove": DanceStyle("groove", (75.0, 145.0), 110.0),
    },
    ("root",),
)


def song(genre: str, bpm: float, seconds: float = 20.0) -> Song:
    made = compose(bpm, seconds, genre=genre, seed=3)
    return Song.from_samples(made.samples, made.sample_rate, name=genre)


def test_styles_are_families_and_their_tokens() -> None:
    assert style_names(FACTS) == ("auto", "salsa", "salsa-lead", "salsa-follow", "groove")
    assert style_token(FACTS, "salsa-lead", 0) == style_token(FACTS, "salsa-lead", 1) == "salsa lead"
    assert {style_token(FACTS, "salsa", role) for role in (0, 1)} == {"salsa lead", "salsa follow"}
    assert style_token(FACTS, "groove", 5) == "groove"


def test_style_decides_how_a_song_is_counted() -> None:
    heard = song("house", 92.0)
    for style, (low, high) in (("salsa", (143.0, 217.0)), ("groove", (75.0, 145.0))):
        tempo = song_score(FACTS, heard, 600, 30.0, style=style).tempo
        assert low * 0.97 <= np.median(tempo) <= high * 1.03


@pytest.mark.parametrize(("genre", "bpm", "family"), [("salsa", 184.0, "salsa"), ("house", 124.0, "groove")])
def test_the_tempo_chooses_the_style(genre: str, bpm: float, family: str) -> None:
    assert song_score(FACTS, song(genre, bpm), 300, 30.0).style.startswith(family)


def test_energy_and_liveliness_add_up_within_bounds() -> None:
    heard = song("pop", 104.0)
    plain, lively, wild = (
        song_score(FACTS, heard, 600, 30.0, style="groove", energy=e).energy for e in (1.0, 1.4, 9.0)
    )
    free = np.abs(plain) < 1.5
    np.testing.assert_allclose((lively - plain)[free], 0.6, atol=1e-9)
    assert wild.max() == 2.5
    lead = song_score(FACTS, heard, 600, 30.0, style="salsa-lead").energy
    follow = song_score(FACTS, heard, 600, 30.0, style="salsa-follow").energy
    assert np.median(lead - follow) == pytest.approx(1.6, abs=0.2)


def test_silence_is_a_steady_count_and_calm_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    quiet = Song.from_samples(np.zeros(22050 * 10, np.float32), 22050, name="silence")
    with caplog.at_level(logging.WARNING):
        score = song_score(FACTS, quiet, 300, 30.0, style="groove")
    assert "silence is silent: the dancer stands still" in caplog.text
    assert "clear beat" not in caplog.text
    np.testing.assert_array_equal(score.energy, FACTS.calm)
    assert len(score) == 300


def test_noise_is_danced_calmly_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    hiss = np.random.default_rng(0).normal(0.0, 0.1, 22050 * 10).astype(np.float32)
    with caplog.at_level(logging.WARNING):
        score = song_score(FACTS, Song.from_samples(hiss, 22050, name="hiss"), 300, 30.0, style="groove")
    assert "hiss has no clear beat: dancing calmly" in caplog.text
    np.testing.assert_array_equal(score.energy, FACTS.calm)


def test_without_a_song_there_is_an_even_count_in_the_last_style() -> None:
    score = steady_score(FACTS, 90, 30.0)
    assert score.style == "groove"
    np.testing.assert_allclose(np.diff(score.count), 110 / 60 / 30)
    assert not score.bands.any()


def test_the_count_runs_on_beyond_both_ends_and_parts_are_parts() -> None:
    score = steady_score(FACTS, 60, 30.0)
    longer = score.extended(10, 20, 30.0)
    assert len(longer) == 90
    np.testing.assert_allclose(np.diff(longer.count), score.count[1] - score.count[0])
    np.testing.assert_array_equal(longer.part(slice(10, 70)).count, score.count)
    heard = song("house", 120.0, 8.0)
    beyond = song_score(FACTS, heard, 400, 30.0, style="groove")
    assert len(beyond) == 400
    assert (np.diff(beyond.count) > 0).all()
    np.testing.assert_array_equal(
        song_score(FACTS, heard, 100, 30.0, style="groove").count, beyond.part(slice(100)).count
    )


def test_styles_that_are_not_known_are_told_with_those_that_are() -> None:
    for make in (
        lambda: song_score(FACTS, song("pop", 100.0, 4.0), 60, 30.0, style="polka"),
        lambda: steady_score(FACTS, 60, 30.0, style="polka"),
    ):
        with pytest.raises(
            MotionError, match="no style 'polka': there are auto, salsa, salsa-lead, salsa-follow, groove"
        ):
            make()


def test_a_mixture_is_its_tokens_with_weights_that_add_up_to_one() -> None:
    assert style_shares("salsa:3, groove:1") == {"salsa": 0.75, "groove": 0.25}
    assert style_tokens(FACTS, "groove:1,salsa-lead:3", 0) == {"salsa lead": 0.75, "groove": 0.25}
    score = song_score(FACTS, song("pop", 104.0, 6.0), 90, 30.0, style="groove:1,salsa-lead:3")
    assert score.style == "salsa lead"
    np.testing.assert_allclose(score.mix, np.repeat([[0.75, 0.0, 0.25]], 90, axis=0))
    for wrong in ("groove:x", "groove:-1", "groove:0", "groove:nan"):
        with pytest.raises(MotionError, match="is no positive number"):
            style_shares(wrong)


def test_a_style_changes_at_the_beginning_of_four_counts() -> None:
    heard = song("house", 120.0, 16.0)
    score = song_score(FACTS, heard, 480, 30.0, style="groove", changes=[(8.0, "salsa-lead")])
    groove, salsa = (song_score(FACTS, heard, 480, 30.0, style=s) for s in ("groove", "salsa-lead"))
    at = int(np.flatnonzero(score.count != groove.count)[0])
    assert abs(at / 30.0 - 8.0) <= 2.0
    assert np.floor(score.count[at] / 4) > np.floor(salsa.count[at - 1] / 4)
    np.testing.assert_array_equal(score.count[at:], salsa.count[at:])
    np.testing.assert_array_equal(score.mix[[0, -1]], [[0, 0, 1], [1, 0, 0]])
    np.testing.assert_allclose(score.mix.sum(axis=1), 1.0, atol=1e-6)


def test_tempo_and_punch_choose_among_styles_that_say_what_they_suit() -> None:
    styles = {
        "slow": DanceStyle("slow", (70.0, 150.0), 90.0, suits=(72.0, 0.9)),
        "party": DanceStyle("party", (70.0, 150.0), 110.0, suits=(128.0, 2.4)),
        "karate": DanceStyle("karate", (70.0, 150.0), 110.0),
    }
    facts = LatentFlow(styles, ("root",))
    assert [suited_family(facts, SongCharacter(t, p)) for t, p in ((80.0, 0.6), (120.0, 3.0))] == ["slow", "party"]
    assert suited_family(facts, SongCharacter(130.0)) == "party"


def test_dynamics_are_those_of_phrases_and_rest_in_silence_and_at_the_end() -> None:
    phrases = (tuple(np.linspace(0.5, 1.5, 32)), tuple(np.linspace(2.0, 1.0, 32)))
    facts = LatentFlow({"groove": DanceStyle("groove", (75.0, 145.0), 110.0, phrases=phrases)}, ("root",))
    heard = song("house", 120.0, 16.0)
    score = song_score(facts, heard, 480, 30.0)
    assert score.dynamics[:400].min() >= 0.4
    assert len(set(np.round(score.dynamics[:400], 3))) > 50
    assert score.dynamics[-1] == STILL
    assert score.features(1.0)[:, 16].all()
    assert not song_score(FACTS, heard, 480, 30.0).features(1.0)[:, 15:].any()
    quiet = Song.from_samples(np.zeros(22050 * 10, np.float32), 22050, name="silence")
    np.testing.assert_array_equal(song_score(facts, quiet, 300, 30.0).dynamics, STILL)


def test_soft_music_is_danced_softly_and_only_silence_is_stillness() -> None:
    facts = LatentFlow({"groove": DanceStyle("groove", (75.0, 145.0), 110.0, phrases=((1.0,) * 32,))}, ("root",))
    made = compose(120.0, 40.0, genre="house", seed=3)
    whole = made.samples.copy()
    parts = [slice(round(a * made.sample_rate), round(b * made.sample_rate)) for a, b in ((0, 10), (24, 30))]
    whole[parts[0]] *= 10 ** (-25 / 20)  # a soft beginning
    whole[parts[1]] = 0.0
    score = song_score(facts, Song.from_samples(whole, made.sample_rate, name="soft, loud, silent"), 1200, 30.0)
    soft, loud, silent = (float(score.dynamics[30 * a : 30 * b].mean()) for a, b in ((2, 8), (14, 22), (26, 28)))
    assert 0.2 < soft < 0.7 * loud
    assert silent == pytest.approx(STILL, abs=0.02)


def test_songs_are_danced_otherwise_by_the_same_seed_and_a_song_alike_however_it_is_counted() -> None:
    numbers = {song_score(FACTS, song(genre, 120.0), 600, 30.0).chance for genre in ("house", "pop", "disco")}
    assert len(numbers) == 3
    heard = song("house", 120.0)
    counted = heard.with_beats(Beats(np.arange(0.3, 20.0, 0.6), 0))
    asked = [
        song_score(FACTS, heard, 600, 30.0, style="salsa", role=1),
        song_score(FACTS, heard, 100, 30.0, energy=1.5),
        song_score(FACTS, counted, 600, 30.0, changes=[(8.0, "salsa-lead")]),
    ]
    assert len({score.chance for score in asked}) == 1
    assert asked[0].chance in numbers
    assert steady_score(FACTS, 90, 30.0).chance == 0
