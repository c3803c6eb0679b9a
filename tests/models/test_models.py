"""The six models: published sizes, presets, gradients, likelihood against sampling, states, errors."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

from farandole.models.base import motion_and_audio
from farandole.models.errors import ConfigError, ShapeError
from farandole.models.flows.builders import FlowConfig, GlowConfig
from farandole.models.layers.multimodal import EncoderConfig, Modality
from farandole.models.layers.signal import Signal, SignalConfig
from farandole.models.moglow import MoGlow, MoGlowConfig
from farandole.models.residualflower import Residualflower, ResidualflowerConfig
from farandole.models.transflower import Transflower, TransflowerConfig
from farandole.models.transformer import Transformer, TransformerConfig
from farandole.models.transformerflow import Transformerflow, TransformerflowConfig
from farandole.models.transglower import Transglower, TransglowerConfig

MODELS = (Transformer, Transflower, Transformerflow, MoGlow, Transglower, Residualflower)
BATCH = 3


def shrunk(model: type, preset: str):
    """The preset's options at toy sizes."""
    config = model.Config.preset(preset)
    glow = {"steps": 2, "dim": 6, "layers": 1}
    if model is MoGlow:
        return replace(config, motion=5, controls=2, past=3, heard=4, frames=4, glow=replace(config.glow, **glow))
    encoder = {"dim": 8, "heads": 2, "layers": 2, "input_layers": 1}
    flow = {"dim": 8, "heads": 2, "layers": 1}

    def small(c):
        inputs = motion_and_audio(5, 2, 6, 8, style=3, style_dim=4)
        sizes = {
            "inputs": inputs,
            "target": replace(c.target, dim=5, offset=6, frames=min(c.target.frames, 10)),
            "encoder": replace(c.encoder, **encoder),
        }
        if hasattr(c, "flow"):
            sizes["flow"] = replace(c.flow, **flow, steps=(2,) * len(c.flow.steps))
        if hasattr(c, "glow"):
            sizes["glow"] = replace(c.glow, **glow)
        return replace(c, **sizes)

    if model is Residualflower:
        return replace(config, mean=small(config.mean), residual=small(config.residual))
    return small(config)


def toy(model: type, preset: str = "paper", **changes):
    return model(replace(shrunk(model, preset), **changes))


def windows_for(model, modalities=None) -> dict[str, torch.Tensor]:
    like = next(model.parameters())
    return {
        m.name: torch.randint(m.tokens, (BATCH, m.frames)) if m.tokens else torch.randn(BATCH, m.frames, m.dim).to(like)
        for m in modalities or model.inputs
    }


def target_for(model) -> torch.Tensor:
    return torch.randn(BATCH, model.target.frames, model.target.dim).to(next(model.parameters()))


LABEL_BS5 = {  # transflower_expmap_cr4_label_bs5
    "inputs": motion_and_audio(67, 85, 120, 140, style=16),
    "target": Modality("motion", 67, 1, 120),
    "encoder": EncoderConfig(layers=2, input_positions=("pairwise",), dropout=0.1),
    "flow": FlowConfig((24,), "actnorm", conditioning="tokens", dim=800, heads=10, prior="student-t", dropout=0.1),
    "condition_tokens": 100,
}
CONSTANTS_REMOVED = {"inputs": motion_and_audio(67, 85, 120, 140), "target": Modality("motion", 67, 3, 120)}


@pytest.mark.parametrize(
    ("model", "preset", "changes", "published"),
    [
        (Transflower, "as-released", {}, 122_323_152),
        (Transflower, "as-released", CONSTANTS_REMOVED, 122_288_112),
        (Transflower, "as-released", LABEL_BS5, 236_620_056),
        (Transformer, "as-released", {}, 143_025_669),
        (MoGlow, "as-released", {}, 60_433_712),
        (Transglower, "as-released", {}, 230_934_256),
    ],
)  # fmt: skip
def test_published_sizes(model: type, preset: str, changes: dict, published: int) -> None:
    with torch.device("meta"):
        made = model(model.Config.preset(preset, **changes))
    assert sum(p.numel() for p in made.parameters()) == published


@pytest.mark.parametrize("preset", ["paper", "farandole"])
@pytest.mark.parametrize("model", [m for m in MODELS if m is not Transformerflow])  # its many weight norms take seconds
def test_every_preset_builds_at_full_size(model: type, preset: str) -> None:
    with torch.device("meta"):
        made = model(model.Config.preset(preset))
    assert made.target.name == "motion"
    assert made.generation_frames >= 1


