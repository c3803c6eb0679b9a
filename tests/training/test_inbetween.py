"""In-between models at toy size: patterns, losses, learning, the checkpoint, and what its answers must obey."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from farandole.data.feature_folder import FeatureFolderWriter  # noqa: E402
from farandole.data.salsa import salsa_takes  # noqa: E402
from farandole.errors import CheckpointError, DataError, MotionError  # noqa: E402
from farandole.generation.checkpoint import find_checkpoint  # noqa: E402
from farandole.generation.dance import Dancer  # noqa: E402
from farandole.generation.inbetween_net import InbetweenNet  # noqa: E402
from farandole.models.errors import ConfigError  # noqa: E402
from farandole.models.inbetweener import Inbetweener, InbetweenerConfig  # noqa: E402
from farandole.motion import rotations as rot  # noqa: E402
from farandole.motion.dance_codec import DanceCodec  # noqa: E402
from farandole.motion.gaps import GapCodec  # noqa: E402
from farandole.motion.kinematics import forward  # noqa: E402
from farandole.training.inbetween import GlobalBody, InbetweenTask, Weights  # noqa: E402
from farandole.training.inbetween_data import GapBatches, GapPatterns, style_shares  # noqa: E402
from farandole.training.inbetween_run import train_inbetween  # noqa: E402

TOY = {
    "model": "inbetweener",
    "config": {"layers": 1, "width": 32, "heads": 2, "inner": 32, "kernel": 3},
    "patterns": {"transition": 1.0, "keyframes": 1.0, "spans": 1.0, "longest_gap": 12, "window": 24},
    "steps": 40,
    "batch_size": 8,
    "lr": 3e-3,
    "ema": 0.9,
    "threads": 1,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    codec, folder = DanceCodec(), tmp_path_factory.mktemp("inbetween") / "data"
    takes = [t.motion.slice(0, 150) for t in salsa_takes()][:3]
    with FeatureFolderWriter(
        folder, fps=30.0, skeleton=codec.skeleton, features={codec.name: codec.columns}, licence="free", codecs=[codec]
    ) as writer:
        for n, motion in enumerate(takes):
            writer.add(motion.name, {codec.name: codec.encode(motion)}, split="test" if n == 2 else "train", style="s")
    return folder


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    run = tmp_path_factory.mktemp("run") / "toy"
    return run, train_inbetween(TOY, data, run)


@pytest.fixture(scope="module")
def net(trained):
    return InbetweenNet(trained[0], threads=1)


@pytest.fixture(scope="module")
def clip():
    return list(salsa_takes())[2].motion.slice(40, 72)


@pytest.fixture
def keep(clip):
    keep = np.zeros(len(clip), bool)
    keep[[0, 1, 2, 12, 20, 31]] = True
    return keep


@pytest.mark.parametrize("kind", ["transition", "keyframes", "spans"])
def test_patterns(kind):
    shares = {"transition": 0.0} | {kind: 1.0}
    patterns = GapPatterns(**shares, longest_gap=20, longest_past=14, longest_future=3, window=40)
    random = np.random.default_rng(0)
    for _ in range(30):
        keep = patterns.draw(16, random)
        assert keep.shape[0] == 16
        assert 4 <= keep.shape[1] <= patterns.longest
        assert keep.any(axis=1).all()
        assert not keep.all(axis=1).all()
        if kind == "transition":
            past, gap = keep[0].argmin(), (~keep[0]).sum()
            assert 10 <= past <= 14
            assert 5 <= gap <= 20
            assert 1 <= keep.shape[1] - past - gap <= 3
        elif kind == "spans":
            assert keep[:, 0].all()


def test_patterns_say_what_is_wrong():
    with pytest.raises(ConfigError, match="shortest_gap"):
        GapPatterns(shortest_gap=9, longest_gap=3)


def test_windows_of_named_styles_only():
    motions = [(np.zeros((n, 1, 4)), np.zeros((n, 3))) for n in (10, 30, 60)]
    np.testing.assert_allclose(style_shares(motions, ["a", "b", "b"], {}), [0.1, 0.3, 0.6])
    np.testing.assert_allclose(style_shares(motions, ["a", "b", "b"], {"a": 1, "b": 3}), [0.25, 0.25, 0.5])
    with pytest.raises(DataError, match="'c'"):
        style_shares(motions, ["a", "b", "b"], {"c": 1})


def test_places_from_global_rotations_are_those_of_kinematics(clip):
    positions, turns = forward(clip.skeleton, clip.rotations, clip.root_positions)
    made = GlobalBody(clip.skeleton)(torch.from_numpy(rot.to_matrix(turns)).float())
    np.testing.assert_allclose(made.numpy() + clip.root_positions[:, None], positions, atol=1e-5)


def test_a_perfect_answer_costs_nothing_and_the_start_is_the_guess(clip):
    codec = GapCodec.fit(clip.skeleton, clip.fps, [clip.rotations])
    batches = GapBatches(
        [(clip.rotations, clip.root_positions)], np.ones(1), codec, GapPatterns(longest_gap=20), batch_size=4
    )
    batch = batches.draw(np.random.default_rng(0))
    fresh = Inbetweener(InbetweenerConfig(layers=1, width=32, heads=2, inner=32), codec.dim, 21)
    task = InbetweenTask(fresh, clip.skeleton, clip.fps, torch.ones(21, 2), batches.feet, Weights(), steps=1)
    with torch.no_grad():
        start, guess = ({k: float(v) for k, v in task.terms(n, batch).items()} for n in (task.net, task._guess))
    assert start == guess

    def oracle(features, window):
        shift = batch["positions"][:, :, 0] - batch["roots"]
        cos, sin = batch["heading"].unbind(-1)
        x, y, z = shift.unbind(-1)
        here = torch.stack((cos * x - sin * z, y, sin * x + cos * z), dim=-1)
        return batch["facing"][..., :2].mT.flatten(-2), here

    perfect = task.terms(oracle, batch)
    for name in ("rotation", "position", "velocity"):
        assert float(perfect[name]) < 0.1 * guess[name]


def test_it_learns_and_says_what_the_guess_would_score(trained):
    _, results = trained
    # Two takes and 40 steps: held-out takes need not gain, but the figures are there, and the guess's too.
    for name in ("rotation", "position", "velocity", "sliding"):
        assert 0 < results[f"inbetween/held_out_{name}"] < 2 * results[f"inbetween/guess_held_out_{name}"]


def test_one_batch_can_be_learnt(clip):
    torch.manual_seed(0)
    codec = GapCodec.fit(clip.skeleton, clip.fps, [clip.rotations])
    patterns = GapPatterns(shortest_gap=12, longest_gap=12)
    batches = GapBatches([(clip.rotations, clip.root_positions)], np.ones(1), codec, patterns, batch_size=4)
    batch = batches.draw(np.random.default_rng(0))
    fresh = Inbetweener(InbetweenerConfig(layers=1, width=32, heads=2, inner=32), codec.dim, 21)
    task = InbetweenTask(fresh, clip.skeleton, clip.fps, 0.1 * torch.ones(21, 2), batches.feet, Weights(), steps=1)
    optimizer = torch.optim.Adam(task.net.parameters(), lr=3e-3)
    losses = []
    for _ in range(60):
        loss = task.loss(task.terms(task.net, batch))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert losses[-1] < 0.7 * losses[0]


def test_kept_frames_are_exact_and_the_rest_are_rotations(net, clip, keep):
    rotations, roots = net.fill(clip.rotations, clip.root_positions, keep)
    np.testing.assert_array_equal(rotations[keep], clip.rotations[keep])
    np.testing.assert_array_equal(roots[keep], clip.root_positions[keep])
    np.testing.assert_allclose(np.linalg.norm(rotations, axis=-1), 1.0, atol=1e-6)
    assert np.isfinite(roots).all()


def test_missing_frames_are_not_looked_at(net, clip, keep):
    q, p = clip.rotations.copy(), clip.root_positions.copy()
    q[~keep], p[~keep] = np.array([0.0, 1.0, 0.0, 0.0]), 7.0
    for made, wanted in zip(net.fill(q, p, keep), net.fill(clip.rotations, clip.root_positions, keep), strict=True):
        np.testing.assert_array_equal(made, wanted)


def test_turning_and_moving_the_scene_turns_and_moves_the_answer(net, clip, keep):
    turn, way = rot.from_yaw(-1.3), np.array([5.0, 0.0, 2.0])
    q = clip.rotations.copy()
    q[:, 0] = rot.multiply(np.broadcast_to(turn, q[:, 0].shape), q[:, 0])
    rotations, roots = net.fill(clip.rotations, clip.root_positions, keep)
    turned, moved = net.fill(q, rot.rotate(turn, clip.root_positions) + way, keep)
    np.testing.assert_allclose(moved, rot.rotate(turn, roots) + way, atol=1e-4)
    rotations[:, 0] = rot.multiply(np.broadcast_to(turn, rotations[:, 0].shape), rotations[:, 0])
    assert rot.angle_between(turned, rotations).max() < 1e-3


def test_batches_and_single_windows_agree(net, clip, keep):
    one = net.fill(clip.rotations, clip.root_positions, keep)
    two = net.fill(*(np.stack([x, x]) for x in (clip.rotations, clip.root_positions, keep)))
    np.testing.assert_allclose(two[1][1], one[1], atol=1e-6)
    assert rot.angle_between(two[0][0], one[0]).max() < 1e-4


def test_the_exported_network_is_the_trained_one(trained, net, clip, keep):
    from safetensors.torch import load_file

    folder = trained[0] / "checkpoint"
    weights = {k: v.float() for k, v in load_file(folder / "model.safetensors").items()}
    scales = {k: torch.from_numpy(v) for k, v in find_checkpoint(trained[0]).scales.items()}
    model = Inbetweener(InbetweenerConfig(**TOY["config"]), net.codec.dim, 21)
    model.load_state_dict(weights | scales)
    told = net.codec.encode(clip.rotations[None], clip.root_positions[None], keep[None])
    with torch.inference_mode():
        turns, shift = model.eval()(torch.from_numpy(told.features), torch.from_numpy(told.window))
    local, roots = net.codec.decode(told, turns.numpy(), shift.numpy())
    made, path = net.fill(clip.rotations, clip.root_positions, keep)
    np.testing.assert_allclose(path, roots[0], atol=1e-5)
    assert rot.angle_between(made, local[0]).max() < 1e-3


def test_what_does_not_fit_is_said(net, clip, keep, trained):
    with pytest.raises(MotionError, match="do not fit"):
        net.fill(clip.rotations[:, :20], clip.root_positions, keep)
    with pytest.raises(MotionError, match="no frame"):
        net.fill(clip.rotations, clip.root_positions, np.zeros(len(clip), bool))
    with pytest.raises(CheckpointError, match="cannot fill"):
        InbetweenNet("starter")
    with pytest.raises(CheckpointError, match="does not dance"):
        Dancer(trained[0])


def test_a_recipe_with_unknown_words(data, tmp_path):
    with pytest.raises(DataError, match="stepz"):
        train_inbetween(TOY | {"stepz": 3}, data, tmp_path / "run")
