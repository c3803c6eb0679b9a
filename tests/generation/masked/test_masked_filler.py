"""Models that fill hidden frames: the body's known frames stay, a motion goes on without blowing up, music is heard in place."""

from __future__ import annotations

import importlib
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="these models need the [train] extra")
pytest.importorskip("lightning", reason="these models need the [train] extra")

from farandole.checkpoints.checkpoint import Checkpoint  # noqa: E402
from farandole.errors import AbilityError, DataError, MotionError  # noqa: E402
from farandole.generation.completion import complete, completions, open_model  # noqa: E402
from farandole.generation.masked.masked_windows import (  # noqa: E402
    Chance,
    continue_features,
    fill_window,
    from_canonical,
    to_canonical,
)
from farandole.generation.partial import PartialMotion  # noqa: E402
from farandole.motion.humanoid import house_skeleton  # noqa: E402
from farandole.motion.motion import Motion  # noqa: E402
from farandole.motion.retarget import retarget  # noqa: E402
from farandole.music.song import Song  # noqa: E402

MODELS = ("motionbert", "threebert")


@pytest.fixture(scope="module")
def toys() -> ModuleType:
    return importlib.import_module("toy_models")


@pytest.fixture(scope="module")
def checkpoints(toys, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checkpoint]:
    place = tmp_path_factory.mktemp("masked")
    corpus = toys.danced_corpus(place / "data")
    return {model: toys.masked_checkpoint(place / model, corpus, model) for model in MODELS}


@pytest.fixture(params=MODELS)
def filler(request: pytest.FixtureRequest, checkpoints):
    return open_model(checkpoints[request.param], engine="torch", device="cpu")


def song(seconds: float) -> Song:
    samples = 0.1 * np.random.default_rng(2).standard_normal(round(22050 * seconds))
    return Song.from_samples(samples.astype(np.float32), 22050, name="noise")


def test_what_it_says_it_can_do(checkpoints) -> None:
    deaf, listening = (checkpoints[model].abilities for model in MODELS)
    assert (deaf.past, deaf.future, deaf.music) == (True, True, False)
    assert (listening.past, listening.future, listening.music) == (True, True, True)
    assert deaf.longest_gap == checkpoints["motionbert"].completion.window - 2


def test_gaps_of_its_own_body_and_of_another(filler, take: Motion) -> None:
    known = np.ones(len(take), bool)
    known[50:70] = known[150:160] = False
    for motion in (take, retarget(take, house_skeleton().scaled(1.1))):
        made = complete(PartialMotion(motion, known, song=song(9.0)), filler, feet=False)
        np.testing.assert_array_equal(made.rotations[known], motion.rotations[known])
        np.testing.assert_array_equal(made.root_positions[known], motion.root_positions[known])
        assert np.isfinite(made.rotations).all()
        np.testing.assert_allclose(np.linalg.norm(made.rotations, axis=-1), 1.0, atol=1e-6)
    known[80:180] = False
    with pytest.raises(MotionError, match="is longer than the 1.5 s the model can fill"):
        complete(PartialMotion(take, known), filler)


def test_hidden_frames_are_not_looked_at(filler, take: Motion) -> None:
    known = np.ones(len(take), bool)
    known[50:70] = False
    changed = take.rotations.copy()
    changed[50:70] = take.rotations[:20]
    other = replace(take, rotations=changed)
    one, two = (complete(PartialMotion(m, known, song=song(9.0)), filler, feet=False) for m in (take, other))
    np.testing.assert_array_equal(one.rotations, two.rotations)


def test_a_motion_goes_on_from_where_it_ended(filler, take: Motion) -> None:
    made = complete(
        PartialMotion.after(take, 3.0, song=song(12.0) if filler.checkpoint.abilities.music else None), filler
    )
    assert len(made) == len(take) + 90
    np.testing.assert_array_equal(made.rotations[: len(take)], take.rotations)
    assert np.linalg.norm(made.root_positions[len(take)] - take.root_positions[-1]) < 0.2


