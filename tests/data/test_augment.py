"""Augmentations of features are those of the motions they stand for."""

import numpy as np
import pytest
from recordings import dancer, lafan1

from farandole.data.augment import augmentations
from farandole.data.feature_folder import FeatureFolder, FeatureFolderWriter
from farandole.data.variants import at_tempo, features_at_tempo
from farandole.data.windows import Stream, Windows
from farandole.errors import DataError, MotionError
from farandole.motion import codecs, edit
from farandole.motion.files import load_motion
from farandole.motion.files.smpl import smpl_skeleton
from farandole.motion.motion import Motion

NAMES = ("expmap", "expmap_cr", "position", "rot6d", "rotmat")


def grounded(seed=0):
    """On the floor, so that feet rest at times."""
    motion = dancer(4.0, seed=seed)
    return edit.ground(motion)


@pytest.mark.parametrize("name", NAMES)
def test_mirrored_features_are_those_of_the_mirrored_motion(name):
    motion = grounded()
    body = motion.skeleton
    codec = codecs.codec(name, motion)
    features = codec.encode(motion)
    np.testing.assert_allclose(codec.mirrored(features), codec.encode(edit.mirror(motion)), atol=1e-9)
    np.testing.assert_array_equal(codec.mirrored(codec.mirrored(features)), features)
    if name == "rot6d":
        assert 0 < features[:, -4:].mean() < 1
    assert len(body) == 21


@pytest.mark.parametrize("name", NAMES)
def test_turned_features_are_those_of_the_turned_motion(name):
    motion = dancer(2.0, skeleton=None, seed=2)
    codec = codecs.codec(name, motion)
    turned = codec.turned(codec.encode(motion), 0.8)
    np.testing.assert_allclose(turned, codec.encode(edit.turn(motion, 0.8)), atol=1e-6)


def test_smpl_features_are_mirrored_too():
    motion = dancer(2.0, skeleton=smpl_skeleton())
    codec = codecs.codec("rotmat", motion)
    np.testing.assert_allclose(codec.mirrored(codec.encode(motion)), codec.encode(edit.mirror(motion)), atol=1e-9)


def test_bodies_that_do_not_rest_standing_are_refused(tmp_path):
    motion = load_motion(lafan1(tmp_path, ["dance1_subject1"]) / "dance1_subject1.bvh")
    codec = codecs.codec("rotmat", motion)
    with pytest.raises(MotionError, match="does not rest standing"):
        codec.mirrored(codec.encode(motion))


def folder_with(tmp_path, *names):
    """A feature folder with one dance in the given codecs, and a ramp in place of music."""
    motion = grounded()
    kinds = [codecs.codec(n, motion) for n in names]
    features = {c.name: c.columns for c in kinds} | {"ramp": ["t"]}
    with FeatureFolderWriter(
        tmp_path / "d", fps=30.0, skeleton=motion.skeleton, features=features, licence="", codecs=kinds
    ) as writer:
        arrays = {c.name: c.encode(motion) for c in kinds} | {"ramp": np.arange(len(motion))[:, None]}
        writer.add("a", arrays, split="train")
    return FeatureFolder(tmp_path / "d")


def streams(feature):
    return [Stream(feature, 20, name="motion"), Stream("ramp", 20)], [Stream(feature, 2, 20, name="motion")]


def test_all_motion_of_a_window_changes_alike(tmp_path):
    folder = folder_with(tmp_path, "position")
    inputs, outputs = streams("position")
    plain = Windows.of(folder, "train", inputs, outputs)[3]
    change = augmentations([{"mirror": {"probability": 1}}, "turn"], folder, [*inputs, *outputs])
    item = Windows.of(folder, "train", inputs, outputs, augment=change)[3]
    joined = np.concatenate((item["in_motion"], item["out_motion"]))
    alone = {"in_motion": np.concatenate((plain["in_motion"], plain["out_motion"]))}
    random = np.random.default_rng([0, 0, 3])
    for one in change:
        alone = one(alone, random)
    np.testing.assert_allclose(joined, alone["in_motion"], atol=1e-5)
    assert np.abs(joined[:20] - plain["in_motion"]).max() > 0.1
    np.testing.assert_array_equal(item["in_ramp"], plain["in_ramp"])


RECIPE = [
    {"mirror": {"probability": 0.5}},
    {"turn": {"degrees": 90}},
    {"noise": {"std": 0.1}},
    {"drop_frames": {"share": 0.3}},
]


def test_windows_are_augmented_anew_in_every_epoch_and_the_same_for_the_same_seed(tmp_path):
    folder = folder_with(tmp_path, "rotmat")
    inputs, outputs = streams("rotmat")
    windows = lambda seed: Windows.of(  # noqa: E731
        folder, "train", inputs, outputs, augment=augmentations(RECIPE, folder, [*inputs, *outputs]), seed=seed
    )
    first, again, other = windows(1), windows(1), windows(2)
    for key in ("in_motion", "out_motion"):
        drawn = [first[epoch, 5][key] for epoch in range(4)]
        for epoch in reversed(range(4)):  # in whatever order they are met
            np.testing.assert_array_equal(again[epoch, 5][key], drawn[epoch])
        assert all(np.abs(a - b).max() > 1e-3 for k, a in enumerate(drawn) for b in drawn[:k])
        assert np.abs(other[0, 5][key] - drawn[0]).max() > 1e-3
        np.testing.assert_array_equal(first[5][key], drawn[0])


