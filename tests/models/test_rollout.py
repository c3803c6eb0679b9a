"""Training on the model's own frames: they are those of generation, and what is scored behind them is the true dance."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="models need the [train] extra")

from farandole.errors import DataError  # noqa: E402
from farandole.generation.autoregressive.sliding import generate  # noqa: E402
from farandole.models.flows.builders import FlowConfig, GlowConfig  # noqa: E402
from farandole.models.layers.multimodal import EncoderConfig, Modality  # noqa: E402
from farandole.models.layers.signal import SignalConfig  # noqa: E402
from farandole.models.moglow import MoGlow, MoGlowConfig  # noqa: E402
from farandole.models.objectives.likelihood import Likelihood, LikelihoodOptions  # noqa: E402
from farandole.models.objectives.objective import Draw  # noqa: E402
from farandole.models.transflower import Transflower, TransflowerConfig  # noqa: E402

AHEAD = 12
STEPS = SignalConfig("steps")


def moglow() -> MoGlow:
    return MoGlow(MoGlowConfig(3, 2, past=3, heard=4, frames=5, glow=GlowConfig(steps=2, dim=8), signal=STEPS))


def transflower() -> Transflower:
    inputs = Modality("motion", 3, 4), Modality("audio", 2, 6)
    encoder, flow = EncoderConfig(layers=1, dim=8, heads=2), FlowConfig((2,), dim=8, heads=2, layers=1, norm="actnorm")
    return Transflower(TransflowerConfig(inputs, Modality("motion", 3, 2, 4), encoder, flow, signal=STEPS))


@pytest.fixture(params=[moglow, transflower])
def made(request: pytest.FixtureRequest):
    torch.manual_seed(0)
    model = request.param().double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def batch_for(model, ahead: int = AHEAD) -> dict:
    """A batch whose target goes on where the motion of the input began."""
    own, heard = model.inputs[0].frames, model.inputs[1].frames
    dance = torch.randn(2, model.target.offset + model.target.frames + ahead, 3).double()
    batch = {"in_motion": dance[:, : own + ahead].clone(), "in_audio": torch.randn(2, heard + ahead, 2).double()}
    return {**batch, "out_motion": dance[:, model.target.offset :]}


class Scored(Likelihood):
    """Notes what it scores."""

    def losses(self, model, batch, options, draw):
        noted = {}
        hook = model.register_forward_pre_hook(lambda _, given: noted.update(windows=given[0], target=given[1]))
        result = super().losses(model, batch, options, draw)
        hook.remove()
        return {**result, **noted}


def test_without_rollout_longer_windows_change_nothing(made) -> None:
    batch = batch_for(made)
    short = {k: v[:, : v.shape[1] - AHEAD] for k, v in batch.items()}
    objective = Likelihood(made, None, None)
    long, plain = (objective.losses(made, b, LikelihoodOptions(), Draw(0, 0))["loss"] for b in (batch, short))
    torch.testing.assert_close(long, plain)


def test_its_own_frames_are_those_of_generation_and_the_true_ones_are_scored(made) -> None:
    for kept in range(1, min(2, made.generation_frames) + 1):  # some draw one frame at a time
        batch, past = batch_for(made), made.generation_inputs[0].frames
        given = {"motion": batch["in_motion"], "audio": batch["in_audio"]}
        own = generate(made.eval(), given, frames=3 * kept, keep=kept, temperature=0.0)
        made.train()
        seen = set()
        for step in range(20):
            got = Scored(made, None, None).losses(made, batch, LikelihoodOptions(3, kept, 0.0), Draw(0, step))
            first = next(
                n
                for n in range(AHEAD)
                if torch.equal(got["target"], batch["out_motion"][:, n:][:, : made.target.frames])
            )
            assert first % kept == 0
            stream = torch.cat((batch["in_motion"][:, :past], own[:, :first]), dim=1)
            torch.testing.assert_close(got["windows"]["motion"][:, :past], stream[:, first:][:, :past])
            assert torch.equal(got["windows"]["audio"], batch["in_audio"][:, first:][:, : made.inputs[1].frames])
            seen.add(first // kept)
        assert seen == {0, 1, 2, 3}
        assert made.training


def test_held_out_windows_are_scored_as_they_are(made) -> None:
    batch, objective = batch_for(made, 0), Likelihood(made, None, None)
    rolled, plain = (
        objective.losses(made, batch, LikelihoodOptions(n), Draw(0, 1, held_out=True))["loss"] for n in (3, 0)
    )
    assert rolled == plain


def test_steps_are_learnt_from_the_poses_that_are_seen() -> None:
    """A model that draws frame by frame is shown the way back from a wrong pose wherever it lies in the window."""
    model = moglow().double()
    batch = batch_for(model, 0)
    windows, target = {"motion": batch["in_motion"] + 0.5}, batch["out_motion"]
    away = model.signal.encode(target, windows) - model.signal.encode(target, {"motion": batch["in_motion"]})
    torch.testing.assert_close(away, torch.full_like(away, -0.5))


def test_what_cannot_be_rolled_out_is_one_clear_line(made) -> None:
    objective = Likelihood(made, None, None)
    with pytest.raises(DataError, match="rollout 4 of 1 frames needs windows.ahead: 4, got 3"):
        objective.losses(made, batch_for(made, 3), LikelihoodOptions(4), Draw(0, 0))
    most = made.generation_frames
    with pytest.raises(DataError, match=f"kept must be from 1 to the model's {most} predicted frames, got {most + 1}"):
        objective.losses(made, batch_for(made), LikelihoodOptions(1, most + 1), Draw(0, 0))
