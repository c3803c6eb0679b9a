"""What the options of masked models do: curves as a baseline, frames seen from the body, corrections that vanish, guesses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="models need the [train] extra")

from farandole.models.errors import ConfigError  # noqa: E402
from farandole.models.layers.correction import corrected, correction  # noqa: E402
from farandole.models.layers.curves import hermite  # noqa: E402
from farandole.models.layers.filling import fill, hold  # noqa: E402
from farandole.models.layers.frame_view import FrameView, ease  # noqa: E402
from farandole.models.matrix_body import MatrixBody, to_canonical  # noqa: E402
from farandole.models.motionbert import MotionBert  # noqa: E402
from farandole.motion import rotations as rot  # noqa: E402
from farandole.motion.codecs.rotmat import RotMat  # noqa: E402
from farandole.motion.interpolation import hermite_between  # noqa: E402
from farandole.motion.motion import Motion  # noqa: E402
from farandole.motion.skeleton import Skeleton  # noqa: E402

SKELETON = Skeleton(
    ("hips", "spine", "head", "arm"), (-1, 0, 1, 1), ((0, 0.9, 0), (0, 0.3, 0.1), (0.05, 0.4, 0), (0.2, 0.3, 0))
)
JOINTS, FRAMES = 4, 24


def moving(frames: int = FRAMES, phase: float = 0.0) -> Motion:
    """A smooth motion with wide turns, walking in a curve."""
    t = np.arange(frames) / 20 + phase
    turns = np.stack([1.3 * np.sin(3 * t + k)[:, None] * np.roll([1.0, 0.3, 0.2], k) for k in range(JOINTS)], axis=1)
    turns[:, 0] *= 0.2
    turns[:, 0, 1] += 0.8 * t + phase
    path = np.stack((np.sin(t), 0.9 + 0.05 * np.sin(6 * t), 0.7 * t), axis=-1)
    return Motion(SKELETON, rot.from_rotvec(turns), path, 20.0)


def windows(count: int = 3) -> torch.Tensor:
    """Features [B, T, 9 J + 3], double."""
    codec = RotMat(20.0, SKELETON)
    return torch.as_tensor(np.stack([codec.encode(moving(phase=0.9 * k)) for k in range(count)]))


def flags(*visible: int, frames: int = FRAMES) -> torch.Tensor:
    """Hidden frames, [1, T, 1]."""
    return 1.0 - torch.isin(torch.arange(frames), torch.tensor(visible)).double()[None, :, None]


def model(**changes) -> MotionBert:
    """A model of toy size that knows the body, with a head that is not zero."""
    config = MotionBert.Config.preset("small")
    encoder = replace(config.encoder, layers=1, dim=32, heads=4, inner=32)
    options = {"contrast": False, "curve": "hermite", "ease": True, "view": "frame", "guess": True}
    torch.manual_seed(1)
    made = MotionBert(replace(config, motion=9 * JOINTS + 3, encoder=encoder, hidden=16, **(options | changes)))
    for parameter in made.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    made = made.double().eval()
    made.fit(SKELETON, windows())
    return made


@pytest.mark.parametrize(
    "visible", [(0, 6, 12, 18, 23), (0, 1, 2, 9, 10, 20, 23), (0, 23), (3, 4, 15), (0, 11, 13, 23)]
)
@pytest.mark.parametrize("reach", [4.0, 16.0])
def test_curves_are_those_of_the_command(
    visible: tuple[int, ...], reach: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("farandole.motion.interpolation.REACH", reach / 20.0)
    monkeypatch.setattr("farandole.motion.interpolation.SHARP", 0.0)  # accelerations are the command's own matter
    kept = flags(*visible)[0, :, 0].numpy() == 0
    codec = RotMat(20.0, SKELETON)
    for k, features in enumerate(windows()):
        wanted = codec.encode(hermite_between(moving(phase=0.9 * k), kept))
        found = hermite(features[None], flags(*visible), reach)[0].numpy()
        inside = slice(visible[0], visible[-1] + 1)
        np.testing.assert_allclose(found[inside], wanted[inside], atol=2e-6)
        np.testing.assert_allclose(found[visible[-1] + 1 :], features[visible[-1]].expand(FRAMES - visible[-1] - 1, -1))


def test_beyond_the_outermost_visible_frames_a_motion_is_held_and_between_them_the_one_before() -> None:
    motion, hidden = windows(), flags(4, 9, 15).expand(3, -1, -1)
    held, filled = hold(motion, hidden), fill(motion, hidden)
    for beyond in (slice(None, 5), slice(15, None)):
        torch.testing.assert_close(held[:, beyond], filled[:, beyond], atol=0, rtol=0)
    torch.testing.assert_close(held[:, 4:15], motion[:, [4] * 5 + [9] * 6], atol=0, rtol=0)
    nothing = torch.ones_like(hidden)
    torch.testing.assert_close(hold(motion, nothing), fill(motion, nothing), atol=0, rtol=0)


def test_curves_of_joints_by_themselves() -> None:
    motion, hidden = windows(1), torch.zeros(1, FRAMES, JOINTS + 1).double()
    hidden[:, 5:15, 2] = 1
    found = hermite(motion, hidden)
    changed = (found - motion).abs().amax(dim=(0, 1)) > 1e-9
    assert changed.nonzero().min() >= 18
    assert changed.nonzero().max() < 27
    whole = hermite(motion, hidden.amax(dim=-1, keepdim=True))
    torch.testing.assert_close(found[..., 18:27], whole[..., 18:27])


def test_a_frame_is_seen_the_same_wherever_the_window_stands_and_faces() -> None:
    motion = windows()
    view = FrameView(JOINTS).double()
    view.fit(torch.tensor(SKELETON.offsets.copy()), torch.tensor(SKELETON.parents.copy()), motion)
    visible = (flags(0, 7, 23) == 0).expand(3, -1, -1)
    moved, _ = to_canonical(motion + torch.tensor([*[0.0] * 9 * JOINTS, 4.0, 0.0, -2.0]), torch.tensor([3, 3, 3]))
    torch.testing.assert_close(view(moved, visible), view(motion, visible), atol=1e-6, rtol=0)
    higher = motion + torch.tensor([*[0.0] * 9 * JOINTS, 0.0, 0.1, 0.0])
    assert (view(higher, visible) - view(motion, visible)).abs().max() > 0.1


def test_a_view_tells_where_joints_are() -> None:
    motion = windows(1)
    fitted, view = FrameView(JOINTS).double(), FrameView(JOINTS).double()
    fitted.fit(torch.tensor(SKELETON.offsets.copy()), torch.tensor(SKELETON.parents.copy()), motion)
    unscaled = {"mean": torch.zeros_like(fitted.mean), "std": torch.ones_like(fitted.std)}
    view.load_state_dict(fitted.state_dict() | unscaled)  # the body is kept with the weights
    seen = view(motion, flags(0, 23) == 0)[..., 6 * JOINTS : 9 * JOINTS].unflatten(-1, (JOINTS, 3))
    places = MatrixBody(SKELETON).double()(motion)
    apart = lambda p: (p[..., :, None, :] - p[..., None, :, :]).norm(dim=-1)  # noqa: E731
    torch.testing.assert_close(apart(seen), apart(places), atol=1e-6, rtol=0)
    torch.testing.assert_close(seen[..., 1] - seen[..., :1, 1], places[..., 1] - places[..., :1, 1], atol=1e-6, rtol=0)


def test_a_view_tells_how_far_joints_are_off_the_line_between_visible_frames() -> None:
    motion, visible = windows(1), flags(0, 9, 23) == 0
    view = FrameView(JOINTS).double()
    view.fit(torch.tensor(SKELETON.offsets.copy()), torch.tensor(SKELETON.parents.copy()), motion)
    raw = view(motion, visible) * view.std + view.mean
    off = raw[..., 15 * JOINTS + 1 : 18 * JOINTS + 1].unflatten(-1, (JOINTS, 3))[0].numpy()
    places = MatrixBody(SKELETON).double()(motion)[0].numpy()
    line = np.empty_like(places)
    for first, last in ((0, 9), (9, 23)):
        t = np.linspace(0, 1, last - first + 1)[:, None, None]
        line[first : last + 1] = (1 - t) * places[first] + t * places[last]
    np.testing.assert_allclose(np.linalg.norm(off, axis=-1), np.linalg.norm(places - line, axis=-1), atol=1e-6)
    np.testing.assert_allclose(off[..., 1], (places - line)[..., 1], atol=1e-6)


@pytest.mark.parametrize("headed", [False, True])
def test_a_correction_leads_from_one_motion_to_the_other(headed: bool) -> None:
    base, motion = windows(2)
    much = 0.2 + torch.rand(1, FRAMES, JOINTS + 1).double()
    for weight in (None, much, much[..., :1]):
        out = correction(base[None], motion[None], weight, headed=headed)
        torch.testing.assert_close(corrected(base[None], out, weight, headed=headed), motion[None])


def test_visible_frames_come_back_as_they_are() -> None:
    motion, hidden = windows(), flags(0, 6, 7, 15, 23).expand(3, -1, -1)
    out = model()(motion, hidden)
    there = hidden[0, :, 0] == 0
    torch.testing.assert_close(out[:, there], motion[:, there])
    assert (out - hermite(motion, hidden, 24.0))[:, ~there].abs().max() > 1e-3
    weight = ease(~hidden.bool())[0, :, 0]
    assert weight[there].max() == 0
    assert weight[11] == pytest.approx(4 / 6)


def test_a_scene_that_is_turned_is_filled_turned() -> None:
    net, motion = model(), windows()
    hidden = flags(0, 8, 16, 23).expand(3, -1, -1)
    moved, _ = to_canonical(motion, torch.tensor([0, 0, 0]))
    one, _ = to_canonical(net(motion, hidden), torch.tensor([0, 0, 0]))
    torch.testing.assert_close(net(moved, hidden), one, atol=1e-6, rtol=0)


def test_a_guess_is_looked_at_where_frames_are_hidden_and_no_guess_is_none() -> None:
    net, motion = model(), windows()
    hidden = flags(*range(12)).expand(3, -1, -1)
    guess = torch.randn(3, FRAMES, 6 * JOINTS + 3).double()
    half = torch.full((3, 1), 0.5).double()
    plain = net(motion, hidden)
    assert (net(motion, hidden, guess=guess, noise=half) - plain).abs().max() > 1e-3
    other = guess.clone()
    other[:, :12] += 1
    torch.testing.assert_close(
        net(motion, hidden, guess=guess, noise=half), net(motion, hidden, guess=other, noise=half)
    )
    torch.testing.assert_close(net(motion, hidden, guess=0 * guess, noise=0 * half + 1), plain)


def test_guesses_are_of_the_size_of_one() -> None:
    net, motion = model(), windows()
    hidden = (torch.arange(FRAMES) >= FRAMES // 2).double()[None, :, None].expand(3, -1, -1)
    size = net.guesses(motion, net.baseline(motion, hidden), hidden)[:, FRAMES // 2 :].square().mean(dim=(0, 1)).sqrt()
    wide = net.spread > 0.11
    assert wide.any()
    torch.testing.assert_close(size[wide], torch.ones_like(size)[wide], atol=1e-5, rtol=0)
    assert net.guesses(motion, net.baseline(motion, hidden), hidden)[:, : FRAMES // 2].abs().max() == 0


def test_its_network_tells_the_guess_without_noise() -> None:
    net = model().float()
    made = net.networks()["model"]
    assert list(made.inputs) == ["motion", "hidden", "guess", "noise"]
    motion = windows().float()
    hidden = flags(*range(12)).float().expand(3, -1, -1)
    guess = torch.randn(3, FRAMES, 6 * JOINTS + 3)
    filled, clean = made.module(motion, hidden, guess, torch.full((3, 1), 0.3))
    torch.testing.assert_close(net.guesses(filled, net.baseline(motion, hidden), hidden), clean)
    assert net.abilities().random
    assert net.completion()["rounds"] > 0


def test_an_untrained_model_of_slerp_is_as_before() -> None:
    net = MotionBert(replace(model().config, curve="slerp", ease=False, view="window", guess=False)).double().eval()
    hidden = flags(0, 9, 23).expand(3, -1, -1)
    torch.testing.assert_close(net(windows(), hidden), fill(windows(), hidden))
    assert not net.abilities().random
    assert net.completion()["rounds"] == 0


def test_options_that_do_not_go_together_are_refused() -> None:
    config = MotionBert.Config.preset("dancebert")
    for changes, said in (
        ({"view": "frame"}, "curve, ease, view and guess need residual"),
        ({"guess": True}, "curve, ease, view and guess need residual"),
    ):
        with pytest.raises(ConfigError, match=said):
            replace(config, **changes)
    with pytest.raises(ConfigError, match="contrast is of the view window"):
        replace(model().config, contrast=True)