def test_noise_and_dropped_frames_are_of_the_inputs_only(tmp_path):
    folder = folder_with(tmp_path, "position")
    inputs, outputs = streams("position")
    both = [*inputs, *outputs]
    plain = Windows.of(folder, "train", inputs, outputs)[0]
    scaler = folder.scaler("position")
    noise = augmentations([{"noise": {"std": 0.1}}], folder, both)
    items = [Windows.of(folder, "train", inputs, outputs, augment=noise)[e, 0] for e in range(200)]
    spread = np.std([i["in_motion"] - plain["in_motion"] for i in items], axis=(0, 1))
    np.testing.assert_allclose(spread, 0.1 * scaler.std, rtol=0.1)
    for key in ("out_motion", "in_ramp"):
        np.testing.assert_array_equal(items[0][key], plain[key])
    drop = augmentations([{"drop_frames": {"share": 0.3}}], folder, both)
    items = [Windows.of(folder, "train", inputs, outputs, augment=drop)[e, 0]["in_motion"] for e in range(200)]
    gone = np.isclose(items, scaler.mean, atol=1e-6).all(axis=-1)
    assert gone.mean() == pytest.approx(0.3, abs=0.03)
    np.testing.assert_array_equal(np.array(items)[~gone], np.broadcast_to(plain["in_motion"], np.shape(items))[~gone])
    named = augmentations([{"noise": {"std": 1, "streams": ["ramp"]}}], folder, both)
    item = Windows.of(folder, "train", inputs, outputs, augment=named)[0]
    assert np.abs(item["in_ramp"] - plain["in_ramp"]).max() > 1
    np.testing.assert_array_equal(item["in_motion"], plain["in_motion"])


def test_smooth_noise_moves_poses_more_than_their_steps(tmp_path):
    folder = folder_with(tmp_path, "position")
    inputs, outputs = streams("position")
    plain = Windows.of(folder, "train", inputs, outputs)[0]["in_motion"]
    deviation = folder.scaler("position").std
    moved = {}
    for smooth in (0, 3):
        noise = augmentations([{"noise": {"std": 0.1, "smooth": smooth}}], folder, [*inputs, *outputs])
        windows = Windows.of(folder, "train", inputs, outputs, augment=noise)
        moved[smooth] = np.array([(windows[e, 0]["in_motion"] - plain) / deviation for e in range(300)])
    for each in moved.values():
        np.testing.assert_allclose(each.std(axis=(0, 1)), 0.1, rtol=0.1)
    steps = {smooth: np.diff(each, axis=1).std() for smooth, each in moved.items()}
    assert steps[3] / steps[0] == pytest.approx(1 / (np.sqrt(2) * np.sqrt(2) * 3), rel=0.2)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (["polka"], "no augmentation 'polka': there are drop_frames, mirror, noise, turn"),
        ([{"mirror": {"chance": 1}}], "augment.mirror has no option 'chance': there are probability"),
        ([{"mirror": {"probability": 1.5}}], "augment.mirror.probability is 1.5: accepted is 0 to 1"),
        ([{"turn": {"degrees": "far"}}], "augment.turn.degrees: needed is a number, got 'far'"),
        ([{"noise": {"std": -1}}], "augment.noise.std is -1: accepted is 0 or more"),
        ([{"noise": {"std": float("nan")}}], "augment.noise.std is nan"),
        ([{"noise": {"smooth": -1}}], "augment.noise.smooth is -1: accepted is 0 to 1000"),
        ([{"noise": {"streams": "ramp"}}], "augment.noise.streams: needed is a list of names"),
        ([{"noise": {"streams": ["drums"]}}], "no stream of numbers is called 'drums': there are motion, ramp"),
        ([{"mirror": 1}], "augment.0: needed is a name, or one name with its options"),
        ([{"mirror": {}, "turn": {}}], "augment.0: needed is a name"),
        ([7], "augment.0: needed is a name"),
    ],
)
def test_augmentations_that_a_recipe_cannot_have_are_told(tmp_path, recipe, message):
    inputs, outputs = streams("position")
    with pytest.raises(DataError, match=message):
        augmentations(recipe, folder_with(tmp_path, "position"), [*inputs, *outputs])


def test_features_that_cannot_be_mirrored_are_told(tmp_path):
    inputs, outputs = streams("dance129")
    with pytest.raises(DataError, match="augment.mirror: dance129 features cannot be mirrored"):
        augmentations(["mirror"], folder_with(tmp_path, "dance129"), [*inputs, *outputs])


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_tempo_changes_motion_and_music_alike(factor):
    motion = dancer(8.0)
    fast = at_tempo(motion, factor)
    assert isinstance(fast, Motion)
    assert fast.fps == motion.fps
    music = np.stack((np.arange(240.0), np.arange(240) % 15 == 0), axis=1)
    stretched = features_at_tempo(music, factor)
    assert len(stretched) == len(fast)
    np.testing.assert_allclose(stretched[:, 0], np.arange(len(fast)) * factor)
    marks = np.flatnonzero(stretched[:, 1])
    assert len(marks) == 16
    np.testing.assert_allclose(marks, 15 * np.arange(16) / factor, atol=0.5)
    at = round(90 / factor)
    np.testing.assert_allclose(fast.root_positions[at], motion.root_positions[90], atol=0.02)
    with pytest.raises(DataError, match="is not positive"):
        at_tempo(motion, 0.0)
