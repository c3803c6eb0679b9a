"""Every model of the registry: two steps of training at toy size, a checkpoint, and what opens it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the [train] extra")
pytest.importorskip("lightning", reason="training needs the [train] extra")

import torch
from training_toys import DANCER, ENCODER, FLOWS, GAPS, MASKED, MOGLOW, changed, last_state

from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.checkpoints.session import open_session
from farandole.checkpoints.weights import load_model
from farandole.data.feature_folder import FeatureFolder
from farandole.errors import DataError
from farandole.generation.completion import open_model
from farandole.generation.generate import GenerationSettings, folder_jobs, generate
from farandole.models.registry import model_names
from farandole.training.run import train

DANCES = {"every": 1, "songs": 2, "seconds": 1.0}
_CROSS = {**ENCODER, "length": 60}
SHORT = [{"steps": 2, "mask": {"shortest": 24, "longest": 24, "pattern": "every", "every": 12}}]
MUSICAL = {
    **changed(MASKED, stages=SHORT),
    "features": {"motion": "rotmat", "music": "sound"},
    "windows": {"frames": 24},
}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: ("flow_folder", {**changed(steps=2), "model": name, "config": config}) for name, config in FLOWS.items()},
    "motionbert": ("masked_folder", changed(MASKED, stages=SHORT)),
    "threebert": ("masked_folder", {**MUSICAL, "model": "threebert",
                                    "config": {"encoder": ENCODER, "cross": {**_CROSS, "dim": 64}}}),
    "crossmodal": ("masked_folder", {**MUSICAL, "model": "crossmodal", "config": {"encoder": ENCODER, "cross": _CROSS}}),
    "inbetweener": ("dance_folder", changed(GAPS, steps=2)),
    "latent_dancer": ("dance_folder", changed(DANCER, stages=[{**s, "steps": 1} for s in DANCER["training"]["stages"]])),
}  # fmt: skip


def test_no_model_is_left_out() -> None:
    assert set(FAMILIES) == set(model_names())


@pytest.mark.parametrize("name", FAMILIES)
def test_two_steps_a_checkpoint_and_back(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    folder, values = FAMILIES[name]
    corpus = FeatureFolder(request.getfixturevalue(folder))
    results = train(values, corpus.folder, tmp_path / "run")
    assert results["held_out/loss"] > 0 or name in FLOWS  # a density may be greater than one
    assert all(np.isfinite(v) for v in results.values())
    checkpoint = find_checkpoint(tmp_path / "run")
    told = checkpoint.config
    assert (told.model, told.steps, told.fps) == (name, 2, corpus.fps)
    assert told.features == values.get("features", {})
    assert told.held_out["held_out/loss"] == pytest.approx(results["held_out/loss"], rel=1e-5)
    assert told.recipe["model"] == name
    assert checkpoint.skeleton == corpus.skeleton
    assert (told.data.sequences, told.licence) == (len(corpus.split("train")), corpus.licence)
    assert checkpoint.exported == ()
    loaded = load_model(checkpoint)
    kept = last_state(tmp_path / "run")["state_dict"]
    for key, value in loaded.state_dict().items():
        torch.testing.assert_close(value, kept[f"average.module.{key}"], rtol=0, atol=0, msg=key)
    session = open_session(checkpoint, "torch")
    for network, made in loaded.networks().items():
        answer = session.run(network, {k: t.numpy() for k, t in made.inputs.items()})
        assert len(answer) == len(made.outputs)
        assert all(np.isfinite(a).all() for a in answer)
    completer = open_model(tmp_path / "run", engine="torch")
    assert completer.fps == corpus.fps
    if told.abilities.past and name != "latent_dancer":
        jobs = folder_jobs(completer, corpus, corpus.split("val"))
        (made,) = generate(completer, jobs, GenerationSettings(), seconds=1.0)
        assert made.features.shape[1] == len(corpus.features[values["features"]["motion"]])


@pytest.mark.parametrize("name", ["transflower", "motionbert", "inbetweener", "latent_dancer"])
@pytest.mark.parametrize("lists", ["none", "empty"])
def test_without_held_out_sequences_the_last_weights_are_kept(
    name: str, lists: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """An empty list of names is a split without sequences; a list that is not there is named."""
    import shutil

    folder, values = FAMILIES[name]
    copy = shutil.copytree(request.getfixturevalue(folder), tmp_path / "data")
    for split in ("val", "test"):
        path = copy / "splits" / f"{split}.txt"
        if lists == "empty":
            path.write_text("")
        else:
            path.unlink()
    values = changed(values, dances=DANCES, keep="best")
    if lists == "none":
        with pytest.raises(DataError, match="has no split '(val|test)'") as error:
            train(values, copy, tmp_path / "run")
        assert "\n" not in str(error.value)
        return
    assert train(values, copy, tmp_path / "run") == {}
    assert find_checkpoint(tmp_path / "run").config.held_out == {}
    assert find_checkpoint(tmp_path / "run").config.steps == 2


@pytest.mark.parametrize("name", ["transflower", "motionbert", "inbetweener", "latent_dancer"])
def test_dances_never_stop_a_training(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Not where the first held-out sequence is shorter than a window, nor where it is to dance for a single frame."""
    folder, values = FAMILIES[name]
    source, copy = FeatureFolder(request.getfixturevalue(folder)), tmp_path / "data"
    short(source, copy)
    values = changed(values, dances=DANCES, validate_every=1)
    assert train(values, copy, tmp_path / "run")
    assert len(logged_images(tmp_path / "run")) >= 1 or name == "motionbert"  # whose body here is not human
    assert train(changed(values, dances={**DANCES, "seconds": 0.05}), copy, tmp_path / "again")


