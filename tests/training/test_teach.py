"""Teaching a style: what is understood, what is kept, and that the run appears whole or not at all."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from training_toys import DANCER

from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.checkpoints.weights import load_model
from farandole.data.starter.groove.dancer import groove
from farandole.data.starter.songs import compose
from farandole.errors import AbilityError, DataError, MotionError, OutputError
from farandole.generation.dance import dance
from farandole.models.latent_dancer import LatentDancer
from farandole.training.recipe import read_values
from farandole.training.run import train
from farandole.training.start import blended, start_from
from farandole.training.teaching import fine_tuning, judge, teach
from farandole.training.teaching.lessons import find_lessons, read_lessons
from farandole.training.teaching.rehearsal import RehearsalPlan

SHORT = RehearsalPlan(songs=1, seconds=6.0)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two takes, one of them with music, and a file that is none."""
    folder = tmp_path_factory.mktemp("recordings")
    for number, name in enumerate(("alone", "with")):
        groove(np.arange(300) / 30 * 2.0, seed=20 + number, energy=0.5).save(folder / f"{name}.bvh")
    song = compose(120.0, 10.0, genre="house", seed=3)
    soundfile.write(folder / "with.wav", song.samples, song.sample_rate)
    (folder / "broken.bvh").write_text("no motion")
    return folder


