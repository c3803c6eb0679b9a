"""The dancer's two stages: masks, kinematics, what learns and what stays."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="models need the [train] extra")

import torch

from farandole.models.autoencoder import AutoencoderConfig, MotionAutoencoder, MotionDecoder
from farandole.models.body import DanceBody
from farandole.models.latent_dancer import LatentDancer, LatentDancerConfig
from farandole.models.objectives.dancer_objective import DancerObjective, DancerOptions, DancerWeights, MaskSampler
from farandole.models.objectives.objective import Draw
from farandole.models.window_flow import WindowFlow, WindowFlowConfig
from farandole.motion.dance_codec import GROUPS, DanceCodec
from farandole.motion.motion import Motion
from farandole.training.data.training_data import DataFacts


@pytest.fixture(scope="module")
def clip() -> Motion:
    from farandole.data.starter.groove_clips import groove_clip

    return groove_clip(1).motion.slice(0, 300)


def fresh(clip: Motion, width: int = 32, **weights) -> tuple[LatentDancer, DancerObjective, torch.Tensor]:
    """A dancer with its objective, and scaled windows of a made dance [8, 32, D]."""
    torch.manual_seed(0)
    sizes = AutoencoderConfig(dim=129, latent_dim=8, encoder_width=width, decoder_width=width)
    flow = WindowFlowConfig(latent_dim=8, pose_dim=129, width=32, layers=1, heads=2, tokens=8)
    dancer, codec = LatentDancer(LatentDancerConfig(sizes, flow)), DanceCodec()
    x = codec.encode(clip).astype(np.float32)
    mean, std = x.mean(axis=0), np.full(129, x.std(), np.float32)
    pose = torch.from_numpy(np.stack([(x[s : s + 32] - mean) / std for s in range(0, 240, 30)]))
    facts = DataFacts(30.0, codec.skeleton, codec=codec, mean=mean, std=std)
    return dancer, DancerObjective(dancer, DancerWeights(**weights), facts), pose


def test_masks_show_what_they_should() -> None:
    masks, random = MaskSampler(DanceCodec(), 32), torch.Generator().manual_seed(0)
    known = masks.known(4000, random)
    assert set(known.unique().tolist()) == {0.0, 1.0}
    assert (known.sum(1) < 32).all()  # there is always something to make
    assert 0.15 < float((known.sum(1) == 0).float().mean()) < 0.3  # dancing from nothing
    ends_known = (known[:, -1] == 1).float().mean()
    assert 0.15 < float(ends_known) < 0.3  # gaps to be filled

    pose = torch.randn(600, 128, 129)
    pinned = masks.pinned(pose, random)
    shown, flags = pinned[..., :129], pinned[..., 129:]
    assert flags.shape[-1] == len(GROUPS)
    columns = flags @ masks.columns
    torch.testing.assert_close(shown, pose * columns)
    some = flags.amax(dim=(1, 2)) > 0
    assert 0.28 < float(some.float().mean()) < 0.4
    whole_time = flags[some].amin(dim=1).amax(dim=1) > 0  # some joints throughout
    assert 0.2 < float(whole_time.float().mean()) < 0.45


def test_torch_kinematics_equal_the_motion_room(clip: Motion) -> None:
    x = DanceCodec().encode(clip).astype(np.float32)
    motion = DanceCodec().decode(x)
    _, world = DanceBody(DanceCodec())(torch.from_numpy(x)[None])
    away = world[0].numpy() - motion.positions
    away -= away[:1] * np.array([1.0, 0.0, 1.0])  # torch adds the first step, decode starts at the origin
    assert np.abs(away).max() < 0.02  # heading of the first frame differs by one frame's turn


def test_decoding_in_pieces_equals_decoding_at_once() -> None:
    net = MotionDecoder(AutoencoderConfig(latent_dim=6, decoder_width=12)).eval()
    for p in net.parameters():
        p.data.normal_(0, 0.2)
    z = torch.randn(1, 40, 6)
    margin = MotionDecoder.MARGIN
    with torch.no_grad():
        whole = net(z)
        piece = net(z[:, 10 - margin : 22 + margin])[:, 4 * margin : -4 * margin]
    torch.testing.assert_close(piece, whole[:, 40:88], atol=1e-5, rtol=1e-4)


def test_the_encoder_looks_only_near() -> None:
    net = MotionAutoencoder(AutoencoderConfig(dim=5, latent_dim=3, encoder_width=8)).encoder
    x = torch.randn(1, 160, 5, requires_grad=True)
    net(x)[0][0, 20].sum().backward()
    seen = x.grad[0].abs().sum(-1) > 0
    assert seen[80:84].all()
    assert not seen[:52].any()
    assert not seen[112:].any()


def test_known_tokens_and_conditions_reach_the_velocity() -> None:
    net = WindowFlow(
        WindowFlowConfig(latent_dim=4, width=32, heads=2, layers=2, tokens=8, pose_dim=5, groups=2, music_dim=3)
    )
    for p in net.parameters():
        p.data.normal_(0, 0.2)
    inputs = {
        "x": torch.randn(1, 8, 4),
        "t": torch.tensor([0.3]),
        "known": torch.zeros(1, 8),
        "music": torch.randn(1, 32, 3),
        "style": torch.eye(3)[None, [0] * 8],
        "pinned": torch.randn(1, 32, 7),
    }
    before = net(**inputs)
    assert before.shape == (1, 8, 4)
    for name, value in inputs.items():
        changed = value.roll(1, dims=-1) if name == "style" else value + 0.5
        assert not torch.allclose(net(**(inputs | {name: changed})), before), name


def test_an_autoencoder_learns_a_batch(clip: Motion) -> None:
    dancer, objective, pose = fresh(clip)
    options = DancerOptions("autoencoder", 32)
    optimizer = torch.optim.Adam([p for m in objective.trained(dancer, options) for p in m.parameters()], 3e-3)
    history = []
    for step in range(80):
        losses = objective.losses(dancer, {"pose": pose}, options, Draw(0, step))
        optimizer.zero_grad()
        losses["loss"].backward()
        optimizer.step()
        history.append(float(losses["position"]))
    assert history[-1] < 0.4 * history[0]
    assert history[-1] < 0.06


def test_the_loss_is_the_weighted_sum_of_its_terms(clip: Motion) -> None:
    weights = {"feature": 0.5, "feature_step": 3.0, "position": 2.0, "velocity": 0.1, "acceleration": 0.3, "kl": 0.7}
    dancer, objective, pose = fresh(clip, **weights)
    losses = objective.losses(dancer, {"pose": pose}, DancerOptions("autoencoder", 32), Draw(0, 0))
    assert losses["loss"].item() == pytest.approx(sum(w * losses[k].item() for k, w in weights.items()), rel=1e-5)


def test_the_flow_sees_latents_of_unit_scale_and_leaves_the_autoencoder_alone(clip: Motion) -> None:
    dancer, objective, pose = fresh(clip)
    options = DancerOptions("flow", 32)
    batch = {"pose": pose, "music": torch.randn(8, 32, 17), "style": torch.zeros(8, dtype=torch.int64)}
    objective.begin_stage(dancer, options, batch)
    latents = dancer.encode(pose)
    torch.testing.assert_close(latents.mean(dim=(0, 1)), torch.zeros(8), atol=1e-5, rtol=0)
    torch.testing.assert_close(latents.std(dim=(0, 1)), torch.ones(8), atol=1e-4, rtol=0)
    assert objective.trained(dancer, options) == [dancer.flow]
    losses = objective.losses(dancer, batch, options, Draw(0, 0))
    losses["loss"].backward()
    assert {k.split(".")[0] for k, p in dancer.named_parameters() if p.grad is not None} == {"flow"}
    scales = dancer.latent_mean.clone()
    objective.begin_stage(dancer, options, {"pose": pose + 1})
    assert torch.equal(dancer.latent_mean, scales)  # weights that were started from keep what they know
    objective.begin_stage(dancer, DancerOptions("autoencoder", 32), {"pose": pose})
    objective.begin_stage(dancer, options, {"pose": pose})
    torch.testing.assert_close(dancer.encode(pose).mean(dim=(0, 1)), torch.zeros(8), atol=1e-5, rtol=0)