@pytest.mark.parametrize("preset", ["paper", "as-released", "farandole"])
@pytest.mark.parametrize("model", MODELS)
def test_trains_and_samples(model: type, preset: str) -> None:
    made = toy(model, preset)
    windows, target = windows_for(made), target_for(made)
    made.train()
    made.initialize(windows, target)
    losses = made(windows, target)
    losses["loss"].backward()
    assert all(torch.isfinite(v) for v in losses.values())
    without = [k for k, p in made.named_parameters() if p.grad is None]
    assert not without
    made.eval()
    given = windows_for(made, made.generation_inputs)
    drawn, _ = made.sample(given, generator=torch.Generator().manual_seed(5))
    again, _ = made.sample(given, generator=torch.Generator().manual_seed(5))
    assert drawn.shape == (BATCH, made.generation_frames, 5)
    assert torch.isfinite(drawn).all()
    assert torch.equal(drawn, again)


@pytest.mark.parametrize("model", [Transflower, Transformerflow, Residualflower])
@pytest.mark.parametrize("preset", ["paper", "as-released", "farandole"])
def test_a_sample_has_the_latent_it_was_made_from(model: type, preset: str) -> None:
    made = toy(model, preset).double()
    windows, target = windows_for(made), target_for(made)
    made.initialize(windows, target)
    made.eval()
    noise = torch.randn_like(target)
    with torch.no_grad():
        drawn, _ = made.sample(windows, noise=noise)
        part, left = (made.residual, drawn - made.mean.mean(windows)) if model is Residualflower else (made, drawn)
        h, _ = part.condition(windows)
        z, log_det = part.flow(left, h)
        torch.testing.assert_close(z, noise, rtol=0, atol=1e-8)
        torch.testing.assert_close(made.log_prob(windows, drawn), part.flow.prior.log_prob(noise) + log_det)
        still, _ = made.sample(windows, noise=noise, temperature=0.0)
        centre, _ = made.sample(windows, noise=torch.zeros_like(noise))
        torch.testing.assert_close(still, centre)


@pytest.mark.parametrize("model", [MoGlow, Transglower])
def test_frame_by_frame_with_states_is_the_whole_window(model: type) -> None:
    made = toy(model, "as-released").double().eval()
    with torch.no_grad():
        for parameter in made.flow.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
        windows, target = windows_for(made), target_for(made)
        cond = made.condition(windows)
        z, _ = made.flow(target, cond[0] if isinstance(cond, tuple) else cond)
        state, frames = None, []
        for t in range(made.target.frames):
            now = {m.name: windows[m.name][:, (0 if m.fixed else t) :][:, : m.frames] for m in made.generation_inputs}
            x, state = made.sample(now, noise=z[:, t : t + 1], state=state)
            frames.append(x)
    torch.testing.assert_close(torch.cat(frames, dim=1), target, rtol=0, atol=1e-8)


STEPS = SignalConfig("steps", still=(3, 0))
"""Steps from pose to pose of the columns 1, 2, 4 of five."""


def stepping(model: type, preset: str = "farandole"):
    """The toy model that predicts STEPS, with weights that do something."""
    config = shrunk(model, preset)
    if model is Residualflower:
        mean, residual = (
            replace(config.mean, signal=STEPS),
            replace(config.residual, signal=replace(STEPS, predict="increments")),
        )
        made = model(replace(config, mean=mean, residual=residual))
    else:
        made = model(replace(config, signal=STEPS))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return made.double().eval()


@pytest.mark.parametrize("model", MODELS)
def test_a_model_of_steps_starts_from_the_last_pose_and_leaves_still_columns_at_their_mean(model: type) -> None:
    made = stepping(model)
    given = windows_for(made, made.generation_inputs)
    moved = {**given, "motion": given["motion"] + torch.tensor([0, 1, 0, 0, 0.0])}
    noise = torch.randn(BATCH, made.generation_frames, made.latent_channels).double()
    with torch.no_grad():
        drawn, _ = made.sample(given, noise=noise)
        assert drawn.shape == (BATCH, made.generation_frames, 5)
        assert (drawn[..., [0, 3]] == 0).all()
        signal = made.mean.signal if model is Residualflower else made.signal
        frames = torch.randn(BATCH, made.target.frames, 5).double()
        frames[..., [0, 3]] = 0.0
        torch.testing.assert_close(signal.decode(signal.encode(frames, given), given), frames)
        shift = signal.encode(frames, moved) - signal.encode(frames, given)
        assert shift[:, 0].eq(torch.tensor([-1.0, 0.0, 0.0])).all()
        assert shift[:, 1:].eq(0).all()