@pytest.fixture(scope="module")
def dancer(dance_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy dancer."""
    run = tmp_path_factory.mktemp("runs") / "toy"
    train(DANCER, dance_folder, run)
    return run


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teach, "SHOWN", 6.0)
    monkeypatch.setattr(teach, "SONGS", 1)


def test_what_is_understood_of_recordings(recordings: Path) -> None:
    lessons, refused = read_lessons(find_lessons([recordings]), "mine")
    assert [lesson.name for lesson in lessons] == ["alone", "with"]
    assert [r["name"] for r in refused] == ["broken.bvh"]
    alone, music = lessons
    assert alone.sound is None
    assert music.sound == recordings / "with.wav"
    assert music.bpm == pytest.approx(120.0, abs=1.5)
    assert len(music.motion) == 300  # as it was recorded: nothing is trimmed off the music
    for lesson in lessons:
        assert len({part.name for part in lesson.parts}) == 6  # three tempi, mirrored
        for part in lesson.parts:
            assert len(part.pose) == len(part.music)
            assert np.isfinite(part.pose).all()
            assert np.isfinite(part.music).all()
    slow, own = (next(p for p in music.parts if p.name == f"with_x{tempo}") for tempo in ("092", "100"))
    assert len(slow.pose) / len(own.pose) == pytest.approx(1 / 0.92, abs=0.01)
    assert slow.bpm == pytest.approx(0.92 * own.bpm)


def test_a_long_recording_leaves_its_end_to_measure_on(tmp_path: Path) -> None:
    groove(np.arange(1500) / 30 * 2.0, seed=4, energy=0.5).save(tmp_path / "long.bvh")
    (lesson,), _ = read_lessons(find_lessons([tmp_path / "long.bvh"]), "mine")
    held_out = [part for part in lesson.parts if part.split == "test"]
    assert [part.name for part in held_out] == ["long_x100_end"]
    own = next(part for part in lesson.parts if part.name == "long_x100")
    assert len(held_out[0].pose) == pytest.approx(0.1 * (len(own.pose) + len(held_out[0].pose)), abs=1)


def test_a_style_is_learnt_and_the_old_ones_are_kept(recordings: Path, dancer: Path, tmp_path: Path) -> None:
    said: list[str] = []
    made = teach.teach(
        recordings, tmp_path / "mine", name="my style", model=dancer, steps=3, rehearsal=SHORT,
        progress=lambda what, share: said.append(what),
        understood=lambda lessons, refused: said.append(f"{len(lessons)} {len(refused)}"),
    )  # fmt: skip
    assert "2 1" in said
    assert {"reading recordings", "rehearsing old styles", "training"} <= set(said)
    before, after = find_checkpoint(dancer), find_checkpoint(tmp_path / "mine")
    assert set(after.config.labels) == set(before.config.labels) | {"my style"}
    assert after.config.recipe["start"] == str(dancer)
    np.testing.assert_allclose(after.scalers["motion"].mean, before.scalers["motion"].mean, rtol=1e-6)
    np.testing.assert_allclose(after.scalers["latent"].std, before.scalers["latent"].std, rtol=1e-6)
    old, new = load_model(before).state_dict(), load_model(after).state_dict()
    frozen = [name for name in old if name.startswith(("encoder.", "decoder."))]
    assert all(torch.equal(old[name].half(), new[name].half()) for name in frozen)
    assert made.forgotten <= made.forgotten_at_most
    assert after.completion.styles["my style"].family == "my style"
    assert "Recordings of 'my style'" in after.card
    assert after.card.startswith("# mine")
    facts = json.loads((tmp_path / "mine" / "taught.json").read_text())
    assert [clip["name"] for clip in facts["clips"]] == ["alone", "with"]
    assert facts["refused"][0]["name"] == "broken.bvh"
    assert sorted(os.listdir(tmp_path)) == ["mine"]
    assert not (tmp_path / "mine" / "states").exists()
    song = compose(110.0, 5.0, genre="house", seed=1)
    soundfile.write(tmp_path / "song.wav", song.samples, song.sample_rate)
    assert len(dance(tmp_path / "song.wav", model=tmp_path / "mine", style="my style", seconds=4)) == 120
    with pytest.raises(OutputError, match="exists already"):
        teach.teach(recordings, tmp_path / "mine", model=dancer)


def test_ctrl_c_leaves_nothing(recordings: Path, dancer: Path, tmp_path: Path) -> None:
    def stop(what: str, share: float) -> None:
        if what == "rehearsing old styles":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        teach.teach(recordings, tmp_path / "runs" / "mine", model=dancer, steps=2, rehearsal=SHORT, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_too_much_forgotten_goes_back_towards_the_old_weights(
    recordings: Path, dancer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fine_tuning, "RATE", 300.0)
    made = teach.teach(recordings, tmp_path / "mine", model=dancer, steps=4, rehearsal=SHORT)
    assert made.kept_share < 1.0
    one = {"a": torch.zeros(2), "table": torch.zeros(2, 3)}
    other = {"a": torch.ones(2), "table": torch.ones(3, 3)}
    mixed = blended(one, other, 0.25)
    torch.testing.assert_close(mixed["a"], torch.full((2,), 0.25))
    torch.testing.assert_close(mixed["table"], other["table"])
    assert judge.forgetting({"a": 1.0, "b": 2.0}, {"a": 1.1, "b": 1.0, "new": 9.0}, ["a", "b"]) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("a,b", MotionError, "cannot be the name of a style"),
        (" ", MotionError, "cannot be"),
        ("auto", MotionError, "already"),
    ],
)
def test_names_that_no_style_can_have(recordings: Path, dancer: Path, tmp_path: Path, name, error, says) -> None:
    with pytest.raises(error, match=says):
        teach.teach(recordings, tmp_path / "mine", name=name, model=dancer)


def test_what_cannot_be_taught(recordings: Path, dancer: Path, tmp_path: Path) -> None:
    with pytest.raises(AbilityError, match="has no styles to add to"):
        teach.teach(recordings, tmp_path / "mine", model="inbetween")
    with pytest.raises(DataError, match="no recordings"):
        teach.teach(tmp_path, tmp_path / "mine", model=dancer)
    with pytest.raises(DataError, match="no such folder"):
        teach.teach(tmp_path / "nowhere", tmp_path / "mine", model=dancer)
    with pytest.raises(DataError, match="none of 1 recordings can be used: broken.bvh"):
        teach.teach(recordings / "broken.bvh", tmp_path / "mine", model=dancer)
    assert list(tmp_path.iterdir()) == []


def test_labels_take_their_rows_along_and_new_ones_begin_in_the_middle(dancer: Path) -> None:
    known = find_checkpoint(dancer)
    old = known.config.labels
    recipe = read_values(known.config.recipe | {"start": str(dancer)})
    config = recipe.config.fitted({"style": len(old) + 1})
    model = LatentDancer(config)
    labels = ("new", *reversed(old))
    start_from(model, replace(recipe, config=config), labels)
    rows, before = model.flow.style.weight, load_model(known).state_dict()["flow.style.weight"]
    for label in old:
        torch.testing.assert_close(rows[labels.index(label)], before[old.index(label)])
    torch.testing.assert_close(rows[0], before.mean(dim=0))
