"""From recordings to a trained model, its dances in step with their sound, and its export; what is typed wrong."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

pytest.importorskip("lightning", reason="training needs the [train] extra")

from farandole.cli.app import run
from farandole.data.starter.groove.dancer import groove
from farandole.motion.files import load_motion

FPS = 20
CLICKS = (1.0, 2.25, 3.5, 4.75)
RECIPE = """
model: transflower
preset: farandole
features: {motion: expmap_cr, audio: bands}
dims: data
config:
  inputs: [{name: motion, dim: 67, frames: 10}, {name: audio, dim: 4, frames: 14}]
  target: {name: motion, dim: 67, frames: 2, offset: 10}
  encoder: {layers: 1, input_layers: 1, heads: 2, dim: 16}
  flow: {steps: [2], dim: 16, heads: 2, layers: 1}
training: {steps: 6, batch_size: 8, lr: 0.001}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings with clicks for music, their feature folder, and a model trained on it, all by the command line."""
    place = tmp_path_factory.mktemp("flow")
    (place / "recordings").mkdir()
    take = groove(np.arange(300) / 30 * 110 / 60, seed=3, energy=0.5)
    for n in range(4):
        take.slice(40 * n, 40 * n + 180).save(place / "recordings" / f"take_{n}.bvh")
        clicks(place / "recordings" / f"take_{n}.wav", 6.0)
    (place / "tiny.yaml").write_text(RECIPE)
    words = (
        "folder",
        place / "recordings",
        "--motion",
        "expmap_cr",
        "--music",
        "bands",
        "--licence",
        "Made for a test.",
    )
    call("prepare", *words, "-o", place / "data", "--fps", FPS, "--workers", 1)
    trainer = ("--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false")
    call("train", place / "tiny.yaml", "--data", place / "data", "-o", place / "run", *trainer)
    return place


def call(*words: object) -> None:
    assert run([*map(str, words), "-q"]) == 0


def clicks(path: Path, seconds: float, rate: int = 22050) -> Path:
    sound = np.zeros(round(seconds * rate), np.float32)
    for at in CLICKS:
        sound[round(at * rate) : round(at * rate) + 20] = 0.8
    soundfile.write(path, sound, rate)
    return path


def heard(page: Path) -> tuple[np.ndarray, float]:
    """Times of the clicks in a page's sound, and its length, s."""
    data = json.loads(re.search(r'id="farandole-data">(.*?)</script>', page.read_text(), re.S)[1])
    with av.open(io.BytesIO(base64.b64decode(data["song"]["data"]))) as container:
        rate = container.streams.audio[0].rate
        sound = np.concatenate([f.to_ndarray().mean(axis=0) for f in container.decode(audio=0)])
    loud = np.flatnonzero(np.abs(sound) > 0.25)
    return loud[np.diff(loud, prepend=-rate) > rate // 10] / rate, len(sound) / rate


def test_a_run_is_a_checkpoint_with_a_card(farandole, place: Path) -> None:
    names = {p.name for p in (place / "run" / "checkpoint").iterdir()}
    assert names == {"model.safetensors", "config.json", "scalers.json", "skeleton.json", "card.md"}
    card = farandole("models", place / "run").out
    for words in (
        "transflower, preset farandole", "20 frames per second", "expmap_cr (motion), bands (audio)",
        "motion, 10 frames of 67; audio, 14 frames of 4; predicts 2 frames from frame 10 on",
        "goes on from a past, listens to music, draws at random", "Trained for 6 steps on ", "Made for a test.",
    ):  # fmt: skip
        assert words in card
    assert json.loads(farandole("models", place / "run", "--json").out)["codec"]["version"] == 1


def test_dances_and_their_sound_begin_together(farandole, place: Path, tmp_path: Path) -> None:
    words = ("--data", place / "data", "--all", "--sounds", place / "recordings", "--seconds", 2.8, "--json")
    facts = json.loads(farandole("generate", place / "run", *words, "-o", tmp_path / "a").out)
    assert sorted(d["name"] for d in facts["dances"]) == [f"take_{n}" for n in range(4)]
    for dance in facts["dances"]:
        assert dance["begin"] == 10 / FPS  # the published loop: what follows the seed's window
        motion = load_motion(dance["files"]["bvh"])
        assert (len(motion), motion.fps) == (56, pytest.approx(FPS))
        times, length = heard(Path(dance["page"]))
        np.testing.assert_allclose(times, [t - 0.5 for t in CLICKS if t < 3.3], atol=0.25 / FPS)
        assert length == pytest.approx(2.8, abs=0.05)
    again = ("--data", place / "data", "--sequence", "take_2", "--sounds", place / "recordings", "--seconds", 2.8, "-q")
    assert farandole("generate", place / "run", *again, "-o", tmp_path / "b").err == ""
    one, other = (load_motion(tmp_path / folder / "take_2.bvh") for folder in "ab")
    np.testing.assert_allclose(one.positions, other.positions, atol=1e-3)
    more = ("-o", tmp_path / "c", "--with-seed", "--formats", "html,npz")
    assert farandole("generate", place / "run", *again, *more).code == 0
    begun = load_motion(tmp_path / "c" / "take_2.npz")
    assert len(begun) == 10 + 56
    danced = [t for t in CLICKS if t < 3.3]
    np.testing.assert_allclose(
        heard(tmp_path / "c" / "take_2.html")[0], danced, atol=0.25 / FPS
    )  # from the file's beginning
    real = load_motion(place / "recordings" / "take_2.bvh").resample(FPS)
    np.testing.assert_allclose(
        np.linalg.norm(begun.velocities[1:9], axis=-1), np.linalg.norm(real.velocities[1:9], axis=-1), atol=0.05
    )


def test_a_song_needs_no_data(farandole, place: Path, tmp_path: Path) -> None:
    song = clicks(tmp_path / "my song.wav", 4.0)
    outcome = farandole("generate", place / "run", "--song", song, "-o", tmp_path / "out", "-q")
    assert outcome.out.splitlines() == [str(tmp_path / "out" / f"my song.{kind}") for kind in ("html", "bvh")]
    assert len(load_motion(tmp_path / "out" / "my song.bvh")) == 4 * FPS - 14 + 1
    np.testing.assert_allclose(heard(tmp_path / "out" / "my song.html")[0], [0.5, 1.75, 3.0], atol=0.25 / FPS)
    begun = ("--data", place / "data", "--seed-sequence", "take_1", "-o", tmp_path / "begun", "-q")
    assert farandole("generate", place / "run", "--song", song, *begun).code == 0
    assert (tmp_path / "begun" / "my song.bvh").read_bytes() != (tmp_path / "out" / "my song.bvh").read_bytes()


def test_a_dance_goes_on_from_any_motion_file(farandole, place: Path, tmp_path: Path) -> None:
    """From its end, whatever its format and frame rate: `dance --start` and `generate --start` mean the same."""
    song, take = clicks(tmp_path / "song.wav", 4.0), load_motion(place / "recordings" / "take_3.bvh")
    take.slice(0, 90).save(tmp_path / "clip.glb")
    words = (
        "generate",
        place / "run",
        "--song",
        song,
        "--start",
        tmp_path / "clip.glb",
        "--with-seed",
        "--no-feet",
        "-q",
    )
    assert farandole(*words, "-o", tmp_path / "out", "--formats", "npz").code == 0
    made = load_motion(tmp_path / "out" / "song.npz")
    end = take.slice(0, 90).resample(FPS)
    shown = made.positions[:10] - made.root_positions[:10, None]
    real = end.positions[-10:] - end.root_positions[-10:, None]
    spread = lambda x: np.linalg.norm(x[:, :, None] - x[:, None], axis=-1)  # noqa: E731 (the start's heading is not kept)
    np.testing.assert_allclose(spread(shown), spread(real), atol=0.03)
    assert farandole(*words, "-o", tmp_path / "other", "--formats", "npz", "--data", place / "data").code == 0
    data = ("generate", place / "run", "--data", place / "data", "--start", tmp_path / "clip.glb", "--with-seed", "-q")
    assert farandole(*data, "-o", tmp_path / "data", "--formats", "npz").code == 0
    (dance,) = (tmp_path / "data").iterdir()
    np.testing.assert_allclose(load_motion(dance).positions[:10], made.positions[:10], atol=1e-4)


def test_several_beginnings_and_takes_go_in_one_batch(farandole, place: Path, tmp_path: Path) -> None:
    song = clicks(tmp_path / "song.wav", 2.0)
    words = ("generate", place / "run", "--song", song, "--data", place / "data", "--formats", "npz,npy", "-q")
    seeds = ("--seed-sequence", "take_0", "--seed-sequence", "take_1")
    facts = json.loads(farandole(*words, *seeds, "--takes", 2, "-o", tmp_path / "out", "--json").out)["dances"]
    names = sorted(d["name"] for d in facts)
    assert names == [f"song-from-take_{n}-{k}" for n in (0, 1) for k in (1, 2)]
    arrays = [np.load(d["files"]["npy"]) for d in sorted(facts, key=lambda d: d["name"])]
    assert {a.shape for a in arrays} == {(27, 67)}
    assert {Path(d["files"]["npy"]).name for d in facts} == {f"{n}.expmap_cr.npy" for n in names}
    assert len({a.tobytes() for a in arrays}) == 4  # other noise, other beginnings
    alone = (*words, "--seed-sequence", "take_1", "--takes", 2, "--batch", 1, "-o", tmp_path / "alone")
    assert farandole(*alone).code == 0
    again = farandole(*words, *seeds, "--takes", 2, "--batch", 1, "-o", tmp_path / "again")
    assert again.code == 0
    np.testing.assert_allclose(np.load(tmp_path / "again" / f"{names[3]}.expmap_cr.npy"), arrays[3], atol=1e-3)
    flat = (*words, *seeds, "--temperature", 0, "--takes", 2, "-o", tmp_path / "flat", "--force")
    assert farandole(*flat).code == 0
    calm = [np.load(tmp_path / "flat" / f"{n}.expmap_cr.npy") for n in names]
    assert np.abs(calm[0] - calm[1]).max() < 1e-5  # without noise, takes are the same
    assert np.abs(calm[0] - calm[2]).max() > 1e-3


def test_all_formats_of_a_dance(farandole, place: Path, tmp_path: Path) -> None:
    song = clicks(tmp_path / "song.wav", 3.0)
    words = (
        "generate",
        place / "run",
        "--song",
        song,
        "--seconds",
        1,
        "--formats",
        "bvh,npz,glb,html,npy",
        "--video",
        "-q",
    )
    told = farandole(*words, "--feet", "-o", tmp_path / "out").out.splitlines()
    kinds = ("html", "bvh", "npz", "glb", "mp4", "expmap_cr.npy")
    assert told == [str(tmp_path / "out" / f"song.{kind}") for kind in kinds]
    assert all(Path(path).stat().st_size > 500 for path in told)
    with av.open(str(tmp_path / "out" / "song.mp4")) as container:
        assert len(container.streams.audio) == len(container.streams.video) == 1


def test_sound_that_is_not_found_is_said_and_files_are_not_overwritten(farandole, place: Path, tmp_path: Path) -> None:
    words = ("generate", place / "run", "--data", place / "data", "--seconds", 1, "-o", tmp_path / "out", "-q")
    (line,) = farandole(*words).err.splitlines()
    assert re.match(r"warning: no sound file found for take_\d: say with --sounds which folder they are in", line)
    assert "exists already" in farandole(*words).refused()
    assert farandole(*words, "--force").code == 0


def test_a_trained_model_serves_the_other_commands_that_its_abilities_allow(
    farandole, place: Path, tmp_path: Path
) -> None:
    song, run = clicks(tmp_path / "song.wav", 10.0), place / "run"
    assert farandole("dance", song, "--model", run, "--seconds", 2, "-o", tmp_path / "a.npz", "-q").code == 0
    assert len(load_motion(tmp_path / "a.npz")) == 60
    take = place / "recordings" / "take_1.bvh"
    words = ("--model", run, "--seconds", 1, "-o", tmp_path / "b.bvh", "-q")
    assert farandole("extend", take, song, *words).code == 0
    assert len(load_motion(tmp_path / "b.bvh")) == len(load_motion(take)) + 30
    line = farandole("inbetween", take, "--every", 15, "--model", run, "-o", tmp_path / "c.bvh").refused()
    assert "filling gaps: the model run (transflower) lacks what that needs: fills gaps; it " in line
    assert "goes on from a past" in line
    assert "; these can: inbetween" in line
    assert "dances to music only: give a song" in farandole("extend", take, *words[:-2], tmp_path / "c.bvh").refused()


@pytest.mark.slow
def test_an_exported_model_dances_the_same_without_torch(farandole, process, place: Path, tmp_path: Path) -> None:
    outcome = farandole("models", "export", place / "run")
    assert outcome.out == f"{place / 'run' / 'checkpoint' / 'model.onnx'}\n"
    assert "differs from torch by" in outcome.err
    (tmp_path / "torch.py").write_text("raise ImportError('not here')\n")  # hides the real one
    words = ("generate", place / "run", "--data", place / "data", "--all", "--formats", "npz", "-q")
    assert process(*words, "-o", tmp_path / "onnx", "--engine", "onnx", PYTHONPATH=str(tmp_path)).err == ""
    assert farandole(*words, "-o", tmp_path / "torch").code == 0
    for n in range(4):
        one, other = (load_motion(tmp_path / engine / f"take_{n}.npz") for engine in ("onnx", "torch"))
        np.testing.assert_allclose(one.positions, other.positions, atol=1e-4)


def test_what_is_typed_wrong_is_one_line(farandole, place: Path, tmp_path: Path) -> None:
    data, out = ("--data", place / "data"), ("-o", tmp_path / "out", "-q")
    for words, says in (
        ((place / "run", *data, "--tempo", 3), "No such option: --tempo"),
        ((place / "data", *data), "data is not a checkpoint: config.json is missing"),
        ((tmp_path / "nowhere", *data), "no model"),
        (("starter", *data), "has 20 fps, but the model was trained on 30: prepare it with --fps 30"),
        (("inbetween", *data), "generating from the beginnings of sequences: the model inbetween (inbetweener) lacks"),
        ((place / "run",), "nothing to dance to: give --data DATA, or --song SONG"),
        ((place / "run", "--data", tmp_path), "is not a feature folder"),
        ((place / "run", *data, "--sequence", "waltz"), "has no sequence 'waltz'; farandole info"),
        ((place / "run", *data, "--split", "exam"), "has no split 'exam': there are train, val, test"),
        ((place / "run", *data, "--split", "val"), "has no sequences in its split 'val'"),
        ((place / "run", *data, "--all", "--split", "test"), "--split and --all say different things"),
        ((place / "run", *data, "--seed-sequence", "take_1", "--start", "x.bvh"), "--seed-sequence and --start say different"),
        ((place / "run", *data, "--start", place / "tiny.yaml"), "tiny.yaml"),
        (("inbetween", "--song", clicks(tmp_path / "t.wav", 3.0), "--start", place / "recordings" / "take_1.bvh"),
         "the model inbetween (inbetweener) lacks"),
        ((place / "run", *data, "--style", "waltz"), "--style is for songs"),
        ((place / "run", *data, "--formats", "avi"), "no format 'avi'"),
        ((place / "run", *data, "--keep", 3), "keep must be from 1 to the model's 2 predicted frames, got 3"),
        ((place / "run", *data, "--engine", "onnx"), "has no ONNX files: make them with farandole models export"),
        ((place / "run", "--song", clicks(tmp_path / "s.wav", 1.0), "--seed-sequence", "take_1"), "needs --data"),
        ((place / "run", "--song", place / "tiny.yaml"), "cannot be read as sound"),
    ):  # fmt: skip
        assert says in farandole("generate", *words, *out).refused()
    assert "export needs one folder" in farandole("models", "export").refused()
    assert "has its ONNX files already" in farandole("models", "export", "starter").refused()
    assert not (tmp_path / "out").exists()
