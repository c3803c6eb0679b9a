"""Hidden frames restored: which frames count, what the losses are, what the model is shown of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="models need the [train] extra")

import torch

from farandole.data.masking import Masking
from farandole.errors import DataError
from farandole.models.errors import ConfigError
from farandole.models.masked import MaskedMotionModel
from farandole.models.matrix_body import MatrixBody, from_canonical, to_canonical
from farandole.models.objectives.masking_objective import (
    MaskChoice,
    MaskedLoss,
    MaskingObjective,
    MaskingOptions,
    _feed,
)
from farandole.models.objectives.objective import Draw
from farandole.models.registry import model_type
from farandole.models.settings import build
from farandole.motion import kinematics
from farandole.motion import rotations as rot
from farandole.motion.motion import Motion
from farandole.motion.skeleton import Skeleton
from farandole.training.data.training_data import DataFacts

SKELETON = Skeleton(
    ("hips", "spine", "head"), (-1, 0, 1), ((0, 0.9, 0), (0, 0.3, 0.1), (0.05, 0.4, 0)), {"head": (0, 0.2, 0)}
)
ENCODER = {"layers": 1, "dim": 32, "heads": 4, "inner": 32, "dropout": 0.0, "attention_dropout": 0.0}


def sway(frames: int, phase: float) -> np.ndarray:
    """A smooth motion as rotation matrices and root positions, [T, 9 J + 3]."""
    from farandole.motion.codecs.rotmat import RotMat

    t = np.arange(frames) / 30 + phase
    turns = np.stack([0.6 * np.sin(2 * t + k)[:, None] * np.eye(3)[k] for k in range(3)], axis=1)
    turns[:, 0, 1] += phase + 0.3 * t
    path = np.stack((np.sin(t) + phase, 0.9 + 0.05 * np.sin(6 * t), 0.4 * t), axis=-1)
    motion = Motion(SKELETON, rot.from_rotvec(turns), path, 30.0)
    return RotMat(30.0, SKELETON).encode(motion).astype(np.float32)


def sways(count: int, frames: int) -> torch.Tensor:
    return torch.as_tensor(np.stack([sway(frames, 0.7 * i) for i in range(count)]))


def made(canonical: bool = True, **settings) -> tuple[MaskedMotionModel, MaskingObjective]:
    kind = model_type("motionbert")
    torch.manual_seed(0)
    config = build(
        kind.Config,
        {"encoder": ENCODER, "hidden": 16, "motion": 30},
        "config",
        start=kind.Config.preset("small", motion=30),
    )
    model = kind(config).eval()
    return model, MaskingObjective(model, MaskedLoss(**settings), DataFacts(30.0, SKELETON, canonical=canonical))


def test_losses_count_what_is_scored() -> None:
    motion = torch.zeros(2, 10, 30)
    predicted = motion + 1.0
    predicted[:, 5:] = 100.0
    scored = torch.zeros(2, 10, dtype=torch.bool)
    scored[0, :2] = True
    loss = MaskedLoss(position=0, velocity=0)
    assert loss(predicted, motion, scored, None, None)["loss"].item() == pytest.approx(1.0)
    whole = replace(loss, average="whole")(predicted, motion, scored, None, None)
    assert (whole["loss"].item(), whole["features"].item()) == pytest.approx((0.1, 1.0))
    columns = torch.arange(30).expand(2, -1) < 9
    predicted[:, :2, 9:] = 50.0
    assert loss(predicted, motion, scored, columns, None)["loss"].item() == pytest.approx(1.0)


def test_positions_and_velocities_are_those_of_the_body() -> None:
    body = MatrixBody(SKELETON)
    still = torch.as_tensor(sway(1, 0.0)).expand(1, 10, -1)
    beside = still.clone()
    beside[..., -3] += 0.25
    beside[:, 6:, -3] += 0.5
    frames = torch.ones(1, 10, dtype=torch.bool)
    frames[:, 6:] = False
    found = MaskedLoss()(beside, still, frames, None, body)
    assert found["position"].item() == pytest.approx(0.25, abs=1e-5)
    assert found["velocity"].item() == pytest.approx(0.5 / 6, abs=1e-5)  # one of six steps with a scored end
    features = found["features"].item()
    twice = MaskedLoss(position=2.0, velocity=4.0)(beside, still, frames, None, body)["loss"].item()
    assert twice == pytest.approx(features + 2 * 0.25 + 4 * 0.5 / 6, abs=1e-5)


def test_joints_are_where_the_kinematics_say() -> None:
    features = sway(15, 0.4)
    q = rot.from_matrix(features[:, :-3].reshape(15, 3, 3, 3))
    expected, _ = kinematics.forward(SKELETON, q, features[:, -3:])
    np.testing.assert_allclose(MatrixBody(SKELETON)(torch.as_tensor(features)).numpy(), expected, atol=1e-5)


def test_windows_stand_at_the_origin_and_look_ahead_at_their_first_visible_frame() -> None:
    _, objective = made()
    motion = sways(10, 24)
    target, masked = objective.hide(motion, Masking(share=0.6, shortest=20), np.random.default_rng(3))
    first = (~masked.scored).argmax(axis=1)
    assert first.max() > 0
    there = target[np.arange(len(first)), first]
    assert there[:, [-3, -1]].abs().max() < 1e-6
    turn = there[:, :9].unflatten(-1, (3, 3))
    assert (turn[:, 0, 2] - turn[:, 2, 0]).abs().max() < 1e-6
    assert (turn[:, 0, 0] + turn[:, 2, 2]).min() > 0
    body = MatrixBody(SKELETON)
    shape = lambda m: (body(m)[..., :, None, :] - body(m)[..., None, :, :]).norm(dim=-1)  # noqa: E731
    torch.testing.assert_close(shape(target), shape(motion), atol=1e-5, rtol=0)
    moved, place = to_canonical(motion, torch.arange(10))
    torch.testing.assert_close(from_canonical(moved, place), motion, atol=1e-5, rtol=0)


def test_as_published_windows_stay_where_they_are_and_their_tails_are_empty() -> None:
    _, objective = made(canonical=False, average="whole", position=0.0, velocity=0.0)
    motion = sways(9, 20)
    target, masked = objective.hide(motion, Masking(shortest=10), np.random.default_rng(0))
    assert torch.equal(target, motion)
    assert objective.body is None
    assert (masked.attention == 0).any()
    assert (masked.motion[masked.attention == 0] == 0).all()


def test_the_whole_loss_is_smaller_by_the_share_that_is_scored() -> None:
    every = MaskingOptions(Masking(pattern="every", every=5, shortest=20, longest=20))
    model, objective = made(canonical=False, average="whole", position=0.0, velocity=0.0)
    losses = objective.losses(model, {"out_motion": sways(4, 20)}, every, Draw(0, 0))
    assert losses["loss"].item() == pytest.approx(0.8 * losses["features"].item(), rel=1e-5)  # four of five are scored


def test_fed_back_frames_are_the_models_own() -> None:
    model, _ = made()
    motion = sways(2, 24)
    hidden = torch.zeros(2, 24, 1)
    hidden[0, 10:], hidden[1, 21:] = 1, 1
    scored = hidden[..., 0] > 0
    shown, left, counted = _feed(model, motion * (1 - hidden), hidden, scored, torch.ones(2, 24), None, 5)
    with torch.no_grad():
        assert torch.equal(shown[0, 10:15], model(motion * (1 - hidden), hidden, torch.ones(2, 24), None)[0, 10:15])
    assert (shown[:, 15:21] == (motion * (1 - hidden))[:, 15:21]).all()
    assert left[0, 10:15].sum() == 0
    assert left[0, 15:].all()
    assert torch.equal(left[1], hidden[1])  # nothing would be left to learn from
    assert torch.equal(counted, left[..., 0] > 0)


def test_it_learns_more_than_slerp_knows() -> None:
    model, objective = made()
    model.train()
    batch = {"out_motion": sways(8, 25)}
    every = MaskingOptions(Masking(pattern="every", every=12, shortest=25, longest=25, zero=1.0, replace=0.0))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(120):
        losses = objective.losses(model, batch, every, Draw(0, 0, held_out=True))
        optimizer.zero_grad()
        losses["loss"].backward()
        optimizer.step()
    assert losses["position"] < 0.6 * losses["slerp_position"]
    assert losses["velocity"] < 0.9 * losses["slerp_velocity"]


def test_slerp_stands_beside_held_out_losses_only() -> None:
    model, objective = made()
    batch, options = {"out_motion": sways(4, 24)}, MaskingOptions(Masking(shortest=24, longest=24))
    assert not any(k.startswith("slerp") for k in objective.losses(model, batch, options, Draw(0, 0)))
    held_out = objective.losses(model, batch, options, Draw(0, 0, held_out=True))
    assert {"slerp_features", "slerp_position", "slerp_velocity"} < set(held_out)


def guessing(**changes) -> tuple[MaskedMotionModel, MaskingObjective]:
    """A model that sees a guess, as it begins."""
    kind = model_type("motionbert")
    torch.manual_seed(0)
    values = {"encoder": ENCODER, "hidden": 16, "motion": 30, "contrast": False, "ease": True, "view": "frame"}
    config = build(kind.Config, values | {"guess": True}, "config", start=kind.Config.preset("small", motion=30))
    model = kind(replace(config, **changes)).eval()
    objective = MaskingObjective(model, MaskedLoss(), DataFacts(30.0, SKELETON))
    objective.start(model, {"out_motion": sways(8, 24)})
    return model, objective


FUTURE = Masking(pattern="suffix", least=8, most=12, shortest=24, longest=24, zero=1.0, replace=0.0)
KEYS = Masking(pattern="keys", least=3, most=8, shortest=24, longest=24, zero=1.0, replace=0.0)


def test_one_of_several_masks_is_drawn_for_a_batch_and_held_out_ones_have_the_first() -> None:
    model, objective = guessing()
    seen = []
    hide = objective.hide
    objective.hide = lambda motion, mask, random: (seen.append(mask), hide(motion, mask, random))[1]
    options = MaskingOptions(KEYS, others=(MaskChoice(FUTURE, weight=3.0, guess=1.0),))
    for step in range(60):
        objective.losses(model, {"out_motion": sways(2, 24)}, options, Draw(0, step))
    assert seen.count(FUTURE) / len(seen) == pytest.approx(0.75, abs=0.15)
    seen.clear()
    for step in range(5):
        objective.losses(model, {"out_motion": sways(2, 24)}, options, Draw(0, step, held_out=True))
    assert seen == [KEYS] * 5
    assert MaskingOptions(KEYS).choose(np.random.default_rng(0)) == MaskChoice(KEYS)


def test_a_guess_is_the_truth_with_noise_in_it_and_is_given_to_its_share_of_windows() -> None:
    model, objective = guessing()
    given = []

    class Watched(torch.nn.Module):
        guesses, baseline = staticmethod(model.guesses), staticmethod(model.baseline)

        def forward(self, *inputs):
            given.append(inputs)
            return model(*inputs)

    motion = sways(40, 24)
    objective.losses(Watched(), {"out_motion": motion}, MaskingOptions(FUTURE, guess=0.5), Draw(0, 3))
    shown, hidden, attention, _, guess, noise, _ = given[0]
    told = noise[:, 0] < 1
    assert 8 < told.sum() < 32
    assert guess[~told].abs().max() == 0
    target, _ = objective.hide(motion, FUTURE, Draw(0, 3).numpy())
    unknown = torch.maximum(hidden, 1 - attention.unsqueeze(-1))
    drawn = (
        guess - (1 - noise.unsqueeze(-1)) * model.guesses(target, model.baseline(shown, unknown), unknown)
    ) / noise.unsqueeze(-1)
    assert drawn[told & (noise[:, 0] > 0.1)].std() == pytest.approx(1.0, abs=0.1)


def test_noise_comes_later_by_the_shift_of_the_model() -> None:
    seen = {}
    for shift in (1.0, 8.0):
        model, objective = guessing(shift=shift)
        model.register_forward_pre_hook(lambda _, inputs, shift=shift: seen.update({shift: inputs[5][:, 0].double()}))
        objective.losses(model, {"out_motion": sways(40, 24)}, MaskingOptions(FUTURE, guess=1.0), Draw(0, 3))
    torch.testing.assert_close(seen[8.0], 8 * seen[1.0] / (1 + 7 * seen[1.0]))
    assert (seen[8.0] > 0.5).double().mean() > 0.75


def test_windows_led_astray_come_back_behind_the_last_visible_frame() -> None:
    model, objective = guessing()
    given, wanted = [], []
    model.register_forward_pre_hook(lambda _, inputs: given.append(inputs))

    class Watched(MaskedLoss):
        def __call__(self, predicted, motion, *rest):
            wanted.append(motion)
            return super().__call__(predicted, motion, *rest)

    objective.settings = Watched()
    future = Masking(pattern="suffix", least=12, most=12, shortest=24, longest=24, zero=1.0, replace=0.0)
    for stray in (0.0, 0.2):
        objective.losses(model, {"out_motion": sways(6, 24)}, MaskingOptions(future, stray=stray), Draw(0, 3))
    straight, astray = wanted
    for (shown, *_), target in zip(given, wanted, strict=True):
        torch.testing.assert_close(shown[:, :12], target[:, :12])
        assert shown[:, 12:].abs().max() == 0
    apart = (astray - straight).abs().amax(dim=-1)
    assert (apart[:, :12].amax(dim=1) > 0.005).all()
    assert (apart[:, 16] < apart[:, :12].amax(dim=1)).all()
    torch.testing.assert_close(astray[:, 21:], straight[:, 21:], atol=1e-6, rtol=0)
    turns = astray[..., :-3].unflatten(-1, (-1, 3, 3))
    torch.testing.assert_close(turns @ turns.mT, torch.eye(3).expand_as(turns), atol=1e-5, rtol=0)


def test_the_squared_error_of_a_guess_is_that_of_its_correction() -> None:
    model, objective = guessing()
    batch, options = {"out_motion": sways(4, 24)}, MaskingOptions(FUTURE, guess=1.0)
    plain = objective.losses(model, batch, options, Draw(0, 3))
    objective.settings = MaskedLoss(guess=2.0)
    weighed = objective.losses(model, batch, options, Draw(0, 3))
    target, masked = objective.hide(batch["out_motion"], FUTURE, Draw(0, 3).numpy())
    hidden = torch.as_tensor(masked.flags)
    clean = model.guesses(target, model.baseline(torch.as_tensor(masked.motion), hidden), hidden)
    # As it begins the model corrects nothing, so all of the correction is its error.
    torch.testing.assert_close(weighed["guess"], clean.square().mean())
    torch.testing.assert_close(weighed["loss"], plain["loss"] + 2 * weighed["guess"])


def parting(count: int, seed: int) -> torch.Tensor:
    """Motions that are alike for 12 frames and then go off to one side or the other, [B, T, 30]."""
    motion = sways(1, 24).repeat(count, 1, 1)
    side = torch.as_tensor(np.random.default_rng(seed).choice([-0.5, 0.5], count)).float()
    motion[..., -3] += side[:, None] * (torch.arange(24) - 11).clamp(min=0) / 12
    return motion


def test_a_guess_tells_which_of_two_futures_it_is() -> None:
    model, objective = guessing()
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    future = replace(FUTURE, least=12, most=12)
    for step in range(80):
        batch = {"out_motion": parting(8, step)}
        losses = objective.losses(model, batch, MaskingOptions(future, guess=0.7), Draw(0, step))
        optimizer.zero_grad()
        losses["loss"].backward()
        optimizer.step()
    motion, masked = objective.hide(parting(16, 1000), future, np.random.default_rng(5))
    shown, hidden = torch.as_tensor(masked.motion), torch.as_tensor(masked.flags)
    clean = model.guesses(motion, model.baseline(shown, hidden), hidden)
    error = lambda *guess: (model(shown, hidden, None, None, *guess) - motion)[..., -3].abs().mean().item()  # noqa: E731
    with torch.no_grad():
        assert error(clean, torch.full((16, 1), 0.05)) < 0.6 * error()


def test_what_a_mask_needs_is_said() -> None:
    model, objective = made()
    options = MaskingOptions(Masking(joint_share=0.5, shortest=24, longest=24))
    with pytest.raises(DataError, match=r"masks of joints \(joint_share\) need a model with joint_flags"):
        objective.losses(model, {"out_motion": sways(4, 24)}, options, Draw(0, 0))
    with pytest.raises(
        DataError, match=r"the motion feature has 30 columns, but 4 rotation matrices and a root are 39"
    ):
        bones = Skeleton((*SKELETON.names, "hat"), (-1, 0, 1, 2), (*SKELETON.offsets, (0, 0.1, 0)))
        MaskingObjective(model, MaskedLoss(), DataFacts(30.0, bones))
    with pytest.raises(DataError, match=r"a stage with guess needs a model that takes one \(config.guess\)"):
        objective.losses(model, {"out_motion": sways(4, 24)}, MaskingOptions(FUTURE, guess=0.5), Draw(0, 0))
    for wrong, said in (
        ({"guess": 1.5}, "guess must be from 0 to 1"),
        ({"feedback": -1}, "must not be negative"),
        ({"stray": -0.1}, "stray must be from 0 to 1"),
    ):
        with pytest.raises(ConfigError, match=said):
            MaskingOptions(**wrong)
    with pytest.raises(ConfigError, match="weights of others must be positive"):
        MaskingOptions(others=(MaskChoice(KEYS, weight=0.0),))
