"""Dances of the flow family: each depends on its own inputs and number alone; exported steps give torch's numbers."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the flow family needs the [train] extra")
pytest.importorskip("lightning", reason="the flow family needs the [train] extra")

from farandole.errors import CheckpointError, DataError, FrameRateError, MotionError  # noqa: E402
from farandole.generation.dance import Dancer  # noqa: E402
from farandole.generation.flow_dances import FlowDance, FlowSettings, generate_dances  # noqa: E402
from farandole.generation.flow_engine import OnnxFlow, TorchFlow, make_flow_engine  # noqa: E402
from farandole.generation.flow_inputs import TooShortError, sequence_inputs  # noqa: E402
from farandole.generation.motion_checkpoint import MotionCheckpoint, find_motion_checkpoint  # noqa: E402
from farandole.models.registry import MODELS  # noqa: E402


@pytest.fixture(scope="module")
def toys() -> ModuleType:
    return importlib.import_module("flow_toys")


@pytest.fixture(scope="module")
def corpus(toys: ModuleType, tmp_path_factory: pytest.TempPathFactory):
    return toys.toy_corpus(tmp_path_factory.mktemp("corpus") / "data")


def dances(engine, jobs, **settings) -> dict[str, FlowDance]:
    return {d.name: d for d in generate_dances(engine, jobs, FlowSettings(**settings))}


@pytest.mark.parametrize("model", ["transformer", "transflower", "moglow"])
def test_each_dance_is_the_same_alone_and_in_company(toys, corpus, tmp_path: Path, model: str) -> None:
    checkpoint = toys.toy_checkpoint(tmp_path / "run", corpus, model)
    engine = TorchFlow(checkpoint, device="cpu")
    jobs = [sequence_inputs(checkpoint, corpus, name) for name in corpus.sequences]
    told: list[float] = []
    settings = FlowSettings(seed=4, batch=2)
    together = {d.name: d for d in generate_dances(engine, jobs, settings, progress=told.append)}
    heard = checkpoint.generation_inputs[1].frames
    for job, frames in zip(jobs, (30, 24, 41), strict=True):
        (alone,) = dances(engine, [job], seed=4).values()
        assert len(alone.motion) == len(together[job.name].motion) == frames - heard + 1  # as far as the window reaches
        np.testing.assert_allclose(together[job.name].features, alone.features, rtol=0, atol=1e-4)
        assert alone.begin == checkpoint.target.offset / toys.FPS
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    other = dances(engine, jobs[:1], seed=5)["s0"].features
    assert np.array_equal(other, dances(engine, jobs[:1], seed=4)["s0"].features) == (model == "transformer")
    centres = [dances(engine, jobs[:1], seed=n, temperature=0.0)["s0"].features for n in (4, 5)]
    np.testing.assert_array_equal(*centres)


def test_seeds_lengths_and_windows_that_are_kept(toys, corpus, tmp_path: Path) -> None:
    checkpoint = toys.toy_checkpoint(tmp_path / "run", corpus, "transflower")
    engine = TorchFlow(checkpoint, device="cpu")
    own = sequence_inputs(checkpoint, corpus, "s2")
    strange = sequence_inputs(checkpoint, corpus, "s2", seed_sequence="s1")
    np.testing.assert_array_equal(strange.arrays["audio"], own.arrays["audio"])
    begun = dances(engine, [strange], with_seed=True)["s2"]
    assert begun.begin == 0
    np.testing.assert_allclose(begun.features[:6], corpus.load("s1", "expmap_cr")[:6], atol=1e-5)
    np.testing.assert_array_equal(begun.features[6:], dances(engine, [strange])["s2"].features)
    assert np.abs(begun.features[6:] - dances(engine, [own])["s2"].features).max() > 1e-3
    assert len(dances(engine, [own], seconds=0.5)["s2"].motion) == 10
    assert len(dances(engine, [own], keep=2)["s2"].motion) == 34  # 41 frames of music end within window 17
    with pytest.raises(DataError, match="keep must be from 1 to the model's 2 predicted frames, got 3"):
        dances(engine, [own], keep=3)
    with pytest.raises(MotionError, match="a dance of -1 s: need a positive length"):
        FlowSettings(seconds=-1)


@pytest.mark.parametrize("model", [m if m == "moglow" else pytest.param(m, marks=pytest.mark.slow) for m in MODELS])
def test_the_exported_step_gives_the_numbers_of_torch(
    toys, corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    from farandole.training.motion_onnx import export_motion

    checkpoint = toys.toy_checkpoint(tmp_path / "run", corpus, model)
    with pytest.raises(CheckpointError, match=r"has no model.onnx: make it with farandole models export .*run"):
        OnnxFlow(checkpoint)
    assert export_motion(checkpoint) < 1e-4
    exported = find_motion_checkpoint(tmp_path / "run")
    assert "model.onnx is one sampling step" in (exported.folder / "card.md").read_text()
    jobs = [sequence_inputs(exported, corpus, name) for name in corpus.sequences]
    by_torch, by_onnx = (dances(make_flow_engine(exported, e), jobs, seed=7) for e in ("torch", "onnx"))
    for name, dance in by_torch.items():
        np.testing.assert_allclose(by_onnx[name].features, dance.features, rtol=0, atol=1e-4)
    if model == "moglow":
        _a_wrong_file_is_not_kept(exported, monkeypatch)


def _a_wrong_file_is_not_kept(checkpoint: MotionCheckpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors.torch import load_file, save_file

    from farandole.training import motion_onnx

    before = {p.name: p.read_bytes() for p in checkpoint.folder.iterdir()}
    monkeypatch.setattr(motion_onnx, "_write", lambda _, path: path.write_bytes(before["model.onnx"]))
    save_file({k: 1.01 * v for k, v in load_file(checkpoint.weights).items()}, checkpoint.weights)
    with pytest.raises(
        CheckpointError,
        match=r"nothing was exported, for ONNX Runtime differs from torch by [0-9.e+-]+ .tolerance 0.0001",
    ):
        motion_onnx.export_motion(checkpoint)
    after = {p.name: p.read_bytes() for p in checkpoint.folder.iterdir()}
    assert {name for name in after if after[name] != before.get(name)} == {"model.safetensors"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "flow"),
    [
        ("paper", {}),
        ("as-released", {"norm": "actnorm", "conditioning": "tokens", "prior": "student-t"}),
        ("paper", {"steps": [1, 1], "norm": "none"}),
    ],
)
def test_options_of_transflower_are_exported_too(toys, corpus, tmp_path: Path, preset: str, flow: dict) -> None:
    from farandole.training.motion_onnx import export_motion

    config = {**toys.CONFIGS["transflower"], "flow": {**toys.CONFIGS["transflower"]["flow"], **flow}}
    assert export_motion(toys.toy_checkpoint(tmp_path / "run", corpus, "transflower", config, preset)) < 1e-4


def test_mixtures_cannot_be_exported(toys, corpus, tmp_path: Path) -> None:
    from farandole.training.motion_onnx import export_motion

    config = {**toys.CONFIGS["transflower"], "flow": {**toys.CONFIGS["transflower"]["flow"], "components": 2}}
    checkpoint = toys.toy_checkpoint(tmp_path / "run", corpus, "transflower", config)
    with pytest.raises(CheckpointError, match="mixtures of logistics cannot be exported: generate with --engine torch"):
        export_motion(checkpoint)


def test_student_noise_has_heavier_tails_and_the_same_beginning(toys, corpus, tmp_path: Path) -> None:
    from farandole.generation.flow_dances import _noise

    config = {
        **toys.CONFIGS["moglow"],
        "glow": {**toys.CONFIGS["moglow"]["glow"], "prior": "student-t", "degrees": 5.0},
    }
    checkpoint = toys.toy_checkpoint(tmp_path / "run", corpus, "moglow", config)
    z = _noise(checkpoint, 1, "s0", 4000)
    np.testing.assert_array_equal(_noise(checkpoint, 1, "s0", 30), z[:30])
    assert z.var() == pytest.approx(5 / 3, rel=0.05)  # v / (v - 2)


def test_labels_are_numbered_as_in_training(toys, corpus, tmp_path: Path) -> None:
    config = {**toys.CONFIGS["transformer"]}
    config["inputs"] = [{"name": "style", "dim": 4, "frames": 1, "tokens": 2, "fixed": True}, *config["inputs"]]
    checkpoint = toys.toy_checkpoint(tmp_path / "run", corpus, "transformer", config)
    jobs = [sequence_inputs(checkpoint, corpus, name) for name in ("s0", "s1", "s2")]
    assert [job.arrays["style"].tolist() for job in jobs] == [[0], [1], [0]]
    other = replace(jobs[0], name="b", arrays={**jobs[0].arrays, "style": np.array([1])})
    made = dances(TorchFlow(checkpoint, device="cpu"), [*jobs, other])
    assert np.abs(made["b"].features - made["s0"].features).max() > 1e-3


def test_data_that_does_not_fit_the_model_is_told_in_one_line(toys, corpus, tmp_path: Path) -> None:
    checkpoint = toys.toy_checkpoint(tmp_path / "run", corpus, "transflower")
    wide = toys.toy_corpus(tmp_path / "wide", columns=4)
    with pytest.raises(DataError, match="wide: s0: sound has 4 columns, but the model is made for 3"):
        sequence_inputs(checkpoint, wide, "s0")
    other = toys.toy_corpus(tmp_path / "other", codec="rot6d")
    with pytest.raises(
        DataError, match="has no motion feature 'expmap_cr', which the model reads; there are: rot6d, sound"
    ):
        sequence_inputs(checkpoint, other, "s0")
    short = toys.toy_corpus(tmp_path / "short", lengths=(7, 30))
    with pytest.raises(TooShortError, match=r"short: s0: sound has 7 frames, but the model's window needs 8 \(0.4 s\)"):
        sequence_inputs(checkpoint, short, "s0")
    with pytest.raises(FrameRateError, match="has 25 fps, but the model was trained on 20: prepare it with --fps 20"):
        sequence_inputs(checkpoint, toys.toy_corpus(tmp_path / "fast", fps=25.0), "s0")
    with pytest.raises(DataError, match="has no sequence 's9'"):
        sequence_inputs(checkpoint, corpus, "s0", seed_sequence="s9")


def test_checkpoints_of_other_models_and_damaged_ones_are_refused(toys, corpus, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"starter holds no model of the flow family \(transformer, transflower"):
        find_motion_checkpoint("starter")
    checkpoint = toys.toy_checkpoint(tmp_path / "run", corpus, "transflower")
    with pytest.raises(
        CheckpointError, match="run holds a transflower: generate with it by farandole generate .*run --song SONG"
    ):
        Dancer(tmp_path / "run")
    with pytest.raises(CheckpointError, match="no engine 'steam': there are auto, torch, onnx"):
        make_flow_engine(checkpoint, "steam")
    with pytest.raises(CheckpointError, match="device 'abacus': "):
        TorchFlow(checkpoint, device="abacus")
    facts = json.loads((checkpoint.folder / "config.yaml").read_text())
    facts["config"]["encoder"]["dim"] = 16
    (checkpoint.folder / "config.yaml").write_text(json.dumps(facts))
    with pytest.raises(CheckpointError, match=r"model.safetensors does not fit config.yaml beside it: "):
        MotionCheckpoint(checkpoint.folder).load()
    checkpoint.weights.write_bytes(checkpoint.weights.read_bytes()[:99])
    with pytest.raises(CheckpointError, match="model.safetensors is damaged"):
        checkpoint.load()
    checkpoint.step.write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match=r"model.onnx cannot be read"):
        OnnxFlow(checkpoint)
