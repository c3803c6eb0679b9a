"""Training of the starter model at toy size: batches, masks, losses, learning, export."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from farandole.data.feature_folder import FeatureFolderWriter  # noqa: E402
from farandole.data.salsa import salsa_takes  # noqa: E402
from farandole.errors import CheckpointError, DataError  # noqa: E402
from farandole.generation.checkpoint import Checkpoint, find_checkpoint  # noqa: E402
from farandole.generation.dance import Dancer  # noqa: E402
from farandole.generation.engine import OnnxEngine, TorchEngine  # noqa: E402
from farandole.models.autoencoder import AutoencoderConfig, MotionAutoencoder, MotionDecoder  # noqa: E402
from farandole.models.body import DanceBody  # noqa: E402
from farandole.models.window_flow import WindowFlow, WindowFlowConfig  # noqa: E402
from farandole.motion.dance_codec import GROUPS, DanceCodec  # noqa: E402
from farandole.music import dance_features  # noqa: E402
from farandole.training.starter_data import MaskSampler, WindowBatches, pose_scale, shift_phase  # noqa: E402
from farandole.training.starter_run import StarterRecipe, train_starter  # noqa: E402

TOY = {
    "threads": 1,
    "style_weights": {"salsa lead": 0.5, "salsa follow": 0.5},
    "autoencoder": {"latent_dim": 8, "encoder_width": 16, "decoder_width": 16},
    "flow": {"latent_dim": 8, "width": 32, "layers": 1, "heads": 2, "tokens": 16},
    "autoencoder_stage": {"steps": 12, "batch_size": 4, "frames": 32},
    "flow_stage": {"steps": 12, "batch_size": 4, "frames": 64},
}


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory) -> Path:
    """Two short takes and one held out, with plain music features."""
    codec, folder = DanceCodec(), tmp_path_factory.mktemp("corpus") / "data"
    features = {codec.name: codec.columns, dance_features.NAME: dance_features.COLUMNS}
    with FeatureFolderWriter(folder, fps=30.0, skeleton=codec.skeleton, features=features, licence="free") as writer:
        for take in salsa_takes():
            if take.take not in ("05", "03"):
                continue
            motion, count = take.motion.slice(0, 300), take.count[:300]
            music = dance_features.dance_music_features(
                count, np.full(300, take.bpm), np.zeros(300), np.zeros((300, 4)), np.zeros(300)
            )
            split = "test" if take.held_out else "train"
            writer.add(
                take.name,
                {codec.name: codec.encode(motion), dance_features.NAME: music},
                split=split,
                style=f"salsa {take.role}",
            )
    return folder


@pytest.fixture(scope="session")
def toy_run(corpus_folder, tmp_path_factory) -> Path:
    """A toy model trained for a moment, with its checkpoint."""
    run = tmp_path_factory.mktemp("runs") / "toy"
    results = train_starter(StarterRecipe.from_mapping(TOY), corpus_folder, run)
    assert all(np.isfinite(v) for v in results.values())
    return run


def batches(corpus_folder, **options):
    from farandole.data.feature_folder import FeatureFolder

    defaults = {"frames": 64, "batch_size": 16, "style_weights": {"salsa lead": 1.0, "salsa follow": 1.0}}
    return WindowBatches(FeatureFolder(corpus_folder), "train", **(defaults | options))


def test_batches_are_windows_of_the_corpus_and_repeat_with_the_seed(corpus_folder):
    from farandole.data.feature_folder import FeatureFolder

    corpus = FeatureFolder(corpus_folder)
    source = batches(corpus_folder, phase_jitter=0.0)
    first, again = (source.draw(torch.Generator().manual_seed(3)) for _ in range(2))
    assert all(torch.equal(first[k], again[k]) for k in first)
    mean, std = pose_scale(corpus)
    whole = (corpus.load("salsa_60_05", "dance129") - mean) / std
    window = first["pose"][first["style"] == 0][0].numpy()
    starts = [s for s in range(len(whole) - 63) if np.allclose(whole[s : s + 64], window, atol=1e-4)]
    assert len(starts) == 1


def test_styles_come_in_their_shares(corpus_folder):
    source = batches(corpus_folder, batch_size=4000, frames=8, style_weights={"salsa lead": 3.0, "salsa follow": 1.0})
    style = source.draw(torch.Generator().manual_seed(0))["style"]
    assert float((style == 0).float().mean()) == pytest.approx(0.75, abs=0.03)


def test_shifting_the_phase_is_what_counting_later_gives():
    count = np.linspace(3.0, 20.0, 50)
    rest = (np.full(50, 100.0), np.zeros(50), np.zeros((50, 4)), np.zeros(50))
    music = torch.from_numpy(dance_features.dance_music_features(count, *rest))[None]
    later = torch.from_numpy(dance_features.dance_music_features(count + 0.3, *rest))[None]
    torch.testing.assert_close(shift_phase(music, torch.tensor([[0.3]])), later, atol=1e-5, rtol=0)


def test_masks_show_what_they_should():
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


def test_torch_kinematics_equal_the_motion_room(corpus_folder):
    from farandole.data.feature_folder import FeatureFolder

    x = np.array(FeatureFolder(corpus_folder).load("salsa_61_05", "dance129"))
    motion = DanceCodec().decode(x)
    _, world = DanceBody(DanceCodec())(torch.from_numpy(x)[None])
    away = world[0].numpy() - motion.positions
    away -= away[:1] * np.array([1.0, 0.0, 1.0])  # torch adds the first step, decode starts at the origin
    assert np.abs(away).max() < 0.02  # heading of the first frame differs by one frame's turn


def test_decoding_in_pieces_equals_decoding_at_once():
    net = MotionDecoder(AutoencoderConfig(latent_dim=6, decoder_width=12)).eval()
    for p in net.parameters():
        p.data.normal_(0, 0.2)
    z = torch.randn(1, 40, 6)
    margin = MotionDecoder.MARGIN
    with torch.no_grad():
        whole = net(z)
        piece = net(z[:, 10 - margin : 22 + margin])[:, 4 * margin : -4 * margin]
    torch.testing.assert_close(piece, whole[:, 40:88], atol=1e-5, rtol=1e-4)


def test_the_encoder_looks_only_near():
    net = MotionAutoencoder(AutoencoderConfig(dim=5, latent_dim=3, encoder_width=8)).encoder
    x = torch.randn(1, 160, 5, requires_grad=True)
    net(x)[0][0, 20].sum().backward()
    seen = x.grad[0].abs().sum(-1) > 0
    assert seen[80:84].all()
    assert not seen[:52].any()
    assert not seen[112:].any()


def test_known_tokens_and_conditions_reach_the_velocity():
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
        "style": torch.tensor([0]),
        "pinned": torch.randn(1, 32, 7),
    }
    before = net(**inputs)
    assert before.shape == (1, 8, 4)
    for name, value in inputs.items():
        changed = (value + 1) % 2 if name == "style" else value + 0.5
        assert not torch.allclose(net(**(inputs | {name: changed})), before), name


def test_an_autoencoder_learns_a_batch(corpus_folder):
    from farandole.data.feature_folder import FeatureFolder
    from farandole.training.starter import AutoencoderTask

    torch.manual_seed(0)
    torch.set_num_threads(1)
    mean, std = (torch.from_numpy(a) for a in pose_scale(FeatureFolder(corpus_folder)))
    task = AutoencoderTask(AutoencoderConfig(encoder_width=32, decoder_width=32), DanceCodec(), mean, std, steps=80)
    pose = batches(corpus_folder, frames=32, batch_size=8).draw(torch.Generator().manual_seed(0))["pose"]
    optimizer = torch.optim.Adam(task.net.parameters(), 3e-3)
    history = []
    for _ in range(80):
        terms = task.losses(task.net, pose)
        loss = terms["feature"] + 10 * terms["position_m"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(float(terms["position_m"].detach()))
    assert history[-1] < 0.4 * history[0]
    assert history[-1] < 0.04


def test_a_run_makes_a_checkpoint_that_both_engines_run_alike(toy_run):
    checkpoint = find_checkpoint(toy_run)
    onnx, plain = OnnxEngine(checkpoint), TorchEngine(checkpoint)
    rng = np.random.default_rng(0)
    normal = lambda *shape: rng.standard_normal(shape).astype(np.float32)  # noqa: E731
    for batch in (1, 3):
        pose, z = normal(batch, 24, 129), normal(batch, 11, 8)
        np.testing.assert_allclose(onnx.encode(pose), plain.encode(pose), atol=1e-4)
        np.testing.assert_allclose(onnx.decode(z), plain.decode(z), atol=1e-4)
        inputs = (
            normal(batch, 16, 8),
            rng.random(batch).astype(np.float32),
            (rng.random((batch, 16)) < 0.5).astype(np.float32),
            normal(batch, 64, 15),
            rng.integers(0, 3, batch),
            normal(batch, 64, 135),
        )
        np.testing.assert_allclose(onnx.velocity(*inputs), plain.velocity(*inputs), atol=1e-4)


def test_a_trained_toy_dances(toy_run):
    from farandole.data.songs import compose
    from farandole.music.song import Song

    made = compose(180.0, 6.0, genre="salsa", seed=1)
    song = Song.from_samples(made.samples, made.sample_rate)
    dancer = Dancer(toy_run)
    motion = dancer.dance([dancer.score(song)], seed=1)[0]
    assert len(motion) == 180
    assert np.isfinite(motion.positions).all()


def test_damaged_checkpoints_are_refused(toy_run, tmp_path):
    import shutil

    with pytest.raises(CheckpointError, match="no model 'nobody'"):
        find_checkpoint("nobody")
    broken = tmp_path / "broken"
    shutil.copytree(toy_run / "checkpoint", broken)
    (broken / "flow.onnx").unlink()
    with pytest.raises(CheckpointError, match=r"no flow\.onnx"):
        OnnxEngine(Checkpoint(broken))
    config = json.loads((broken / "config.yaml").read_text())
    (broken / "config.yaml").write_text(json.dumps(config | {"schema": 0}))
    with pytest.raises(CheckpointError, match="schema 0"):
        Checkpoint(broken)
    (broken / "scalers.json").unlink()
    with pytest.raises(CheckpointError, match=r"scalers\.json is missing"):
        Checkpoint(broken)


def test_a_recipe_with_an_unknown_key_is_refused():
    with pytest.raises(DataError, match=r"recipe\.flow_stage has no key 'stepz'"):
        StarterRecipe.from_mapping({"flow_stage": {"stepz": 3}})
