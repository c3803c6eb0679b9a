"""Training of the masked family: losses, stages, exact resumption, recipes, checkpoints; and going on with a motion."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the [train] extra")
lightning = pytest.importorskip("lightning", reason="training needs the [train] extra")
pytest.importorskip("transformers", reason="the encoders need the [train] extra")

from farandole.cli.app import run  # noqa: E402
from farandole.data.feature_folder import FeatureFolder, FeatureFolderWriter  # noqa: E402
from farandole.data.masking import Masking  # noqa: E402
from farandole.errors import CheckpointError, DataError  # noqa: E402
from farandole.generation.masked import MODELS, continue_motion, fill_window, find_masked_checkpoint  # noqa: E402
from farandole.models.matrix_body import MatrixBody, from_canonical, to_canonical  # noqa: E402
from farandole.motion import kinematics  # noqa: E402
from farandole.motion import rotations as rot  # noqa: E402
from farandole.motion.codecs.rotmat import RotMat  # noqa: E402
from farandole.motion.motion import Motion  # noqa: E402
from farandole.motion.skeleton import Skeleton  # noqa: E402
from farandole.training.masked_data import MaskedWindows, read_windows, scalers_of  # noqa: E402
from farandole.training.masked_losses import MaskedLoss  # noqa: E402
from farandole.training.masked_run import MaskedRecipe, make_task, train_masked  # noqa: E402
from farandole.training.masked_task import MaskedTraining, Stage  # noqa: E402
from farandole.training.recipes import read_recipe, recipe_folder  # noqa: E402
from farandole.training.schedules import Schedule  # noqa: E402

SKELETON = Skeleton(
    ("hips", "spine", "head"), (-1, 0, 1), ((0, 0.9, 0), (0, 0.3, 0.1), (0.05, 0.4, 0)), {"head": (0, 0.2, 0)}
)
RECIPES = {p.stem: p for p in recipe_folder().glob("*.yaml") if read_recipe(p).get("model") in MODELS}
QUIET = {"enable_progress_bar": False, "accelerator": "cpu"}
ENCODER = {"layers": 1, "dim": 32, "heads": 4, "inner": 32, "dropout": 0.1}
TINY: dict[str, Any] = {
    "model": "motionbert",
    "preset": "small",
    "features": {"motion": "rotmat"},
    "dims": "data",
    "config": {"encoder": ENCODER, "hidden": 16},
    "windows": {"frames": 24},
    "training": {
        "batch_size": 4,
        "ema": 0.9,
        "save_every": 1,
        "stages": [
            {"steps": 4, "lr": "1e-3", "mask": {"shortest": 20}, "schedule": {"kind": "cosine", "warmup": 2}},
            {"steps": 5, "lr": "5e-4", "feedback": 2, "feedback_frames": 3, "mask": {"pattern": "suffix", "least": 4, "most": 9,
             "shortest": 24, "longest": 24, "zero": 1.0, "replace": 0.0}},
            {"steps": 3, "lr": "5e-4", "mask": {"pattern": "every", "every": 5, "shortest": 24, "longest": 24}},
        ],
    },
}  # fmt: skip


def sway(frames: int, phase: float) -> np.ndarray:
    """A smooth motion as features of the codec rotmat, [T, 9 J + 3], 30 fps."""
    t = np.arange(frames) / 30 + phase
    turns = np.stack([0.6 * np.sin(2 * t + k)[:, None] * np.eye(3)[k] for k in range(3)], axis=1)
    turns[:, 0, 1] += phase + 0.3 * t
    path = np.stack((np.sin(t) + phase, 0.9 + 0.05 * np.sin(6 * t), 0.4 * t), axis=-1)
    motion = Motion(SKELETON, rot.from_rotvec(turns), path, 30.0)
    return RotMat(30.0, SKELETON).encode(motion).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("masked") / "data"
    codec = RotMat(30.0, SKELETON)
    features = {"rotmat": codec.columns, "sound": ("a", "b")}
    random = np.random.default_rng(0)
    with FeatureFolderWriter(
        path, fps=30, skeleton=SKELETON, features=features, licence="none", codecs=[codec]
    ) as writer:
        for i in range(4):
            music = 3 + random.normal(size=(60, 2))
            writer.add(f"s{i}", {"rotmat": sway(60, 1.7 * i), "sound": music}, split="val" if i == 3 else "train")
    return path


class Stop(Exception):
    """Stands for a killed process."""


class StopAt(lightning.Callback):
    """Ends the process, as it were, after a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer, *_) -> None:
        if trainer.global_step == self.step:
            raise Stop


