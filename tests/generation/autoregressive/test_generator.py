"""Dances of models that continue motion: each depends on its own inputs and number alone; exported steps give torch's numbers."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="these models need the [train] extra")
pytest.importorskip("lightning", reason="these models need the [train] extra")

from farandole.checkpoints.checkpoint import Checkpoint, find_checkpoint  # noqa: E402
from farandole.checkpoints.session import OnnxSession, open_session  # noqa: E402
from farandole.checkpoints.weights import load_model  # noqa: E402
from farandole.checkpoints.write import export_checkpoint, rewrite_texts  # noqa: E402
from farandole.errors import AbilityError, CheckpointError, DataError, FrameRateError, MotionError  # noqa: E402
from farandole.generation.autoregressive.latents import latents  # noqa: E402
from farandole.generation.completer import FeatureJob, GenerationSettings  # noqa: E402
from farandole.generation.completion import complete, completions, open_model  # noqa: E402
from farandole.generation.generate import Generated, folder_jobs, generate  # noqa: E402
from farandole.generation.inputs import TooShortError, sequence_job  # noqa: E402
from farandole.generation.partial import PartialMotion  # noqa: E402
from farandole.models.base import MotionModel  # noqa: E402
from farandole.models.registry import model_names, model_type  # noqa: E402
from farandole.motion.motion import Motion  # noqa: E402
from farandole.music.features import features  # noqa: E402
from farandole.music.song import Song  # noqa: E402


@pytest.fixture(scope="module")
def toys() -> ModuleType:
    return importlib.import_module("toy_models")


@pytest.fixture(scope="module")
def corpus(toys: ModuleType, tmp_path_factory: pytest.TempPathFactory):
    return toys.toy_corpus(tmp_path_factory.mktemp("corpus") / "data")


@pytest.fixture(scope="module")
def flower(toys, corpus, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A transflower that reads six frames of motion and eight of sound, and predicts two."""
    return toys.toy_checkpoint(tmp_path_factory.mktemp("flower") / "run", corpus, "transflower")


def by_torch(checkpoint: Checkpoint):
    return open_model(checkpoint, engine="torch", device="cpu")


def dances(completer, jobs, *, seconds=None, with_seed=False, batch=16, **settings) -> dict[str, Generated]:
    made = generate(completer, jobs, GenerationSettings(**settings), seconds=seconds, with_seed=with_seed, batch=batch)
    return {dance.name: dance for dance in made}


@pytest.mark.parametrize("model", ["transformer", "transflower", "moglow"])
def test_each_dance_is_the_same_alone_and_in_company(toys, corpus, tmp_path: Path, model: str) -> None:
    completer = by_torch(toys.toy_checkpoint(tmp_path / "run", corpus, model))
    jobs = [sequence_job(completer, corpus, name) for name in corpus.sequences]
    told: list[float] = []
    settings = GenerationSettings(seed=4)
    together = {d.name: d for d in generate(completer, jobs, settings, batch=2, progress=told.append)}
    heard = completer.reads[1].frames
    for job, frames in zip(jobs, (30, 24, 41), strict=True):
        (alone,) = dances(completer, [job], seed=4).values()
        assert len(alone.motion) == len(together[job.name].motion) == frames - heard + 1  # as far as the window reaches
        np.testing.assert_allclose(together[job.name].features, alone.features, rtol=0, atol=1e-4)
        assert alone.begin == completer.begins / toys.FPS
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    other = dances(completer, jobs[:1], seed=5)["s0"].features
    assert np.array_equal(other, dances(completer, jobs[:1], seed=4)["s0"].features) == (model == "transformer")
    centres = [dances(completer, jobs[:1], seed=n, temperature=0.0)["s0"].features for n in (4, 5)]
    np.testing.assert_array_equal(*centres)


