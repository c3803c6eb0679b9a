"""The model's own loss: nats to bits per dimension, and windows as the model wants them."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="models need the [train] extra")

import torch

from farandole.models.moglow import MoGlow, MoGlowConfig
from farandole.models.objectives.likelihood import Likelihood, LikelihoodOptions
from farandole.models.objectives.objective import Draw
from farandole.models.registry import model_type
from farandole.models.settings import build


def batch_of(model, size: int = 6) -> dict[str, torch.Tensor]:
    made = {f"in_{m.name}": torch.randn(size, m.frames, m.dim) for m in model.inputs}
    return made | {f"out_{model.target.name}": torch.randn(size, model.target.frames, model.target.dim)}


def moglow() -> MoGlow:
    from farandole.models.flows.builders import GlowConfig

    torch.manual_seed(0)
    return MoGlow(MoGlowConfig(4, 2, past=3, heard=4, frames=6, pose_dropout=0.0, glow=GlowConfig(steps=2, dim=8)))


def test_the_loss_is_the_models_own_and_bits_are_per_dimension() -> None:
    model = moglow()
    objective, batch = Likelihood(model, None, None), batch_of(model)
    objective.start(model, batch)
    losses = objective.losses(model, batch, LikelihoodOptions(), Draw(0, 0))
    own = model({m.name: batch[f"in_{m.name}"] for m in model.inputs}, batch[f"out_{model.target.name}"])
    assert losses["loss"].item() == pytest.approx(own["loss"].item())
    assert losses["bits_per_dimension"].item() == pytest.approx(losses["nll"].item() / 4)


def test_the_start_is_taken_from_the_first_batch() -> None:
    model = moglow()
    objective, batch = Likelihood(model, None, None), batch_of(model, 64)
    before = objective.losses(model, batch, LikelihoodOptions(), Draw(0, 0))["nll"]
    objective.start(model, batch)
    after = objective.losses(model, batch, LikelihoodOptions(), Draw(0, 0))["nll"]
    assert after < before  # nothing was learnt, only scaled


def test_a_deterministic_model_has_no_likelihood() -> None:
    kind = model_type("transformer")
    seen = {
        "inputs": [{"name": "motion", "dim": 4, "frames": 6}, {"name": "audio", "dim": 2, "frames": 8}],
        "target": {"name": "motion", "dim": 4, "frames": 2, "offset": 6},
        "encoder": {"layers": 1, "input_layers": 1, "heads": 2, "dim": 8},
    }
    model = kind(build(kind.Config, seen, "config", start=kind.Config.preset("farandole")))
    losses = Likelihood(model, None, None).losses(model, batch_of(model), LikelihoodOptions(), Draw(0, 0))
    assert "bits_per_dimension" not in losses
    assert losses["loss"] > 0