@pytest.fixture(scope="module")
def whole(folder: Path, tmp_path_factory) -> tuple[dict[str, float], dict[str, Any]]:
    """Held-out losses and last state of a run that nobody killed."""
    run = tmp_path_factory.mktemp("whole") / "run"
    results = train_masked(TINY, folder, run, **QUIET)
    return results, torch.load(run / "states" / "last.ckpt", weights_only=False)


@pytest.mark.parametrize("stop", [3, 4, 6])  # inside a stage, between two, inside one that feeds back
def test_stages_resume_exactly(folder: Path, tmp_path: Path, whole, stop: int) -> None:
    with pytest.raises(Stop):
        train_masked(TINY, folder, tmp_path / "run", callbacks=[StopAt(stop)], **QUIET)
    assert not (tmp_path / "run" / "checkpoint").exists()
    resumed = train_masked(TINY, folder, tmp_path / "run", resume=True, **QUIET)
    results, state = whole
    assert resumed == results
    again = torch.load(tmp_path / "run" / "states" / "last.ckpt", weights_only=False)
    assert state["global_step"] == again["global_step"] == 12
    for key, value in state["state_dict"].items():
        assert torch.equal(value, again["state_dict"][key]), key


def test_each_stage_has_its_rate_its_mask_and_a_fresh_optimiser(folder: Path, tmp_path: Path) -> None:
    seen: list[tuple[float, int, str]] = []

    class Look(lightning.Callback):
        def on_before_optimizer_step(self, trainer, task, optimizer) -> None:
            steps = {int(s["step"]) for s in optimizer.state.values()} or {0}
            stage, _ = task.plan.stage(trainer.global_step)
            seen.append((optimizer.param_groups[0]["lr"], steps.pop(), stage.mask.pattern))

    train_masked(TINY, folder, tmp_path / "run", callbacks=[Look()], **QUIET)
    rates, steps, masks = zip(*seen, strict=True)
    assert rates == pytest.approx([5e-4, 1e-3, 1e-3, 5e-4, *[5e-4] * 8])
    assert steps == (0, 1, 2, 3, 0, 1, 2, 3, 4, 0, 1, 2)
    assert masks == ("frames",) * 4 + ("suffix",) * 5 + ("every",) * 3


def test_it_learns(folder: Path) -> None:
    corpus = FeatureFolder(folder)
    config = {"encoder": {**ENCODER, "dropout": 0.0, "attention_dropout": 0.0}, "hidden": 16}
    recipe = MaskedRecipe.from_mapping({**TINY, "config": config}, {"motion": 30})
    task = make_task(recipe.build_model(), recipe, corpus)
    batch = {"out_motion": torch.as_tensor(np.stack([sway(25, 0.7 * i) for i in range(8)]))}
    stage = Stage(1, mask=Masking(pattern="every", every=12, shortest=25, longest=25, zero=1.0, replace=0.0))
    optimizer = torch.optim.Adam(task.model.parameters(), lr=3e-3)
    for _ in range(120):
        losses = task._losses(task.model, batch, stage, np.random.default_rng(0), baseline=True)
        optimizer.zero_grad()
        losses["loss"].backward()
        optimizer.step()
    assert losses["position"] < 0.6 * losses["slerp_position"]
    assert losses["velocity"] < 0.9 * losses["slerp_velocity"]