def test_seeds_lengths_and_windows_that_are_kept(corpus, flower: Checkpoint) -> None:
    completer = by_torch(flower)
    own = sequence_job(completer, corpus, "s2")
    strange = sequence_job(completer, corpus, "s2", seed_sequence="s1")
    np.testing.assert_array_equal(strange.arrays["audio"], own.arrays["audio"])
    begun = dances(completer, [strange], with_seed=True)["s2"]
    assert begun.begin == 0
    np.testing.assert_allclose(begun.features[:6], corpus.load("s1", "expmap_cr")[:6], atol=1e-5)
    np.testing.assert_array_equal(begun.features[6:], dances(completer, [strange])["s2"].features)
    assert np.abs(begun.features[6:] - dances(completer, [own])["s2"].features).max() > 1e-3
    assert len(dances(completer, [own], seconds=0.5)["s2"].motion) == 10
    assert len(dances(completer, [own], keep=2)["s2"].motion) == 34  # 41 frames of music end within window 17
    for keep in (3, -1):
        with pytest.raises(DataError, match=f"keep must be from 1 to the model's 2 predicted frames, got {keep}"):
            dances(completer, [own], keep=keep)


@pytest.mark.parametrize("seconds", [-1, 0, float("nan"), float("inf")])
def test_a_length_must_be_a_positive_number(corpus, flower: Checkpoint, seconds: float) -> None:
    completer = by_torch(flower)
    with pytest.raises(MotionError, match=f"a dance of {seconds:g} s: need a positive length"):
        dances(completer, [sequence_job(completer, corpus, "s2")], seconds=seconds)


def test_temperatures_and_batches_that_are_none_are_refused(corpus, flower: Checkpoint) -> None:
    completer = by_torch(flower)
    jobs = [sequence_job(completer, corpus, "s2")]
    for temperature in (-1.0, float("nan"), float("inf")):
        with pytest.raises(MotionError, match="temperature .*need 0 or more"):
            dances(completer, jobs, temperature=temperature)
    with pytest.raises(MotionError, match="a batch of 0: need at least 1"):
        dances(completer, jobs, batch=0)


MODELS = [n for n in model_names() if issubclass(model_type(n), MotionModel)]


@pytest.mark.parametrize("model", [m if m == "moglow" else pytest.param(m, marks=pytest.mark.slow) for m in MODELS])
def test_the_exported_step_gives_the_numbers_of_torch(toys, corpus, tmp_path: Path, model: str) -> None:
    checkpoint = toys.toy_checkpoint(tmp_path / "run", corpus, model)
    with pytest.raises(
        CheckpointError, match=r"has no ONNX files: make them with farandole models export .*run, or use --engine torch"
    ):
        OnnxSession(checkpoint.folder)
    assert export_checkpoint(checkpoint) < 1e-4
    exported = find_checkpoint(tmp_path / "run")
    assert exported.exported == ("model",)
    assert "Exported networks differ from torch by" in exported.card
    jobs = folder_jobs(open_model(exported), corpus, corpus.sequences)
    one, other = (dances(open_model(exported, engine=e), jobs, seed=7) for e in ("torch", "onnx"))
    for name, dance in one.items():
        np.testing.assert_allclose(other[name].features, dance.features, rtol=0, atol=1e-4)
    assert open_model(exported).session.engine == "onnx"  # what "auto" means where a model is exported


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
    config = {**toys.CONFIGS["transflower"], "flow": {**toys.CONFIGS["transflower"]["flow"], **flow}}
    assert export_checkpoint(toys.toy_checkpoint(tmp_path / "run", corpus, "transflower", config, preset)) < 1e-4


def test_mixtures_cannot_be_exported_but_danced_with(toys, corpus, tmp_path: Path) -> None:
    config = {**toys.CONFIGS["transflower"], "flow": {**toys.CONFIGS["transflower"]["flow"], "components": 2}}
    checkpoint = toys.toy_checkpoint(tmp_path / "run", corpus, "transflower", config)
    with pytest.raises(Exception, match="mixtures of logistics cannot be exported: generate with --engine torch"):
        export_checkpoint(checkpoint)
    assert checkpoint.exported == ()
    completer = by_torch(checkpoint)
    assert len(dances(completer, [sequence_job(completer, corpus, "s1")], seconds=0.2)["s1"].motion) == 4


