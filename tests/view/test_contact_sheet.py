import struct
import zlib

import numpy as np
import pytest

from farandole.errors import OutputError
from farandole.motion.motion import Motion
from farandole.motion.skeleton import Skeleton
from farandole.view.contact_sheet import contact_sheet, write_contact_sheet
from farandole.view.digits import text_mask, time_stamp
from farandole.view.feet import foot_contacts, foot_joints
from farandole.view.png import SIGNATURE, encode_png


def decode_png(data: bytes) -> np.ndarray:
    """An independent reader of 8-bit RGB files, checking every checksum."""
    assert data[:8] == SIGNATURE
    at, body, size = 8, b"", None
    while at < len(data):
        (length,), kind = struct.unpack(">I", data[at : at + 4]), data[at + 4 : at + 8]
        chunk = data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + chunk)
        if kind == b"IHDR":
            width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", chunk)
            assert (depth, colour) == (8, 2)
            size = height, width
        elif kind == b"IDAT":
            body += chunk
        at += 12 + length
    assert kind == b"IEND"
    raw = np.frombuffer(zlib.decompress(body), np.uint8).reshape(size[0], 1 + 3 * size[1])
    picture, above = np.zeros((size[0], 3 * size[1]), np.uint8), np.zeros(3 * size[1], np.uint8)
    for y, row in enumerate(raw):
        assert row[0] in (0, 2)
        picture[y] = above = row[1:] + (above if row[0] == 2 else 0)
    return picture.reshape(*size, 3)


def test_png_round_trip():
    picture = np.random.default_rng(0).integers(0, 256, (17, 31, 3), dtype=np.uint8)
    np.testing.assert_array_equal(decode_png(encode_png(picture)), picture)
    with pytest.raises(ValueError, match="uint8"):
        encode_png(picture.astype(float))


def test_a_sheet_has_its_size_and_every_tile_differs(steps, tmp_path):
    path = write_contact_sheet(steps, tmp_path / "sheet.png", rows=2, columns=3, tile=(96, 108), strip=4)
    picture = decode_png(path.read_bytes())
    assert picture.shape[1] == 3 * 96 + 2 * 3
    assert picture.shape[0] > 2 * 108 + 2 * 3  # the strip comes below
    tiles = [picture[y * 111 : y * 111 + 108, x * 99 : x * 99 + 96].astype(int) for y in (0, 1) for x in (0, 1, 2)]
    for i, a in enumerate(tiles):
        assert a.std() > 8  # a body, not an empty room
        for b in tiles[:i]:
            assert (np.abs(a - b).max(-1) > 30).mean() > 0.005
    with pytest.raises(OutputError):
        write_contact_sheet(steps, path)


def test_a_single_frame_is_enough(steps):
    assert contact_sheet(steps.slice(0, 1), rows=1, columns=2, tile=(60, 60)).shape == (60, 123, 3)
    with pytest.raises(ValueError, match="row"):
        contact_sheet(steps, rows=0)


def test_left_and_right_are_told_apart_by_tint(steps):
    tile = contact_sheet(steps, rows=1, columns=1, tile=(200, 220), turn=0.0)[:190].astype(int)
    teal = (tile[..., 1] - tile[..., 0]) > 40
    coral = (tile[..., 0] - tile[..., 2]) > 60
    # The dancer faces us: the left is on our right.
    assert np.nonzero(teal)[1].mean() > np.nonzero(coral)[1].mean() + 8


def test_the_standing_foot_is_marked(steps):
    stands = foot_contacts(steps)
    middle = len(steps) // 10  # quarter of the first second: the left knee is up
    assert stands[middle].tolist() == [False, True]
    assert stands.any(0).all()


def test_feet_are_found_without_names():
    skeleton = Skeleton(["a", "b", "c", "d"], [-1, 0, 0, 0], [[0, 1, 0], [0.2, -1, 0], [-0.2, -1, 0], [0, 0.5, 0]])
    assert foot_joints(skeleton) == {"left": [1], "right": [2]}
    rotations = np.zeros((2, 4, 4))
    rotations[..., 0] = 1
    still = Motion(skeleton, rotations, np.tile([0.0, 1.0, 0.0], (2, 1)), 30)
    assert foot_contacts(still).all()


def test_time_stamps():
    assert [time_stamp(t) for t in (0.0, 9.96, 59.99, 60.0, 83.46, 3600.0)] == [
        "0.0", "9.9", "59.9", "1:00.0", "1:23.4", "60:00.0"
    ]  # fmt: skip
    assert text_mask("0:1", scale=2).shape == (14, 2 * (5 + 1 + 3 + 1 + 5))
    with pytest.raises(KeyError):
        text_mask("x")