def test_it_comes_back_from_its_checkpoint(folder: Path, tmp_path: Path) -> None:
    every = {"pattern": "every", "every": 12, "shortest": 25, "longest": 25, "zero": 1.0, "replace": 0.0}
    training = {"batch_size": 8, "stages": [{"steps": 3, "lr": 5e-3, "mask": every}]}
    values = {**TINY, "windows": {"frames": 25}, "training": training}
    results = train_masked(values, folder, tmp_path / "run", **QUIET)
    assert results["held_out/position"] != results["held_out/slerp_position"]
    model, motion = find_masked_checkpoint(tmp_path / "run").load(), sway(25, 5.1)
    hidden = np.arange(25) % 12 != 0
    filled = fill_window(model, motion, hidden)
    np.testing.assert_array_equal(filled[~hidden], motion[~hidden])
    noise = np.where(hidden[:, None], 7.0, motion)
    np.testing.assert_allclose(fill_window(model, noise, hidden), filled, atol=1e-6)
    with pytest.raises(DataError, match="at least one frame must be kept"):
        fill_window(model, motion, np.ones(25, bool))
    more = {**training, "stages": [{"steps": 1, "lr": 1e-9, "mask": every}]}
    longer = {**values, "start": str(tmp_path / "run"), "training": more}
    again = train_masked(longer, folder, tmp_path / "on", **QUIET)
    assert again["held_out/loss"] == pytest.approx(results["held_out/loss"], rel=1e-4)
    with pytest.raises(CheckpointError, match="of other settings than the recipe's motionbert"):
        train_masked({**longer, "config": {"encoder": ENCODER, "hidden": 20}}, folder, tmp_path / "off", **QUIET)


@pytest.mark.parametrize("model", ["threebert", "crossmodal", "motionbert"])
def test_as_published(folder: Path, tmp_path: Path, model: str) -> None:
    """Min-max scales over everything, disjoint windows, loss averaged over the whole window, no mask told."""
    sizes = {**ENCODER, "length": 20}
    config: dict[str, Any] = {"encoder": sizes}
    cross = {**sizes, "dim": 64 if model == "threebert" else 32, "length": 40}
    config |= {"frames": 20} if model == "motionbert" else {"cross": cross}
    every = {"pattern": "every", "every": 5, "shortest": 20, "longest": 20}
    values = {
        "model": model,
        "preset": "dancebert",
        "features": {"motion": "rotmat", "music": "sound"},
        "dims": "data",
        "config": config,
        "windows": {"frames": 20, "stride": 20, "root": "minmax", "music": "minmax", "statistics": "all"},
        "training": {
            "batch_size": 3,
            "clip_norm": 0.0,
            "loss": {"average": "whole", "position": 0.0, "velocity": 0.0},
            "stages": [{"steps": 2, "mask": {"shortest": 10}}, {"steps": 1, "mask": every}],
        },
    }
    results = train_masked(values, folder, tmp_path / "run", **QUIET)
    assert results["held_out/loss"] == pytest.approx(
        results["held_out/features"] * 0.8, rel=1e-4
    )  # four of five are scored
    corpus = FeatureFolder(folder)
    recipe = MaskedRecipe.from_mapping(values, {"motion": 30, "music": 2})
    scalers = scalers_of(corpus, {"motion": "rotmat", "music": "sound"}, recipe.windows)
    windows = read_windows(corpus, "train", recipe.features, recipe.dims, scalers, recipe.windows)
    assert len(windows) == 9  # 60 frames: three windows of 20 each
    everything = np.concatenate([np.load(p) for p in sorted(folder.glob("s?.rotmat.npy"))])
    np.testing.assert_allclose(scalers["motion"].maximum, everything.max(axis=0), atol=1e-6)
    roots = torch.as_tensor(np.stack([windows[i]["out_motion"][:, -3:] for i in range(9)]))
    assert 0 <= roots.min() < 0.1
    assert roots.max() <= 1
    task = make_task(recipe.build_model(), recipe, corpus)
    motion = torch.as_tensor(np.stack([windows[i]["out_motion"] for i in range(9)]))
    target, masked = task.hide(motion, recipe.training.stages[0].mask, np.random.default_rng(0))
    assert torch.equal(target, motion)
    batch = {"out_motion": motion}
    if model != "motionbert":
        batch["in_music"] = torch.as_tensor(np.stack([windows[i]["in_music"] for i in range(9)]))
    heard = []
    task.model.register_forward_pre_hook(lambda _, given: heard.append(given[3]))
    task._losses(task.model, batch, recipe.training.stages[0], np.random.default_rng(0))
    assert model == "motionbert" or torch.equal(heard[0], batch["in_music"])  # music is not touched, whatever the mask
    assert (masked.motion[masked.attention == 0] == 0).all()