def test_student_noise_has_heavier_tails_and_the_same_beginning(toys, corpus, tmp_path: Path) -> None:
    glow = {**toys.CONFIGS["moglow"]["glow"], "prior": "student-t", "degrees": 5.0}
    completer = by_torch(
        toys.toy_checkpoint(tmp_path / "run", corpus, "moglow", {**toys.CONFIGS["moglow"], "glow": glow})
    )
    own = FeatureJob("s0", {}).own_seed(GenerationSettings(1))
    z = latents(completer.facts, own, 4000, fps=25)
    np.testing.assert_array_equal(latents(completer.facts, own, 30, fps=25), z[:30])
    assert FeatureJob("s0", {}, seed=1).own_seed(GenerationSettings()) == own
    assert z.var() == pytest.approx(5 / 3, rel=0.05)  # v / (v - 2)


@pytest.fixture(scope="module")
def styled(toys, corpus, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A transformer that takes one of two styles."""
    config = {**toys.CONFIGS["transformer"]}
    config["inputs"] = [{"name": "style", "dim": 4, "frames": 1, "tokens": 2, "fixed": True}, *config["inputs"]]
    return toys.toy_checkpoint(tmp_path_factory.mktemp("styled") / "run", corpus, "transformer", config)


def test_labels_are_numbered_as_in_training(corpus, styled: Checkpoint) -> None:
    completer = by_torch(styled)
    assert styled.config.labels == ("a", "b")
    jobs = [sequence_job(completer, corpus, name) for name in ("s0", "s1", "s2")]
    assert [job.arrays["style"].tolist() for job in jobs] == [[0], [1], [0]]
    other = replace(jobs[0], name="b", arrays={**jobs[0].arrays, "style": np.array([1])})
    made = dances(completer, [*jobs, other])
    assert np.abs(made["b"].features - made["s0"].features).max() > 1e-3


def test_data_that_does_not_fit_the_model_is_told_in_one_line(toys, corpus, flower: Checkpoint, tmp_path: Path) -> None:
    completer = by_torch(flower)
    wide = toys.toy_corpus(tmp_path / "wide", columns=4)
    with pytest.raises(DataError, match="wide: s0: sound has 4 columns, but the model is made for 3"):
        sequence_job(completer, wide, "s0")
    other = toys.toy_corpus(tmp_path / "other", codec="rot6d")
    with pytest.raises(
        DataError, match="has no motion feature 'expmap_cr', which the model reads; there are: rot6d, sound"
    ):
        sequence_job(completer, other, "s0")
    short = toys.toy_corpus(tmp_path / "short", lengths=(7, 30))
    with pytest.raises(TooShortError, match=r"short: s0: sound has 7 frames, but the model's window needs 8 \(0.4 s\)"):
        sequence_job(completer, short, "s0")
    with pytest.raises(FrameRateError, match="has 25 fps, but the model was trained on 20: prepare it with --fps 20"):
        sequence_job(completer, toys.toy_corpus(tmp_path / "fast", fps=25.0), "s0")
    with pytest.raises(DataError, match="has no sequence 's9'"):
        sequence_job(completer, corpus, "s0", seed_sequence="s9")


def test_sequences_that_are_too_short_are_left_out_of_many_but_not_of_those_that_are_named(
    toys, flower: Checkpoint, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    completer, short = by_torch(flower), toys.toy_corpus(tmp_path / "short", lengths=(7, 30, 5))
    (job,) = folder_jobs(completer, short, short.sequences, strict=False)
    assert job.name == "s1"
    assert "2 of 3 sequences left out: " in caplog.text
    with pytest.raises(TooShortError):
        folder_jobs(completer, short, short.sequences)
    with pytest.raises(TooShortError):
        folder_jobs(completer, short, ["s0", "s2"], strict=False)


def test_engines_devices_and_weights_that_do_not_fit_are_refused(toys, corpus, tmp_path: Path) -> None:
    checkpoint = toys.toy_checkpoint(tmp_path / "run", corpus, "transflower")
    with pytest.raises(CheckpointError, match="no engine 'steam': there are auto, onnx, torch"):
        open_session(checkpoint, "steam")
    with pytest.raises(CheckpointError, match="device 'abacus': "):
        open_session(checkpoint, "torch", device="abacus")
    path = checkpoint.folder / "config.json"
    facts = json.loads(path.read_text())
    facts["config"]["encoder"]["dim"] = 16
    path.write_text(json.dumps(facts))
    with pytest.raises(CheckpointError, match=r"model.safetensors does not fit config.json beside it: "):
        load_model(Checkpoint(checkpoint.folder))
    checkpoint.weights.write_bytes(checkpoint.weights.read_bytes()[:99])
    with pytest.raises(CheckpointError, match=r"model.safetensors is damaged"):
        load_model(checkpoint)
    checkpoint.onnx("model").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match=r"model.onnx cannot be read"):
        OnnxSession(checkpoint.folder).run("model", {})


def test_it_lacks_the_future(take: Motion, flower: Checkpoint) -> None:
    known = np.ones(len(take), bool)
    known[50:60] = False
    with pytest.raises(
        AbilityError,
        match=r"filling gaps: the model run \(transflower\) lacks .* fills gaps; it .*goes on from a past, .*; these can: ",
    ):
        complete(PartialMotion(take, known), by_torch(flower))


@pytest.fixture(scope="module")
def listener(toys, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A model that hears the bands of a real sound and goes on from 20 fps motion."""
    place = tmp_path_factory.mktemp("listener")
    corpus = toys.toy_corpus(place / "data", columns=4)
    checkpoint = toys.toy_checkpoint(place / "run", corpus, "transflower")
    rewrite_texts(checkpoint, features={**checkpoint.config.features, "audio": "bands"})
    return Checkpoint(checkpoint.folder)


def noise(seconds: float) -> Song:
    samples = 0.1 * np.random.default_rng(2).standard_normal(round(22050 * seconds))
    return Song.from_samples(samples.astype(np.float32), 22050, name="noise")


def test_it_serves_partial_motions_like_every_other_model(take: Motion, listener: Checkpoint) -> None:
    completer, song = by_torch(listener), noise(12.0)
    dance = completions(PartialMotion.unknown(2.0, 60.0, song=song), completer, takes=2)
    assert [(len(m), m.fps) for m in dance] == [(120, 60.0)] * 2
    assert np.abs(dance[0].positions - dance[1].positions).max() > 1e-3
    partial = PartialMotion.after(take, 2.0, song=song, seed=3)
    made = complete(partial, completer)
    assert (len(made), made.fps) == (len(take) + 60, take.fps)
    np.testing.assert_array_equal(made.rotations[: len(take)], take.rotations)
    np.testing.assert_array_equal(complete(partial, completer).rotations, made.rotations)
    join = np.linalg.norm(made.root_positions[len(take)] - take.root_positions[-1])
    assert join < 0.1
    with pytest.raises(DataError, match="the model run dances to music only: give a song"):
        complete(PartialMotion.after(take, 2.0), completer)


def test_the_music_belongs_to_the_frames(take: Motion, listener: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    completer, song, asked = by_torch(listener), noise(12.0), []

    def generate_nothing(jobs, frames, *_):
        asked.append(jobs[0].arrays["audio"])
        return np.zeros((1, frames, completer.facts.target.dim))

    monkeypatch.setattr(completer, "generate", generate_nothing)
    complete(PartialMotion.after(take, 3.0, song=song), completer)
    complete(PartialMotion.unknown(3.0, 30.0, song=song), completer)
    heard = completer.scale("audio", features(song, "bands", 20.0))
    first = round(take.seconds * 20) - completer.begins  # the window that predicts the first new frame begins here
    np.testing.assert_array_equal(asked[0], heard[first : first + len(asked[0])])
    lead = completer.begins  # before the song begins its first row is held
    np.testing.assert_array_equal(asked[1][:lead], np.repeat(heard[:1], lead, axis=0))
    np.testing.assert_array_equal(asked[1][lead:], heard[: len(asked[1]) - lead])
