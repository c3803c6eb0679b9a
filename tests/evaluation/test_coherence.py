"""Step coherence sees the beat in the feet and nothing at other tempi."""

from __future__ import annotations

import numpy as np
import pytest
from dancers import count, stepping

from farandole.errors import MotionError
from farandole.evaluation.humanoid_view import view_humanoid
from farandole.evaluation.metrics.step_coherence import HARMONICS, TRIPLE, coherence, step_coherence


@pytest.mark.parametrize("harmonic", HARMONICS)
def test_a_pure_cosine_gives_one_over_root_two_at_its_own_harmonic_only(harmonic: float) -> None:
    beats = np.linspace(0, 64, 4096, endpoint=False)
    result = coherence(np.cos(2 * np.pi * harmonic * beats + 0.4)[None], beats)[:, 0]
    assert result[HARMONICS.index(harmonic)] == pytest.approx(np.sqrt(0.5))
    assert np.delete(result, HARMONICS.index(harmonic)).max() < 1e-9


def test_a_constant_signal_has_no_coherence() -> None:
    assert coherence(np.full((1, 100), 3.0), np.arange(100.0)).max() == 0


def test_steps_agree_with_their_own_beat_and_not_with_another() -> None:
    motion = stepping(bpm=110)
    own, chance = step_coherence(view_humanoid(motion), count(motion, 110))
    other, _ = step_coherence(view_humanoid(motion), count(motion, 127))
    assert own > 0.45
    assert other < 0.2
    assert chance < 0.25


def test_where_the_count_begins_does_not_matter() -> None:
    motion = stepping(bpm=96)
    assert step_coherence(view_humanoid(motion), count(motion, 96) + 3.3)[0] == pytest.approx(
        step_coherence(view_humanoid(motion), count(motion, 96))[0]
    )


def test_a_grid_of_another_length_is_refused() -> None:
    with pytest.raises(MotionError, match="7 frames"):
        step_coherence(view_humanoid(stepping()), np.arange(7.0))


@pytest.mark.recordings
def test_real_ballroom_steps_follow_their_own_music(shared) -> None:
    import json

    from farandole.motion.files import load_motion

    dances = json.loads((shared / "data/ballroom/manifest.json").read_text())
    for name, meter in (
        ("ballroom_rumba_02", HARMONICS),
        ("ballroom_rumba_05", HARMONICS),
        ("ballroom_waltz_04", TRIPLE),
    ):
        motion = load_motion(shared / f"data/ballroom/{name}.bvh")
        own, chance = step_coherence(view_humanoid(motion), count(motion, dances[name]["bpm"]), meter)
        assert own > 0.2, name
        assert own > chance + 0.05, name