def test_what_it_cannot_do_is_said(checkpoints, take: Motion) -> None:
    deaf, listening = (open_model(checkpoints[model], engine="torch", device="cpu") for model in MODELS)
    with pytest.raises(AbilityError, match="going on from a motion: .* listens to music"):
        complete(PartialMotion.after(take, 1.0, song=song(12.0)), deaf)
    with pytest.raises(AbilityError, match="dancing from nothing: "):
        complete(PartialMotion.unknown(1.0, 30.0), deaf)
    with pytest.raises(DataError, match="dances to music only: give a song"):
        complete(PartialMotion.after(take, 1.0), listening)


def features(take: Motion, filler) -> np.ndarray:
    return filler.scale("motion", filler.checkpoint.codec.encode(take))


def test_a_minute_goes_on_without_blowing_up_and_a_part_is_its_beginning(filler, take: Motion) -> None:
    start = features(take.slice(0, 50), filler)
    music = None
    if filler.checkpoint.abilities.music:
        music = np.random.default_rng(0).normal(size=(900, 4)).astype(np.float32)
    added = continue_features(filler.session, filler.facts, start, 900, music)
    turns = added[:, :-3].reshape(900, -1, 3, 3)
    np.testing.assert_allclose(turns @ turns.swapaxes(-1, -2), np.broadcast_to(np.eye(3), turns.shape), atol=1e-5)
    assert np.isfinite(added).all()
    step = np.linalg.norm(np.diff(added[:, -3:], axis=0), axis=-1)
    assert np.median(step[-200:]) <= 2 * np.median(step[:200]) + 0.02  # no faster at the end than at the beginning
    again = continue_features(filler.session, filler.facts, start, 30, music)
    np.testing.assert_array_equal(again, added[:30])


def test_what_cannot_go_on_or_be_filled_is_said(checkpoints, take: Motion) -> None:
    filler = open_model(checkpoints["threebert"], engine="torch", device="cpu")
    start = features(take.slice(0, 20), filler)
    with pytest.raises(DataError, match="music of 10 frames is shorter than the motion of 20"):
        continue_features(filler.session, filler.facts, start, 5, np.zeros((10, 4), np.float32))
    with pytest.raises(DataError, match="nothing is known: a motion cannot be continued from no frame"):
        continue_features(filler.session, filler.facts, start[:0], 5, np.zeros((10, 4), np.float32))
    with pytest.raises(DataError, match="nothing is visible: at least one frame must be known"):
        fill_window(filler.session, filler.facts, start, np.ones(20, bool), np.zeros((20, 4), np.float32))
    long = features(take.slice(0, 60), filler)
    with pytest.raises(DataError, match="a window of 60 frames is longer than the model's 48"):
        fill_window(filler.session, filler.facts, long, np.arange(60) > 5, np.zeros((60, 4), np.float32))


def test_windows_stand_at_the_origin_and_come_back(filler, take: Motion) -> None:
    window = filler.checkpoint.codec.encode(take.slice(30, 70))
    moved, place = to_canonical(window, 12)
    np.testing.assert_allclose(moved[12, [-3, -1]], 0.0, atol=1e-9)
    root = moved[12, :9].reshape(3, 3)
    assert np.arctan2(root[0, 2] - root[2, 0], root[0, 0] + root[2, 2]) == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_allclose(moved[:, -2], window[:, -2])
    np.testing.assert_allclose(from_canonical(moved, place), window, atol=1e-5)


@pytest.fixture(scope="module")
def drawing(toys, tmp_path_factory: pytest.TempPathFactory):
    """A model that draws in rounds."""
    place = tmp_path_factory.mktemp("drawing")
    made = toys.masked_checkpoint(place, toys.danced_corpus(place / "data"), "motionbert", config=toys.GUESSING)
    return open_model(made, engine="torch", device="cpu")


def test_a_model_with_rounds_draws_other_futures_by_other_seeds(drawing, take: Motion) -> None:
    assert drawing.checkpoint.abilities.random
    assert drawing.facts.rounds == 8
    ahead = lambda **given: complete(PartialMotion.after(take, 1.0, **given), drawing).rotations[len(take) :]  # noqa: E731
    one, again, other = ahead(seed=1), ahead(seed=1), ahead(seed=2)
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 1e-3
    cold = [ahead(seed=seed, temperature=0.0) for seed in (1, 2)]
    np.testing.assert_array_equal(*cold)
    first, second = completions(PartialMotion.after(take, 1.0, seed=1), drawing, takes=2)
    np.testing.assert_array_equal(first.rotations[len(take) :], one)
    assert np.abs(first.rotations - second.rotations).max() > 1e-3