@pytest.mark.parametrize("model", [Transflower, Residualflower])
def test_densities_of_steps_are_densities_of_poses(model: type) -> None:
    """The flow's own density of the latent, and log|det| by autograd through `sample`: poses are what is counted."""
    made = stepping(model)
    given = {k: v[:1] for k, v in windows_for(made).items()}
    noise = torch.randn(1, made.target.frames, 3).double()
    jacobian = torch.autograd.functional.jacobian(lambda z: made.sample(given, noise=z)[0][..., [1, 2, 4]], noise)
    with torch.no_grad():
        drawn, _ = made.sample(given, noise=noise)
        flow = (made.residual if model is Residualflower else made).flow
        expected = flow.prior.log_prob(noise) - torch.linalg.slogdet(jacobian.reshape(noise.numel(), -1))[1]
        torch.testing.assert_close(made.log_prob(given, drawn), expected)


def test_signals_that_make_no_sense_are_refused() -> None:
    motion, target = Modality("motion", 5, 6), Modality("motion", 5, 2, 6)
    with pytest.raises(ConfigError, match="still columns must be from 0 to 4"):
        Signal((motion,), target, SignalConfig(still=(5,)))
    with pytest.raises(ConfigError, match="steps need the motion just before the target as input"):
        Signal((motion,), replace(target, offset=8), SignalConfig("steps"))
    with pytest.raises(ConfigError, match="unknown predict 'jumps'; accepted: poses, steps, increments"):
        SignalConfig("jumps")
    with pytest.raises(ConfigError, match="retain must be from 0 to 1, got 1.5"):
        SignalConfig("steps", retain=1.5)
    with pytest.raises(ConfigError, match="retain is for predict: steps"):
        SignalConfig("poses", retain=0.9)


def test_without_steps_a_pose_falls_back_to_the_mean_by_what_it_does_not_retain() -> None:
    motion, target = Modality("motion", 2, 6), Modality("motion", 2, 4, 6)
    signal = Signal((motion,), target, SignalConfig("steps", retain=0.5))
    given = {"motion": torch.full((1, 6, 2), 8.0)}
    frames = signal.decode(torch.zeros(1, 4, 2), given)
    torch.testing.assert_close(frames[0, :, 0], torch.tensor([4.0, 2.0, 1.0, 0.5]))
    made = torch.randn(1, 4, 2)
    torch.testing.assert_close(signal.decode(signal.encode(made, given), given), made)
    volume = torch.autograd.functional.jacobian(lambda x: signal.encode(x, given), made).reshape(8, 8)
    torch.testing.assert_close(torch.linalg.slogdet(volume)[1], torch.zeros(()))


def test_bounded_steps_make_bounded_poses_where_something_is_not_retained() -> None:
    motion, target = Modality("motion", 1, 1), Modality("motion", 1, 500, 1)
    signal = Signal((motion,), target, SignalConfig("steps", retain=0.9))
    assert signal.decode(torch.ones(1, 500, 1), {"motion": torch.zeros(1, 1, 1)}).max() <= 1 / (1 - 0.9)


def test_moglow_listens_to_what_is_there_already() -> None:
    made = toy(MoGlow).eval()
    windows, target = windows_for(made), target_for(made)
    with torch.no_grad():
        made.flow.bijection.layers[-1].network.outlet.weight.normal_()
        state = made.listen(windows, target)
        given = windows_for(made, made.generation_inputs)
        noise = torch.zeros(BATCH, 1, 5)
        fresh, _ = made.sample(given, noise=noise)
        informed, _ = made.sample(given, noise=noise, state=state)
        assert (fresh - informed).abs().max() > 1e-4
        torch.testing.assert_close(made.sample(given, noise=noise)[0], fresh)  # nothing stays in the module


