"""The in-between model's losses: a perfect answer costs nothing, the fresh model is the curves, one batch can be learnt."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="models need the [train] extra")

import torch

from farandole.models.inbetweener import Inbetweener, InbetweenerConfig
from farandole.models.objectives.gap_objective import GapObjective, GapWeights, GlobalBody
from farandole.models.objectives.objective import Draw
from farandole.motion import rotations as rot
from farandole.motion.gaps import GapCodec
from farandole.motion.kinematics import forward
from farandole.motion.motion import Motion
from farandole.training.data.gap_batches import GapWindows
from farandole.training.data.gap_patterns import GapPatterns
from farandole.training.data.training_data import DataFacts


@pytest.fixture(scope="module")
def clip() -> Motion:
    from farandole.data.starter.groove_clips import groove_clip

    return groove_clip(1).motion.slice(40, 130)


def windows(clip: Motion, **patterns) -> GapWindows:
    codec = GapCodec.fit(clip.skeleton, clip.fps, [clip.rotations])
    return GapWindows([(clip.rotations, clip.root_positions)], np.ones(1), codec, GapPatterns(**patterns))


def fresh(clip: Motion, source: GapWindows, deviation: float) -> tuple[Inbetweener, GapObjective]:
    torch.manual_seed(0)
    model = Inbetweener(InbetweenerConfig(layers=1, width=32, heads=2, inner=32))
    facts = DataFacts(clip.fps, clip.skeleton, feet=tuple(source.feet), deviation=np.full((21, 2), deviation))
    return model, GapObjective(model, GapWeights(), facts)


def test_places_from_global_rotations_are_those_of_kinematics(clip: Motion) -> None:
    positions, turns = forward(clip.skeleton, clip.rotations, clip.root_positions)
    made = GlobalBody(clip.skeleton)(torch.from_numpy(rot.to_matrix(turns)).float())
    np.testing.assert_allclose(made.numpy() + clip.root_positions[:, None], positions, atol=1e-5)


def test_a_perfect_answer_costs_nothing_and_the_start_is_the_curves(clip: Motion) -> None:
    source = windows(clip, longest_gap=20)
    batch = source.draw(4, np.random.default_rng(0))
    model, objective = fresh(clip, source, 1.0)
    with torch.no_grad():
        losses = objective.losses(model, batch, None, Draw(0, 0, held_out=True))
    for name in ("rotation", "position", "velocity", "sliding"):
        assert losses[name] == losses[f"curves_{name}"], name
    shift = batch["positions"][:, :, 0] - batch["roots"]
    cos, sin = batch["heading"].unbind(-1)
    x, y, z = shift.unbind(-1)
    here = torch.stack((cos * x - sin * z, y, sin * x + cos * z), dim=-1)
    perfect = objective.terms(batch["facing"][..., :2].mT.flatten(-2), here, batch)
    for name in ("rotation", "position", "velocity"):
        assert float(perfect[name]) < 0.1 * losses[f"curves_{name}"], name


def test_the_loss_is_the_weighted_sum_of_its_terms(clip: Motion) -> None:
    source = windows(clip, longest_gap=20)
    batch = source.draw(4, np.random.default_rng(0))
    model, objective = fresh(clip, source, 1.0)
    weights = GapWeights(rotation=2.0, position=0.25, velocity=3.0, sliding=0.5)
    objective.settings = weights
    losses = objective.losses(model, batch, None, Draw(0, 0))
    names = ("rotation", "position", "velocity", "sliding")
    assert losses["loss"].item() == pytest.approx(sum(getattr(weights, n) * losses[n].item() for n in names), rel=1e-5)
    assert set(losses) == {"loss", *names}  # those of the curves are for held-out batches


def test_one_batch_can_be_learnt(clip: Motion) -> None:
    source = windows(clip, shortest_gap=12, longest_gap=12)
    batch = source.draw(4, np.random.default_rng(0))
    model, objective = fresh(clip, source, 0.1)
    objective.start(model, batch)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for step in range(60):
        loss = objective.losses(model, batch, None, Draw(0, step))["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


def test_the_start_scales_features_by_the_data(clip: Motion) -> None:
    source = windows(clip, longest_gap=20)
    batch = source.draw(16, np.random.default_rng(0))
    model, objective = fresh(clip, source, 1.0)
    objective.start(model, batch)
    features = batch["features"].flatten(0, 1)
    torch.testing.assert_close(model.mean, features.mean(dim=0))
    torch.testing.assert_close(model.std, features.std(dim=0).clamp_min(0.05))
