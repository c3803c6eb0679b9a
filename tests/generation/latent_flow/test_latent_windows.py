"""Windows after windows: known tokens stay, windows join, pieces decode alike. No model needed: sessions whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest

from farandole.generation.completion import DANCER, open_model
from farandole.generation.latent_flow.latent_windows import decode_latents, sample_latents, velocity_steps
from farandole.models.abilities import DanceStyle, LatentFlow
from farandole.music.dance_features import COLUMNS

FACTS = LatentFlow(
    {"groove": DanceStyle("groove", (75.0, 145.0), 110.0)},
    ("root",),
    tokens=8,
    context=4,
    steps=5,
    frames_per_token=4,
    decode_margin=2,
)


class Curved:
    """Velocities of x = x0 exp(t), a path that bends."""

    threads = 1

    def run(self, network, inputs):
        assert network == "flow"
        return [inputs["x"]]


class Straight:
    """Its flow carries every noise to `goal`; remembers what it was asked."""

    threads = 1

    def __init__(self, goal=3.0):
        self.goal, self.calls = goal, []

    def run(self, network, inputs):
        if network == "decoder":
            return [self.decode(inputs["latents"])]
        assert network == "flow"
        self.calls.append(tuple(inputs[name].copy() for name in ("known", "music", "pinned")))
        return [(self.goal - inputs["x"]) / (1.0 - inputs["t"][:, None, None])]

    def decode(self, latents):
        wide = np.repeat(latents, 4, axis=1)
        padded = np.pad(wide, ((0, 0), (3, 3), (0, 0)), mode="edge")
        return sum(padded[:, k : k + wide.shape[1]] for k in range(7)) / 7


def dance(total, session, *, start=None, batch=2):
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((batch, total, 3)).astype(np.float32)
    music = np.repeat(np.arange(4 * total, dtype=np.float32)[None, :, None], batch, axis=0)
    return sample_latents(
        session,
        music,
        np.ones((batch, total, 1), np.float32),
        noise,
        FACTS,
        pinned=np.zeros((4 * total, 2), np.float32),
        start=start,
    )


@pytest.mark.parametrize("total", [3, 8, 9, 12, 23])
def test_every_token_is_made_once_whatever_the_length(total):
    latents = dance(total, Straight())
    assert latents.shape == (2, total, 3)
    np.testing.assert_allclose(latents, 3.0, atol=1e-5)


def test_windows_are_given_what_was_danced_before():
    session = Straight()
    dance(20, session)
    known = [calls[0][0].sum() for calls in session.calls[:: FACTS.steps]]
    assert known[:3] == [0, 4, 4]
    starts = [calls[1][0, 0, 0] / 4 for calls in session.calls[:: FACTS.steps]]
    assert starts == [0, 4, 8, 12]  # music moves with the window


def test_the_last_window_ends_with_the_dance():
    session = Straight()
    dance(13, session)
    assert session.calls[-1][1][0, -1, 0] == 4 * 13 - 1


def test_a_start_is_kept_untouched():
    start = np.full((2, 3, 3), 7.0, np.float32)
    latents = dance(12, Straight(), start=start)
    np.testing.assert_array_equal(latents[:, :3], start)
    np.testing.assert_allclose(latents[:, 3:], 3.0, atol=1e-5)


def test_decoding_in_pieces_changes_nothing():
    z = np.random.default_rng(1).standard_normal((1, 37, 2)).astype(np.float32)
    session = Straight()
    pieces = list(decode_latents(session, z, FACTS, piece=5))
    np.testing.assert_allclose(np.concatenate(pieces, axis=1), session.decode(z), atol=1e-6)


def test_the_method_is_of_second_order():
    errors = []
    for steps in (8, 16, 32):
        facts = replace(FACTS, steps=steps)
        noise = np.ones((1, 8, 3), np.float32)
        made = sample_latents(
            Curved(), np.zeros((1, 32, 1)), np.ones((1, 8, 1)), noise, facts, pinned=np.zeros((32, 2), np.float32)
        )
        errors.append(abs(float(made[0, 0, 0]) - np.e))
    order = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (order > 1.7).all()


@pytest.mark.parametrize("batch", [1, 3])
def test_guided_halves_in_one_run_are_those_side_by_side(batch):
    made = []
    for threads in (1, 2):
        dancer = open_model(DANCER, threads=threads)
        dancer.session.threads = threads  # whatever this machine has
        facts, tokens = dancer.facts, dancer.facts.tokens
        rng = np.random.default_rng(2)
        draw = lambda *shape: rng.standard_normal((batch, *shape)).astype(np.float32)  # noqa: B023, E731
        inputs = {
            "known": np.zeros((batch, tokens), np.float32),
            "music": draw(4 * tokens, len(COLUMNS)),
            "style": np.full((batch, tokens, len(facts.styles)), 1 / len(facts.styles), np.float32),
            "pinned": np.zeros((batch, 4 * tokens, dancer.no_pins(1).shape[1]), np.float32),
        }
        made.append(list(velocity_steps(dancer.session, draw(tokens, dancer.latent_size), inputs, 4, guidance=2.0)))
    np.testing.assert_array_equal(*made)
    unguided = list(velocity_steps(dancer.session, made[0][0], inputs, 4))
    assert not np.allclose(unguided[-1], made[0][-1])


class Told:
    """Velocity 2 where dynamics are told, 1 where not; counts its calls."""

    threads = 2

    def __init__(self):
        self.calls = []

    def run(self, network, inputs):
        told = inputs["music"][..., 15:17].any(axis=(1, 2))
        self.calls.append(len(told))
        return [np.where(told[:, None, None], 2.0, 1.0).astype(np.float32) * np.ones_like(inputs["x"])]


@pytest.mark.parametrize(
    ("threads", "halves", "calls"), [(2, False, [1, 1]), (1, False, [2]), (2, True, [1, 1]), (1, True, [1, 1])]
)
def test_guidance_carries_the_velocity_beyond_the_one_without_dynamics(threads, halves, calls):
    music = np.zeros((1, 32, 17), np.float32)
    music[..., 15:17] = 1.0
    inputs = {"known": np.zeros((1, 8), np.float32), "music": music}
    inputs["known"][:, :3] = 1.0
    session, start = Told(), np.zeros((1, 8, 2), np.float32)
    session.threads = threads
    *before, x = velocity_steps(session, start, inputs, 4, guidance=2.5, halves=halves)
    assert len(before) == (7 if halves else 3)
    assert session.calls == 4 * calls
    assert x[:, 3:] == pytest.approx(3.5)  # 1 + 2.5 (2 - 1)
    assert np.array_equal(x[:, :3], start[:, :3])
    assert music[..., 15:17].all()