def test_moglow_hides_whole_poses_and_only_in_training() -> None:
    made = toy(MoGlow, pose_dropout=0.5)
    windows = windows_for(made)
    poses = made.train().condition(windows)[..., : 3 * 5].unflatten(-1, (3, 5))
    hidden = (poses == 0).all(dim=-1)
    assert torch.equal(hidden, (poses == 0).any(dim=-1))
    assert 0.1 < hidden.float().mean() < 0.9
    assert not (made.eval().condition(windows) == 0).any()


def test_the_farandole_preset_uses_time_and_the_released_one_does_not() -> None:
    """Sheet, top table: shuffling motion frames 3.. and all audio frames leaves the released conditioning unchanged."""
    for preset, sensitive in (("as-released", False), ("farandole", True)):
        made = toy(Transflower, preset).double().eval()
        windows = windows_for(made)
        shuffled = copy.copy(windows)
        shuffled["audio"] = windows["audio"][:, torch.tensor([3, 0, 7, 1, 4, 2, 6, 5])]
        with torch.no_grad():
            change = (made.condition(windows)[0] - made.condition(shuffled)[0]).abs().max()
        assert (change > 1e-6) == sensitive


def test_transglower_sees_for_each_frame_its_own_window_only() -> None:
    made = toy(Transglower, "farandole").double().eval()
    windows = windows_for(made)
    motion = windows["motion"][:1]
    others = {k: v[:1] for k, v in windows.items() if k != "motion"}

    def read(v):
        return made.condition({**others, "motion": v})[0]

    seen = torch.autograd.functional.jacobian(read, motion).abs().amax(dim=(0, 2, 3, 5)) > 0  # [L, T]
    frames, length = made.target.frames, motion.shape[1]
    first, at = torch.arange(frames)[:, None], torch.arange(length)
    assert torch.equal(seen, (at >= first) & (at < first + 6))


def test_residual_transflower_mixes_its_losses() -> None:
    made = toy(Transflower, residual=True)
    windows, target = windows_for(made), target_for(made)
    losses = made(windows, target)
    weight = torch.sigmoid(100 * losses["mse"] / 5)
    torch.testing.assert_close(losses["loss"], (1 - weight) * losses["nll"] + weight * 100 * losses["mse"])


def test_wrong_inputs_are_one_clear_line() -> None:
    made = toy(Transflower)
    windows, target = windows_for(made), target_for(made)
    with pytest.raises(ShapeError, match="missing modality audio; given: style, motion"):
        made({k: v for k, v in windows.items() if k != "audio"}, target)
    with pytest.raises(ShapeError, match=r"motion: expected a window of shape \(3, 6, 5\), got \(3, 6, 4\)"):
        made({**windows, "motion": windows["motion"][..., :4]}, target)
    with pytest.raises(ShapeError, match=r"target motion: expected shape \(3, 3, 5\), got \(3, 2, 5\)"):
        made(windows, target[:, :2])


def test_wrong_settings_are_one_clear_line() -> None:
    with pytest.raises(
        ConfigError, match="TransflowerConfig has no preset 'best'; accepted: paper, as-released, farandole"
    ):
        TransflowerConfig.preset("best")
    with pytest.raises(ConfigError, match="MoGlowConfig: .*unexpected keyword argument 'heads'"):
        MoGlowConfig.preset("paper", heads=3)
    with pytest.raises(ConfigError, match=r"pose_dropout must be in \[0, 1\), got 1.5"):
        MoGlowConfig.preset("paper", pose_dropout=1.5)
    with pytest.raises(ConfigError, match="7 heads do not divide width 800; dropout must be in"):
        EncoderConfig(heads=7, dropout=-1.0)
    with pytest.raises(ConfigError, match="mean and residual must predict the same window"):
        config = ResidualflowerConfig.preset("paper")
        replace(config, mean=replace(config.mean, target=Modality("motion", 72, 2, 120)))
    with pytest.raises(ConfigError, match="unknown network 'rnn'; accepted: lstm, gru, ff"):
        GlowConfig(network="rnn")
    assert isinstance(TransformerflowConfig.preset("paper"), TransformerflowConfig)
    assert isinstance(TransglowerConfig.preset("farandole").glow, GlowConfig)
    assert isinstance(TransformerConfig.preset("paper").encoder, EncoderConfig)
    assert isinstance(TransflowerConfig.preset("paper").flow, FlowConfig)
