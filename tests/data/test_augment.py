"""Augmentations of features are those of the motions they stand for."""

import numpy as np
import pytest
from recordings import dancer, lafan1

from farandole.data.augment import MirrorAndTurn, at_tempo, features_at_tempo
from farandole.errors import DataError, MotionError
from farandole.motion import codecs, edit
from farandole.motion.files import load_motion
from farandole.motion.motion import Motion
from farandole.motion.smpl import smpl_skeleton

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


def test_all_motion_of_a_window_changes_alike():
    motion = dancer(2.0)
    codec = codecs.codec("position", motion)
    features = codec.encode(motion)
    item = {"in_position": features[:20], "in_beats": features[:20, :3], "out_position": features[20:22]}
    change = MirrorAndTurn({"position": codec}, mirror=1.0)
    changed = change(item, np.random.default_rng(0))
    joined = np.concatenate((changed["in_position"], changed["out_position"]))
    alone = change({"in_position": features[:22]}, np.random.default_rng(0))["in_position"]
    np.testing.assert_allclose(joined, alone)
    assert np.abs(joined - features[:22]).max() > 0.1
    np.testing.assert_array_equal(changed["in_beats"], item["in_beats"])
    dance = codecs.codec("dance129", motion)
    with pytest.raises(DataError, match="dance129 features cannot be mirrored"):
        MirrorAndTurn({"dance129": dance})


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