def test_what_is_drawn_stays_at_heights_that_training_data_had(drawing, take: Motion) -> None:
    start = features(take.slice(0, 50), drawing)
    free = continue_features(drawing.session, drawing.facts, start, 60, chance=Chance(np.random.default_rng(0)))
    low, high = np.quantile(free[:, -2], [0.3, 0.6])
    held = continue_features(
        drawing.session, drawing.facts, start, 60, chance=Chance(np.random.default_rng(0)), heights=(low, high)
    )
    assert held[:, -2].min() >= np.float32(low)
    assert held[:, -2].max() <= np.float32(high)
    scaler = drawing.checkpoint.scalers["motion"]
    low, high = drawing._heights(start)
    assert low <= scaler.minimum[-2] < scaler.maximum[-2] <= high
    assert drawing._heights(start + 9.0)[1] == pytest.approx(start[:, -2].max() + 9.0, rel=1e-6)


def test_a_model_with_rounds_fills_gaps_without_chance_and_begins_from_nothing(drawing, take: Motion) -> None:
    known = np.ones(len(take), bool)
    known[50:70] = False
    one, two = (complete(PartialMotion(take, known, seed=seed), drawing, feet=False) for seed in (1, 2))
    np.testing.assert_array_equal(one.rotations, two.rotations)
    made = complete(PartialMotion.unknown(3.0, 30.0, seed=4), drawing)
    assert len(made) == 90
    assert np.isfinite(made.root_positions).all()


def test_rounds_end_in_what_the_last_one_says(drawing, take: Motion) -> None:
    """A network that tells the same whatever the guess is answered with that, in as many rounds as its facts say."""
    window = features(take.slice(0, 40), drawing)
    levels, width = [], 6 * len(take.skeleton) + 3

    class Sure:
        def run(self, network, inputs):
            levels.append(float(inputs["noise"][0, 0]))
            return [np.ones_like(inputs["motion"]), np.zeros((1, 40, width), np.float32)]

    hidden = np.arange(40) >= 30
    filled = fill_window(Sure(), drawing.facts, window, hidden, None, Chance(np.random.default_rng(0)))
    np.testing.assert_allclose(levels, np.linspace(1, 0, 9)[:-1])
    np.testing.assert_array_equal(filled[~hidden], window[~hidden])
    levels.clear()
    fill_window(Sure(), replace(drawing.facts, shift=8.0), window, hidden, None, Chance(np.random.default_rng(0)))
    even = np.linspace(1, 0, 9)[:-1]
    np.testing.assert_allclose(levels, 8 * even / (1 + 7 * even), rtol=1e-6)
    levels.clear()
    fill_window(Sure(), drawing.facts, window, hidden)
    assert levels == [1.0]


@pytest.mark.parametrize(("shift", "least", "most"), [(1.0, 0.0, 0.5), (12.0, 0.85, 1.15)])
def test_rounds_that_take_noise_out_later_draw_frames_that_move_together_as_widely_as_they_do(
    drawing, take: Motion, shift: float, least: float, most: float
) -> None:
    """Ten frames of all joints go one way or another as one, by a number of deviation 1; the network is the true mean of what may
    be behind the noise. Rounds of even shares begin by taking the mean of all futures and stay near it."""
    window, joints = features(take.slice(0, 40), drawing), len(take.skeleton)
    hidden, width = np.arange(40) >= 30, 6 * joints + 3

    class Known:
        def run(self, network, inputs):
            noise, guess = inputs["noise"][0, 0], inputs["guess"][0, 30:]
            mean = (1 - noise) * guess.sum() / ((1 - noise) ** 2 * guess.size + noise**2)
            clean = np.zeros((1, 40, width), np.float32)
            clean[:, 30:] = mean
            return [np.full_like(inputs["motion"], mean), clean]

    facts = replace(drawing.facts, shift=shift, rounds=16)
    chances = (Chance(np.random.default_rng(seed)) for seed in range(150))
    # The root's position is told in a world that does not turn: its height is what the network tells.
    drawn = [fill_window(Known(), facts, window, hidden, None, chance)[-1, -2] for chance in chances]
    assert least < np.std(drawn) < most