def test_windows_stand_at_the_origin_and_look_ahead_at_their_first_visible_frame(folder: Path) -> None:
    corpus = FeatureFolder(folder)
    recipe = MaskedRecipe.from_mapping(TINY, {"motion": 30})
    task = make_task(recipe.build_model(), recipe, corpus)
    scalers = scalers_of(corpus, recipe.features, recipe.windows)
    windows = read_windows(corpus, "train", recipe.features, recipe.dims, scalers, recipe.windows)
    motion = torch.as_tensor(np.stack([windows[i]["out_motion"] for i in range(0, 90, 9)]))
    target, masked = task.hide(motion, Masking(share=0.6, shortest=20), np.random.default_rng(3))
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


def test_joints_are_where_the_kinematics_say() -> None:
    features = sway(15, 0.4)
    q = rot.from_matrix(features[:, :-3].reshape(15, 3, 3, 3))
    expected, _ = kinematics.forward(SKELETON, q, features[:, -3:])
    np.testing.assert_allclose(MatrixBody(SKELETON)(torch.as_tensor(features)).numpy(), expected, atol=1e-5)


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


def test_fed_back_frames_are_the_models_own(folder: Path) -> None:
    recipe = MaskedRecipe.from_mapping(TINY, {"motion": 30})
    task = make_task(recipe.build_model().eval(), recipe, FeatureFolder(folder))
    motion = torch.as_tensor(np.stack([sway(24, 0.3), sway(24, 2.0)]))
    hidden = torch.zeros(2, 24, 1)
    hidden[0, 10:], hidden[1, 21:] = 1, 1
    scored = hidden[..., 0] > 0
    shown, left, counted = task._feed(task.model, motion * (1 - hidden), hidden, scored, torch.ones(2, 24), None, 5)
    assert torch.equal(shown[0, 10:15], task.model(motion, hidden)[0, 10:15])
    assert (shown[:, 15:21] == (motion * (1 - hidden))[:, 15:21]).all()
    assert left[0, 10:15].sum() == 0
    assert left[0, 15:].all()
    assert torch.equal(left[1], hidden[1])  # nothing would be left to learn from
    assert torch.equal(counted, left[..., 0] > 0)


