"""Judged by dancing: a model is a function from song, length and seed to a motion."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from dancers import groove_dance

from farandole.errors import DataError
from farandole.evaluation.free_running import free_running
from farandole.evaluation.real_range import RealRange, real_range
from farandole.motion import Motion


@dataclass(frozen=True)
class Tune:
    name: str
    bpm: float


TUNES = (Tune("slow", 100), Tune("quick", 120))


def good(tune: Tune, seconds: float, seed: int) -> Motion:
    return groove_dance(seed + 40, tune.bpm, seconds)[0]


def broken(tune: Tune, seconds: float, seed: int) -> Motion:
    motion = good(tune, seconds, seed)
    return replace(motion, root_positions=np.full_like(motion.root_positions, np.nan)) if seed else motion


@pytest.fixture(scope="module")
def real() -> RealRange:
    made = [groove_dance(seed, 100 + 3 * seed, 24) for seed in range(6)]
    return real_range([m for m, _ in made], [b for _, b in made])


def test_every_song_is_danced_with_every_seed(real: RealRange) -> None:
    done = []
    run = free_running(
        good,
        TUNES,
        real,
        seconds=12,
        seeds=(0, 1),
        beats=lambda tune: np.arange(360) / 30 * tune.bpm / 60,
        progress=lambda n, total: done.append((n, total)),
    )
    assert [dance.name for dance in run.dances] == ["slow seed 0", "slow seed 1", "quick seed 0", "quick seed 1"]
    assert done[-1] == (4, 4)
    assert all(m.seconds == pytest.approx(12) for m in run.motions)
    assert run.scorecard.counted == 11
    assert run.scorecard["joint_speed"].passed


def test_a_model_that_breaks_is_told_with_the_reason(real: RealRange) -> None:
    whole, half = (free_running(model, TUNES, real, seconds=8, seeds=(0, 1)) for model in (good, broken))
    assert len(half.motions) == 2
    assert half.scorecard.passed == 0
    assert half.scorecard < whole.scorecard
    failures = json.loads(json.dumps(half.as_dict()))["failures"]
    assert set(failures) == {"slow seed 1", "quick seed 1"}
    assert "NaN" in failures["slow seed 1"]


def test_a_model_that_does_not_listen_dances_alike_to_all_songs(real: RealRange) -> None:
    deaf = lambda tune, seconds, seed: groove_dance(seed, 110, seconds)[0]  # noqa: E731
    listening, not_listening = (free_running(m, TUNES, real, seconds=8, seeds=(0, 1)) for m in (good, deaf))
    assert not_listening.between_songs == pytest.approx(0, abs=1e-6)
    assert not_listening.between_seeds > 3
    assert listening.between_songs > 3
    assert listening.as_dict()["between_songs"] == pytest.approx(listening.between_songs, rel=1e-4)
    assert np.isnan(free_running(good, TUNES[:1], real, seconds=8).between_songs)


def test_dances_are_kept_as_files(real: RealRange, tmp_path: Path) -> None:
    run = free_running(broken, TUNES, real, seconds=8, seeds=(0, 1))
    assert [p.name for p in run.save(tmp_path / "dances")] == ["slow seed 0.npz", "quick seed 0.npz"]


def test_other_errors_pass_through(real: RealRange) -> None:
    def buggy(tune: Tune, seconds: float, seed: int) -> Motion:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        free_running(buggy, TUNES, real)
    with pytest.raises(DataError, match="nothing to dance to"):
        free_running(good, [], real)