def logged_images(run: Path) -> list[Any]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = EventAccumulator(str(run / "logs" / "version_0")).Reload()
    return log.Images("dance") if "dance" in log.Tags()["images"] else []


def short(source: FeatureFolder, target: Path) -> None:
    """A copy of a feature folder whose first held-out sequence has three frames."""
    from farandole.data.feature_folder import FeatureFolderWriter

    (held,) = [n for s in ("val", "test") for n in source.split(s)]
    split = next(s for s in ("val", "test") if source.split(s))
    with FeatureFolderWriter(
        target, fps=source.fps, skeleton=source.skeleton, features=source.features, licence="",
        codecs=[source.codec(f) for f in source.codecs],
    ) as writer:  # fmt: skip
        for name in source.split("train"):
            writer.add(name, arrays(source, name), split="train", **style(source, name))
        writer.add("a", {f: a[:3] for f, a in arrays(source, held).items()}, split=split, **style(source, held))
        writer.add("b", arrays(source, held), split=split, **style(source, held))


def arrays(corpus: FeatureFolder, name: str) -> dict[str, np.ndarray]:
    return {f: np.asarray(corpus.load(name, f)) for f in corpus.features}


def style(corpus: FeatureFolder, name: str) -> dict[str, str]:
    return {k: v for k, v in corpus.sequences[name].items() if k == "style"}


def test_several_folders_train_as_one(flow_folder: Path, tmp_path: Path) -> None:
    from training_toys import write_flow_folder

    other = write_flow_folder(tmp_path / "more", frames=(60, 60))
    train(changed(steps=1), [flow_folder, other], tmp_path / "run")
    assert find_checkpoint(tmp_path / "run").config.data.sequences == 4


def test_a_sequence_of_features_that_are_no_motion_trains_too(tmp_path: Path) -> None:
    from farandole.data.feature_folder import FeatureFolderWriter
    from farandole.motion.humanoid import house_skeleton

    random, path = np.random.default_rng(0), tmp_path / "data"
    features = {"pose": ["a", "b", "c", "d"], "sound": ["x", "y"]}
    with FeatureFolderWriter(path, fps=20, skeleton=house_skeleton(), features=features, licence="none") as writer:
        for i in range(3):
            frames = {"pose": 5 + 3 * random.normal(size=(30, 4)), "sound": random.normal(size=(30, 2))}
            writer.add(f"s{i}", frames, split="val" if i == 2 else "train", style="ab"[i % 2])
    values = {**changed(steps=3, dances=DANCES), "features": {"motion": "pose", "audio": "sound"}}
    results = train(values, path, tmp_path / "run")
    assert results["held_out/nll"] == pytest.approx(results["held_out/bits_per_dimension"] * 4)
    assert load_model(find_checkpoint(tmp_path / "run")).config.dims == {"motion": 4, "audio": 2}


def test_labels_are_numbered_as_the_checkpoint_says(flow_folder: Path, tmp_path: Path) -> None:
    inputs = [{"name": "style", "dim": 8, "frames": 1, "tokens": 2, "fixed": True}, *FLOWS["transflower"]["inputs"]]
    values = {
        **changed(steps=1),
        "model": "transflower",
        "features": {**MOGLOW["features"], "style": "style"},
        "config": {**FLOWS["transflower"], "inputs": inputs},
    }
    train(values, flow_folder, tmp_path / "run")
    checkpoint = find_checkpoint(tmp_path / "run")
    assert checkpoint.config.labels == ("a", "b")
    assert checkpoint.abilities.labels
