"""The masked models: published sizes, shapes, what they look at, what they return, errors; filling without a network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="models need the [train] extra")

from farandole.models.crossmodal import CrossModal  # noqa: E402
from farandole.models.errors import ConfigError, ShapeError  # noqa: E402
from farandole.models.layers.convbert import ConvBert  # noqa: E402
from farandole.models.layers.filling import fill, neighbours, slerp  # noqa: E402
from farandole.models.motionbert import MotionBert  # noqa: E402
from farandole.models.threebert import ThreeBert  # noqa: E402
from farandole.motion import rotations as rot  # noqa: E402

MODELS = (ThreeBert, CrossModal, MotionBert)
WORDS = 30522
JOINTS, MUSIC = 4, 5


def tiny(kind, preset: str = "farandole", **changes):
    """A model of toy size with the quirks, or the mending, of a preset."""
    config = kind.Config.preset(preset)
    encoder = replace(
        config.encoder, layers=1, dim=48, heads=4, inner=32, length=24, dropout=0.0, attention_dropout=0.0
    )
    sizes = {"motion": 9 * JOINTS + 3, "encoder": encoder}
    if kind is MotionBert:
        sizes |= {"frames": 24, "hidden": 16}
    else:
        cross = replace(encoder, dim=96 if kind is ThreeBert else 48, length=48)
        sizes |= {"music": MUSIC, "cross": cross}
    model = kind(replace(config, **{**sizes, **changes})).eval()
    for p in model.parameters():  # a corrected head begins at zero
        p.data += 0.05 * torch.randn_like(p)
    return model


def motions(batch: int = 3, frames: int = 24):
    """Rotation matrices and a path, [B, T, 9 J + 3], and music."""
    turns = rot.to_matrix(rot.normalize(np.random.default_rng(0).normal(size=(batch, frames, JOINTS, 4))))
    motion = torch.cat((torch.as_tensor(turns).float().flatten(2), torch.randn(batch, frames, 3)), dim=-1)
    return motion, torch.randn(batch, frames, MUSIC)


@pytest.mark.parametrize(
    ("kind", "millions", "with_words"), [(ThreeBert, 167.51, 265.18), (CrossModal, 82.42, 129.31), (MotionBert, 41.57, 57.19)]
)  # fmt: skip
def test_sizes_are_the_published_ones(kind, millions: float, with_words: float) -> None:
    with torch.device("meta"):
        model = kind(kind.Config.preset("dancebert"))
    count = sum(p.numel() for p in model.parameters())
    tables = sum(WORDS * m.config.dim for m in model.modules() if isinstance(m, ConvBert))
    assert count / 1e6 == pytest.approx(millions, abs=0.005)
    assert (count + tables) / 1e6 == pytest.approx(with_words, abs=0.005)
    per_layer = sum(
        p.numel() for p in next(m for m in model.modules() if isinstance(m, ConvBert)).encoder.layer[0].parameters()
    )
    assert per_layer / 1e6 == pytest.approx(7.19 if kind is ThreeBert else 4.08, abs=0.005)


@pytest.mark.parametrize("preset", ["dancebert", "farandole", "small"])
@pytest.mark.parametrize("kind", MODELS)
def test_every_frame_comes_back_and_depends_on_the_others(kind, preset: str) -> None:
    model = tiny(kind, preset)
    motion, music = motions()
    hidden = (torch.rand(3, 24, 1) < 0.3).float()
    shown = motion * (1 - hidden)
    out = model(shown, hidden, torch.ones(3, 24), music)
    assert out.shape == motion.shape
    if "music" in model.config.dims:
        assert (model(shown, hidden, None, music.flip(1)) - out).abs().max() > 1e-4
    order = torch.randperm(24)
    again = model(shown[:, order], hidden[:, order], None, music[:, order])
    assert (again - out[:, order]).abs().max() > 1e-4
    other = shown.clone()
    other[:, 7] = shown[:, 8]
    assert (model(other, hidden, None, music) - out)[:, 5].abs().max() > 1e-6


@pytest.mark.parametrize("kind", MODELS)
def test_mended_models_do_not_see_empty_tails_and_hidden_frames(kind) -> None:
    for changes in ({}, {"residual": False}, {"residual": False, "orthonormal": False}):
        model = tiny(kind, **changes).double()
        motion, music = (u.double() for u in motions(2))
        hidden = (torch.arange(24) % 3 == 1).double()[None, :, None].expand(2, -1, -1)
        attention = (torch.arange(24) < 17).double().expand(2, -1)
        out = model(motion * (1 - hidden), hidden, attention, music)
        garbage = torch.where((hidden > 0) | (attention[..., None] == 0), torch.randn_like(motion), motion)
        noise = torch.where(attention[..., None] > 0, music, torch.randn_like(music))
        torch.testing.assert_close(model(garbage, hidden, attention, noise)[:, :17], out[:, :17])
        short = model(motion[:, :17], hidden[:, :17], None, music[:, :17])
        torch.testing.assert_close(short, out[:, :17])


def test_the_published_window_norm_leaks_from_empty_frames() -> None:
    """The quirk that fixed the length: statistics over the whole window."""
    model = tiny(MotionBert, "dancebert")
    motion, _ = motions(1)
    attention = (torch.arange(24) < 17).float()[None]
    hidden = torch.zeros(1, 24, 1)
    out = model(motion, hidden, attention)
    changed = torch.where(attention[..., None] > 0, motion, 9.0)
    assert (model(changed, hidden, attention) - out)[:, :10].abs().max() > 1e-4
    with pytest.raises(ShapeError, match="takes windows of 24 frames, got 20"):
        model(motion[:, :20], hidden[:, :20])


@pytest.mark.parametrize("kind", MODELS)
def test_mended_rotations_are_rotations_and_published_ones_lie_within_one(kind) -> None:
    motion, music = motions()
    hidden = (torch.arange(24) % 5 > 0).float()[None, :, None].expand(3, -1, -1)
    turns = tiny(kind)(motion, hidden, None, music)[..., :-3].unflatten(-1, (-1, 3, 3))
    torch.testing.assert_close(turns @ turns.mT, torch.eye(3).expand_as(turns), atol=1e-5, rtol=0)
    assert (torch.linalg.det(turns) > 0.99).all()
    raw = tiny(kind, "dancebert")(motion * (1 - hidden), hidden, None, music)
    assert (raw.abs().max() <= 1) == (kind is not MotionBert)


@pytest.mark.parametrize("kind", MODELS)
def test_an_untrained_correction_is_slerp(kind) -> None:
    config = tiny(kind).config
    model = kind(config).eval()
    motion, music = motions()
    hidden = (torch.arange(24) % 5 > 0).float()[None, :, None].expand(3, -1, -1)
    torch.testing.assert_close(model(motion, hidden, None, music), fill(motion, hidden), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", MODELS)
def test_contrast_shows_what_differs_from_the_window_and_not_its_empty_tail(kind) -> None:
    model, seen = tiny(kind), []
    inlet = model.inlet if kind is MotionBert else model.motion_inlet
    inlet.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    (motion, music), width = motions(2, 12), model.config.motion
    there = torch.ones(2, 12)
    there[:, 8:] = 0.0
    for tail in (0.0, 1.0):
        changed = motion.clone()
        changed[:, 8:] = tail * motion[:, :1]
        model(changed, torch.zeros(2, 12, 1), there, music)
    contrast = seen[0][:, :8, width : 2 * width]
    torch.testing.assert_close(
        contrast, 4.0 * (motion[:, :8] - motion[:, :8].mean(dim=1, keepdim=True)), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(seen[1][:, :8, width : 2 * width], contrast)


def test_the_middle_norm_keeps_the_activation_alive() -> None:
    """Common to all frames, a shift of the channels to where the activation is flat makes no difference."""
    torch.manual_seed(0)
    norm = torch.nn.LayerNorm(16)
    x = torch.randn(2, 9, 16)
    alive, dead = torch.nn.functional.gelu(norm(x - 20)), torch.nn.functional.gelu(x - 20)
    assert dead.abs().max() < 1e-6
    assert alive.std(dim=1).min() > 0.1
    model = tiny(MotionBert)
    with torch.no_grad():
        model.widen.bias.fill_(-20.0)
    motion, _ = motions()
    model(motion, (torch.arange(24) % 3 > 0).float()[None, :, None].repeat(3, 1, 1)).sum().backward()
    assert model.outlet.weight.grad.abs().max() > 1e-3


def test_joints_may_be_hidden_alone() -> None:
    model = tiny(MotionBert, joint_flags=True)
    motion, _ = motions()
    hidden = torch.zeros(3, 24, JOINTS + 1)
    hidden[:, 5:15, 2] = 1
    out = model(motion, hidden)
    changed = motion.clone()
    changed[:, 5:15, 18:27] += 1
    torch.testing.assert_close(model(changed, hidden), out)
    changed[:, 5:15, 0:9] = changed[:, 4:5, 0:9]
    assert (model(changed, hidden) - out).abs().max() > 1e-4


def test_filling_is_slerp_and_lerp_between_neighbours() -> None:
    random = np.random.default_rng(1)
    q = rot.normalize(random.normal(size=(11, JOINTS, 4)))
    root = random.normal(size=(11, 3))
    motion = torch.as_tensor(np.concatenate((rot.to_matrix(q).reshape(11, -1), root), axis=1))[None]
    keep = [2, 3, 8]
    hidden = torch.ones(1, 11, 1)
    hidden[:, keep] = 0
    filled = fill(motion, hidden)[0].numpy()
    np.testing.assert_allclose(filled[keep], motion[0, keep])
    np.testing.assert_allclose(filled[0], filled[2])
    np.testing.assert_allclose(filled[10], filled[8])
    for t in range(4, 8):
        share = (t - 3) / 5
        turns = rot.to_matrix(rot.slerp(q[3], q[8], share)).reshape(-1)
        np.testing.assert_allclose(filled[t, :-3], turns, atol=1e-6)
        np.testing.assert_allclose(filled[t, -3:], root[3] + share * (root[8] - root[3]), atol=1e-6)
    nothing = fill(motion, torch.ones(1, 11, 1))[0].numpy()
    np.testing.assert_array_equal(nothing[:, :9], np.tile(np.eye(3).ravel(), (11, 1)))
    np.testing.assert_array_equal(nothing[:, -3:], 0)


@pytest.mark.parametrize("angle", [0.0, 1e-7, 1e-3, 1.0, 3.1, np.pi - 1e-6, np.pi])
def test_slerp_of_any_angle(angle: float) -> None:
    axis = rot.normalize(np.random.default_rng(2).normal(size=(6, 3)))
    start = rot.from_axis_angle(axis[::-1], 0.8)
    whole, part = (rot.multiply(start, rot.from_axis_angle(axis, s * angle)) for s in (1.0, 0.25))
    a, b = (torch.as_tensor(rot.to_matrix(u)) for u in (start, whole))
    found = rot.from_matrix(slerp(a, b, torch.full((6,), 0.25)).numpy())
    apart = rot.angle_between(found, part)
    if angle == np.pi:  # both ways round are as short
        back = rot.multiply(start, rot.from_axis_angle(axis, -0.25 * angle))
        apart = np.minimum(apart, rot.angle_between(found, back))
    assert apart.max() < 1e-5


def test_neighbours() -> None:
    visible = torch.tensor([False, True, False, False, True, False])[None, :, None]
    before, after, share = (u[0, :, 0].tolist() for u in neighbours(visible))
    assert (before, after) == ([1, 1, 1, 1, 4, 4], [1, 1, 4, 4, 4, 4])
    assert share == pytest.approx([0, 0, 1 / 3, 2 / 3, 0, 0])


def test_what_does_not_fit_is_said() -> None:
    for kind, changes, said in (
        (ThreeBert, {"cross": tiny(CrossModal).config.cross}, "threebert: cross.dim 48 is not twice encoder.dim 48"),
        (CrossModal, {"cross": tiny(ThreeBert).config.cross}, "crossmodal: cross.dim 96 is not encoder.dim 48"),
        (MotionBert, {"motion": 220}, "motionbert: orthonormal rotations need 9 J [+] 3 motion features, got 220"),
        (MotionBert, {"orthonormal": False}, "motionbert: residual needs orthonormal"),
        (
            ThreeBert,
            {"music": 60, "inlet": "pad"},
            "60 music features do not fit an encoder of width 48 without a projection",
        ),
    ):
        with pytest.raises(ConfigError, match=said):
            tiny(kind, **changes)
    with pytest.raises(ConfigError, match=r"less than 2 x encoder.length 24"):
        tiny(CrossModal, "dancebert", cross=tiny(CrossModal, "dancebert", motion=3 + 9 * JOINTS).config.encoder)
    model, (motion, music) = tiny(ThreeBert), motions()
    hidden = torch.zeros(3, 24, 1)
    for arguments, said in (
        ((motion[..., 1:], hidden, None, music), r"motion: expected \[B, T, 39\], got \(3, 24, 38\)"),
        ((motion, hidden[..., 0], None, music), r"hidden: expected \(3, 24, 1\) or \(3, 24, 5\), got \(3, 24\)"),
        ((motion, hidden, torch.ones(3, 23), music), r"attention: expected \(3, 24\), got \(3, 23\)"),
        ((motion, hidden, None, music[..., 1:]), r"music: expected \(3, 24, 5\), got \(3, 24, 4\)"),
        ((motion, hidden), r"music: expected \(3, 24, 5\), got none"),
    ):
        with pytest.raises(ShapeError, match=said):
            model(*arguments)
