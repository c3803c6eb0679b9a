"""A model that lacks an ability: one line says which, and which of the user's models have it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.errors import AbilityError
from farandole.generation.partial import PartialMotion
from farandole.generation.required_abilities import describe, needed, require
from farandole.motion.motion import Motion
from farandole.music.song import Song

SONG = Song.from_samples(np.zeros(22050, np.float32), 22050, name="song")


def partial(take: Motion, pattern: str, song: Song | None = None, *, joints: bool = False) -> PartialMotion:
    known = {"nothing": np.zeros(240, bool), "past": np.arange(240) < 100, "gaps": np.arange(240) % 9 == 0}[pattern]
    if joints:
        known = np.repeat(known[:, None], len(take.skeleton), axis=1)
        known[:, 3] = False
    return PartialMotion(take, known, song=song)


@pytest.mark.parametrize(
    ("pattern", "song", "joints", "names", "said"),
    [
        ("nothing", None, False, ["nothing"], "dancing from nothing"),
        ("nothing", SONG, False, ["nothing", "music"], "dancing from nothing"),
        ("past", None, False, ["past"], "going on from a motion"),
        ("past", SONG, False, ["past", "music"], "going on from a motion"),
        ("gaps", None, False, ["future"], "filling gaps"),
        ("gaps", SONG, False, ["future"], "filling gaps"),  # music helps, but gaps are filled without
    ],
)
def test_what_a_partial_motion_takes(take: Motion, pattern, song, joints, names, said) -> None:
    asked = partial(take, pattern, song, joints=joints)
    assert needed(asked) == names
    assert describe(asked) == said


def test_single_joints_are_an_ability_of_their_own_but_in_gaps(take: Motion) -> None:
    asked = partial(take, "past", joints=True)
    assert "joints" in needed(asked)
    assert describe(asked) == "completing single joints"
    known = np.ones((240, len(take.skeleton)), bool)
    known[50:70, 3] = False
    assert needed(PartialMotion(take, known)) == ["future"]  # in a gap, known ones are put back


def run_of(name: str, place: Path, **abilities: bool) -> Path:
    """A run of the user's, like a shipped model but for its abilities."""
    folder = place / "checkpoint"
    shutil.copytree(find_checkpoint(name).folder, folder)
    facts = json.loads((folder / "config.json").read_text())
    facts["abilities"] |= abilities
    (folder / "config.json").write_text(json.dumps(facts))
    return place


def test_the_users_own_runs_are_suggested_as_they_are_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_of("inbetween", Path("runs/limbs"), joints=True)
    run_of("inbetween", Path("runs/plain"))
    (Path("runs") / "unfinished" / "logs").mkdir(parents=True)
    (Path("runs") / "damaged" / "checkpoint").mkdir(parents=True)
    (Path("runs") / "notes.txt").write_text("not a run")
    with pytest.raises(AbilityError) as caught:
        require(find_checkpoint("starter"), ["future", "joints"], "completing single joints")
    assert str(caught.value) == (
        "completing single joints: the model starter (latent_dancer) lacks what that needs: completes single joints; "
        "it begins without a known frame, goes on from a past, fills gaps, listens to music, takes a style, draws at random; "
        "these can: runs/limbs"
    )
    for suggested in str(caught.value).rpartition("these can: ")[2].split(", "):
        assert find_checkpoint(suggested).abilities.joints
    with pytest.raises(
        AbilityError, match="begins without a known frame and draws at random; it fills gaps; these can: starter$"
    ):
        require(find_checkpoint("runs/plain"), ["nothing", "random"], "x")


def test_what_no_model_can_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AbilityError, match="completes single joints; it .*; none of the models here can$"):
        require(find_checkpoint("starter"), ["joints"], "x")
    require(find_checkpoint("starter"), ["nothing", "past", "future", "music", "labels", "random"], "x")
