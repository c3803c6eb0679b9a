"""A dance follows the form of its song: quiet sections are calm, builds rise, repeats are alike but not equal."""

from __future__ import annotations

import numpy as np
import pytest

from farandole.data.starter.songs import compose
from farandole.generation.completion import open_model
from farandole.generation.latent_flow.dance_form import DanceForm, _level
from farandole.generation.latent_flow.latent_windows import ECHO, echoed
from farandole.motion import rotations as rot
from farandole.motion.edit import heading
from farandole.music.conditioning import conditions
from farandole.music.sections import find_sections
from farandole.music.song import Song

FPS = 30.0
BEAT = 15
"""Frames of a count at 120 per minute."""


@pytest.fixture(scope="module")
def music() -> Song:
    made = compose(122.0, 60.0, genre="house", seed=900)
    return Song.from_samples(made.samples, made.sample_rate, name="house")


def form(*sections: tuple[int, float]) -> tuple[DanceForm, np.ndarray]:
    """Sections of 16 counts with label and energy, and the count of their frames."""
    starts = 16 * BEAT * np.arange(len(sections) + 1)
    energy = np.repeat([e for _, e in sections], 16 * BEAT)
    made = DanceForm(starts, tuple(label for label, _ in sections), energy)
    return made, np.arange(starts[-1]) / BEAT


def test_the_form_is_that_of_the_song(music: Song) -> None:
    heard = conditions(music, FPS)
    found = DanceForm.of(find_sections(music), heard.energy, FPS)
    assert (found.starts[0], found.starts[-1]) == (0, len(heard))
    assert len(found.labels) == len(found.starts) - 1 > 2
    assert len(set(found.labels)) < len(found.labels)
    means = [heard.energy[a:b].mean() for a, b in zip(found.starts[:-1], found.starts[1:], strict=True)]
    gains = [found.gain[a:b].mean() for a, b in zip(found.starts[:-1], found.starts[1:], strict=True)]
    assert np.corrcoef(means, gains)[0, 1] > 0.8
    assert found.gain.min() > 0.2
    part = DanceForm.of(find_sections(music), heard.energy[:300], FPS)
    assert part.starts[-1] == 300


def test_a_build_rises_and_a_break_falls_at_once() -> None:
    energy = np.repeat([-1.0, 1.0, -1.0], 300)
    level = _level(np.array([0, 300, 600, 900]), energy)
    assert (np.diff(level[:300]) >= 0).all()
    assert level[299] - level[0] > 0.5
    assert np.ptp(level[600:]) == 0.0
    assert level[600] == -1.0


def test_phrases_begin_where_most_sections_do() -> None:
    made, count = form((0, 0.0), (1, 0.0), (0, 0.0))
    assert made.phrase_shift(count) == 0.0
    assert made.phrase_shift(count + 4.0) == 4.0


def test_repeats_point_to_the_same_count_of_the_first_time() -> None:
    made, count = form((0, 0.0), (1, 0.0), (0, 0.0))
    lag = made.echoes(count)
    assert not lag[: 32 * BEAT].any()
    np.testing.assert_array_equal(lag[32 * BEAT :], 32 * BEAT)
    faster = np.concatenate((count[: 32 * BEAT], count[32 * BEAT] + 2.0 * np.arange(16 * BEAT) / BEAT))
    lag = made.echoes(faster)[32 * BEAT :]
    assert not lag[8 * BEAT + 1 :].any(), "counts that the first time did not have repeat nothing"
    moments = np.arange(32 * BEAT, 40 * BEAT) - lag[: 8 * BEAT]
    np.testing.assert_allclose(count[moments], faster[32 * BEAT : 40 * BEAT] - 32.0, atol=1.0 / BEAT)


def test_dynamics_repeat_with_a_section_but_for_some_phrases() -> None:
    phrases = np.random.default_rng(0).uniform(0.2, 2.0, (24, 32)).round(2).tolist()
    labels = [(0, 0.0), (1, 0.0), (0, 0.0)] * 4
    made, count = form(*labels)
    planned = made.dynamics(phrases, count, np.zeros(len(count)), 3)
    sections = planned.reshape(len(labels), -1)
    eights = sections[[0, 2, 3, 5, 6, 8, 9, 11]].reshape(8, 2, -1)
    same = (np.abs(eights[1:] - eights[0]) < 1e-9).all(axis=2)
    assert 0.4 < same.mean() < 0.95
    assert not np.allclose(sections[0], sections[1])
    quiet, count = form((0, -1.5), (0, 1.0))
    planned = quiet.dynamics(phrases, count, np.zeros(len(count)), 3).reshape(2, -1)
    assert planned[0].mean() < 0.7 * planned[1].mean()
    assert made.dynamics([], np.arange(len(made.gain)) / BEAT, np.zeros(len(made.gain)), 3) is None


def test_shared_noise_stays_normal() -> None:
    noise = np.random.default_rng(1).standard_normal((400, 48))
    lag = np.where(np.arange(400) < 200, 0, 200)
    made = echoed(noise, lag)
    np.testing.assert_array_equal(made[:200], noise[:200])
    assert np.corrcoef(made[200:].ravel(), made[:200].ravel())[0, 1] == pytest.approx(ECHO, abs=0.02)
    assert made.std() == pytest.approx(1.0, abs=0.02)
    np.testing.assert_array_equal(echoed(noise, np.full(400, 500)), noise)


def test_repeated_sections_are_danced_alike_and_not_equally(music: Song) -> None:
    dancer = open_model("starter")
    asked = dancer.score(music, round(music.seconds * FPS), style="street")
    (made,) = dancer.dance([asked], seed=2)
    shape = rot.rotate(rot.from_yaw(-heading(made))[:, None], made.positions - made.positions[:, :1])
    repeats = np.flatnonzero((asked.echo > 0) & (np.arange(len(made)) > 60))[::5]
    assert len(repeats) > 30
    apart = lambda a, b: np.linalg.norm(shape[a] - shape[b], axis=-1).mean()  # noqa: E731
    alike = np.mean([apart(t, t - asked.echo[t]) for t in repeats])
    random = np.random.default_rng(0)
    others = []
    for t in repeats:
        on = (np.abs(asked.count - asked.count[t]) % 8 < 0.1) & (np.abs(np.arange(len(made)) - t) > 60)
        on &= np.abs(np.arange(len(made)) - (t - asked.echo[t])) > 60
        others.append(apart(t, random.choice(np.flatnonzero(on))))
    assert 0.03 < alike < 0.85 * np.mean(others)
