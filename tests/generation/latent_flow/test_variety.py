"""Pushes away from what was danced: where they point, and what is left alone. No model needed."""

import numpy as np
import pytest

from farandole.generation.latent_flow.variety import APART, Danced

NEW, SIZE, DONE = 4, 6, 120
EARLIER = slice(20, 24)


@pytest.fixture
def latents():
    return np.random.default_rng(0).standard_normal((2, 160, SIZE)).astype(np.float32)


def near(latents, passage, off=0.2):
    """Places `off` from a passage, both dances'."""
    return latents[:, passage] + np.float32(off)


def push(danced, place, t=0.0):
    """What a flow that stands still is given."""
    return danced.pushed(place, np.zeros_like(place), t)


def test_a_passage_danced_before_is_left_behind(latents):
    place = near(latents, EARLIER)
    away = push(Danced(latents, DONE, NEW), place)
    towards = place - latents[:, EARLIER]
    cosine = (
        (away * towards).sum(axis=(1, 2)) / np.linalg.norm(away, axis=(1, 2)) / np.linalg.norm(towards, axis=(1, 2))
    )
    np.testing.assert_allclose(cosine, 1.0, atol=1e-5)


def test_what_is_far_enough_is_not_pushed(latents):
    place = latents[:, EARLIER] + 10.0 * APART
    assert not push(Danced(latents, DONE, NEW), place).any()


def test_what_was_danced_just_now_may_come_again(latents):
    latents[:] = np.where(np.arange(160)[:, None] < 60, latents + 50.0, latents)
    assert not push(Danced(latents, DONE, NEW), near(latents, slice(100, 104))).any()


def test_the_passage_that_a_repeated_section_varies_is_not_left(latents):
    spread = 50.0 * np.arange(160, dtype=np.float32)[:, None] + latents  # every passage far from every other
    danced = Danced(spread, DONE, NEW, np.array([DONE - EARLIER.start, 0]))
    pushes = push(danced, near(spread, EARLIER))
    assert not pushes[0].any()
    assert pushes[1].any()


def test_details_are_drawn_freely(latents):
    assert not push(Danced(latents, DONE, NEW), near(latents, EARLIER), t=0.9).any()


def test_a_dance_that_begins_has_nothing_to_leave(latents):
    assert not push(Danced(latents, NEW, NEW), latents[:, :NEW]).any()