def test_the_command_trains_stage_by_stage(folder: Path, tmp_path: Path, capfd) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(json.dumps(TINY))  # JSON is YAML too
    words = [
        "train",
        recipe,
        "--data",
        folder,
        "-o",
        tmp_path / "run",
        "--trainer.accelerator=cpu",
        "--training.ema=0.5",
    ]
    assert run([str(w) for w in words]) == 0
    assert capfd.readouterr().out.strip() == str(tmp_path / "run" / "checkpoint")
    assert find_masked_checkpoint(tmp_path / "run").config["training"]["ema"] == 0.5
    assert run([str(w) for w in (*words, "--force", "--training.stages=[]")]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line == "error: training: training: needs at least one stage"


@pytest.mark.parametrize(("model", "preset"), [(m, "farandole") for m in MODELS] + [("motionbert", "dancebert")])
def test_a_minute_goes_on_without_blowing_up(folder: Path, model: str, preset: str) -> None:
    torch.manual_seed(0)
    config: dict[str, Any] = {"encoder": {**ENCODER, "length": 60}, "motion": 30}
    if model == "motionbert":
        config["frames"] = 60
    else:
        config |= {"music": 2, "cross": {**ENCODER, "dim": 64 if model == "threebert" else 32, "length": 120}}
    net = MaskedRecipe.from_mapping({"model": model, "preset": preset, "config": config}).build_model().eval()
    for p in net.parameters():  # a network that has learnt nothing good
        p.data += 0.02 * torch.randn_like(p)
    start = sway(50, 1.0)
    music = np.random.default_rng(0).normal(size=(900, 2)).astype(np.float32) if net.needs_music else None
    whole = preset == "dancebert"
    options = {"known": 40, "block": 20, "keep": 20, "window": 60 if whole else None, "canonical": not whole}
    added = continue_motion(net, start, 1800, music, **options)
    assert added.shape == (1800, 30)
    turns = added[:, :-3].reshape(1800, 3, 3, 3)
    np.testing.assert_allclose(turns @ turns.swapaxes(-1, -2), np.broadcast_to(np.eye(3), turns.shape), atol=1e-5)
    assert np.isfinite(added).all()
    step = np.linalg.norm(np.diff(added[:, -3:], axis=0), axis=-1)
    assert np.median(step[-300:]) <= 2 * np.median(step[:300]) + 0.02  # no faster at the end than at the beginning
    again = continue_motion(net, start, 30, music, **options)
    np.testing.assert_array_equal(again, added[:30])


def test_what_cannot_go_on_is_said(folder: Path) -> None:
    net = MaskedRecipe.from_mapping(TINY, {"motion": 30}).build_model().eval()
    with pytest.raises(DataError, match="cannot continue 20 frames with known 120, block 10, keep 20, window None"):
        continue_motion(net, sway(20, 0.0), 5, block=10)
    with pytest.raises(DataError, match="music of 10 frames is shorter than the motion of 20"):
        continue_motion(net, sway(20, 0.0), 5, np.zeros((10, 2)))


def test_every_recipe_is_complete_and_its_stages_are_those_it_says() -> None:
    for path in RECIPES.values():
        recipe = MaskedRecipe.from_mapping(read_recipe(path))
        with torch.device("meta"):
            size = sum(p.numel() for p in replace(recipe, start="").build_model().parameters())
        assert not path.stem.startswith("tiny") or size < 2_000_000
        for stage in recipe.training.stages:
            frames = recipe.windows.frames
            assert (stage.mask.longest or frames - 1) <= frames
    plan = {n: MaskedRecipe.from_mapping(read_recipe(RECIPES[n])).training for n in RECIPES}
    rates = {n: [(s.steps, s.lr) for s in p.stages] for n, p in plan.items()}
    assert rates["dancebert_threebert"] == [(43_000, 1e-4)]
    assert rates["dancebert_crossmodal"] == [(53_000, 1e-4), (16_000, 1e-5), (69_000, 1e-6)]
    assert rates["dancebert_motionbert"] == [(20_000, 1e-4), (20_000, 1e-5)]
    assert [plan[n].batch_size for n in ("dancebert_threebert", "dancebert_crossmodal", "dancebert_motionbert")] == [
        32,
        32,
        128,
    ]
    ladder = [(s.steps, s.lr, s.mask.every) for s in plan["dancebert_threebert_every"].stages]
    assert ladder == [(1100, 1e-4, 5), (2000, 1e-4, 10), (2000, 1e-5, 15), (40_000, 1e-5, 15), (100_000, 1e-6, 20)]
    assert {f"tiny_{m}" for m in MODELS} <= RECIPES.keys()


def test_what_is_wrong_with_a_recipe_is_said(folder: Path, tmp_path: Path) -> None:
    for values, said in (
        ({"model": "motionbert", "stages": []}, "recipe has no key 'stages'"),
        ({"model": "fourbert"}, "recipe.model: 'fourbert' is not one of motionbert, threebert, crossmodal"),
        ({"model": "motionbert", "preset": "paper"}, "'paper' is not one of dancebert, farandole, small"),
        ({"model": "motionbert", "training": {"stages": [{"lr": 1}]}}, "needs the key 'steps'"),
        ({"model": "motionbert", "training": {"stages": [{"steps": 3, "mask": {"every": 0}}]}}, "every >= 1"),
        ({"model": "motionbert", "training": {"stages": []}}, "at least one stage"),
    ):
        with pytest.raises(DataError, match=said):
            MaskedRecipe.from_mapping(values)
    for values, said in (
        ({**TINY, "features": {}}, "names no feature for motion"),
        ({**TINY, "features": {"motion": "expmap"}}, "has no feature 'expmap': there are rotmat, sound"),
        ({**TINY, "windows": {"frames": 90}}, "none of 3 sequences is as long as the window of 90 frames"),
        ({**TINY, "dims": "recipe"}, r"rotmat \(motion\) has 30 features, but the model is made for 201"),
        (
            {**TINY, "training": {"stages": [{"steps": 1, "mask": {"joint_share": 0.5}}]}},
            "need a model with joint_flags",
        ),
    ):
        with pytest.raises(DataError, match=said):
            train_masked(values, folder, tmp_path / "run", **QUIET)
    with pytest.raises(DataError, match="trainer has no option 'device'; there are: accelerator"):
        train_masked(TINY, folder, tmp_path / "run", device=2)
    with pytest.raises(CheckpointError, match="holds no state to continue from"):
        train_masked(TINY, folder, tmp_path / "none", resume=True, **QUIET)
    assert Stage(3, schedule=Schedule("cosine")).schedule.rate(0, 3) == 1
    assert MaskedTraining((Stage(2), Stage(3))).stage(4)[1] == 2
    assert MaskedWindows().stride == 1
