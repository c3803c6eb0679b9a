"""Pickles that would do harm with the few things they may name: refused in one line, with nothing set and little memory."""

from __future__ import annotations

import pickle
import struct
import tracemalloc

import numpy as np
import pytest

from farandole.errors import FileFormatError
from farandole.motion.files import load_motion
from farandole.motion.files.plain_pickle import load_plain_pickle

GOOD = {"smpl_poses": np.zeros((5, 72)), "smpl_trans": np.zeros((5, 3)), "smpl_scaling": np.ones(1)}


def refused(data: bytes) -> str:
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError) as caught:
            load_plain_pickle(data, "x.pkl")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


@pytest.mark.parametrize(
    "thing",
    [
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy.core.numeric", "_frombuffer"),
    ],
)
def test_nothing_can_be_set_on_what_may_be_named(thing: tuple[str, str]) -> None:
    # the function, a state {"harm": 1} for it, BUILD
    assert "sets attributes of what it may only call" in refused(named(*thing) + b"}X\x04\x00\x00\x00harmK\x01sb.")
    # the same as slots: a tuple (None, {"__doc__": 1})
    assert "sets attributes" in refused(named(*thing) + b"N}X\x07\x00\x00\x00__doc__K\x01s\x86b.")
    assert refused(named(*thing) + b".")  # nor be had


def test_they_are_as_they_were() -> None:
    for thing in (np.ndarray, np.dtype):
        assert not hasattr(thing, "harm")


def dtype(name: bytes) -> bytes:
    return named("numpy", "dtype") + b"U" + bytes([len(name)]) + name + b"K\x00K\x01\x87R"


@pytest.mark.parametrize(
    "kind", [b"V2000000000", b"S2000000000", b"U500000000", b"O", b"f8,f8", b"M8[s]", b"(1000,1000)f8"]
)
def test_scalars_of_gigabytes_and_of_objects_are_refused_before_there_is_room_for_them(kind: bytes) -> None:
    scalar = named("numpy.core.multiarray", "scalar")
    assert "asks for an array of" in refused(scalar + dtype(kind) + b"U\x01x\x86R.")
    assert "claims 1 numbers in 1 bytes" in refused(scalar + dtype(b"f8") + b"U\x01x\x86R.")


def test_arrays_hold_what_they_claim() -> None:
    def told(shape: bytes, content: bytes = b"U\x08" + bytes(8)) -> str:
        empty = named("numpy.core.multiarray", "_reconstruct") + named("numpy", "ndarray") + b"K\x00\x85U\x01b\x87R"
        return refused(empty + b"(K\x01" + shape + dtype(b"f8") + b"I00\n" + content + b"tb.")

    assert "claims 1000000000 numbers in 8 bytes" in told(b"J\x00\xca\x9a\x3b\x85")
    assert "impossible shape" in told(b"J\xff\xff\xff\xff\x85")
    assert "array of objects" in told(b"K\x01\x85", b"]")


def test_a_pickle_cannot_number_things_without_end() -> None:
    assert "puts aside thing number 4000000000" in refused(b"Nr" + struct.pack("<I", 4_000_000_000) + b".")
    assert "puts aside thing number" in refused(b"Np4000000000\n.")


def test_an_element_type_can_only_be_told_its_order_of_bytes() -> None:
    state = b"(K\x03U\x01<NU\x04nameNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb."
    assert "not plain" in refused(dtype(b"f8") + state)


@pytest.mark.parametrize(("text", "codec"), [("/bin/sh", "rot13"), ("x", "zlib_codec"), ("x", "idna")])
def test_text_is_encoded_one_way_only(text: str, codec: str) -> None:
    call = named("_codecs", "encode") + b"".join(b"X" + struct.pack("<I", len(t)) + t.encode() for t in (text, codec))
    assert f"as {codec}" in refused(call + b"\x86R.")


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.float32(2),
        np.array([True, False]),
        np.arange(3, dtype=">i4"),
        np.array("neutral"),
        np.array(b"neutral"),
        np.zeros((0, 3)),
    ],
    ids=str,
)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_arrays_come_as_they_went(array: np.ndarray, protocol: int) -> None:
    value = load_plain_pickle(pickle.dumps({"a": array, "rows": [array, 1]}, protocol=protocol), "x.pkl")
    np.testing.assert_array_equal(value["a"], array)
    np.testing.assert_array_equal(value["rows"][0], array)
    assert value["a"].dtype == array.dtype


@pytest.mark.parametrize("key", ["fps", "mocap_framerate"])
@pytest.mark.parametrize(
    "fps", ["fast", {}, {"a": 1}, b"x", None, [], 1e-9, 0, 0.5, 5000, -3, float("nan"), 10**400], ids=str
)
def test_frame_rates_that_are_none_are_one_line(tmp_path, key: str, fps: object) -> None:
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(GOOD | {key: fps}))
    with pytest.raises(FileFormatError) as caught:
        load_motion(tmp_path / "x.pkl")
    assert "x.pkl" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fps", [1, 12.5, 1000])
def test_frame_rates_of_cameras_are_taken(tmp_path, fps: float) -> None:
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(GOOD | {"fps": fps}))
    assert load_motion(tmp_path / "x.pkl").fps == fps


@pytest.mark.parametrize("frame_time", ["1e-9", "0.0005", "5", "1e30"])
def test_the_frame_rate_of_a_bvh_is_one_too(tmp_path, frame_time: str) -> None:
    text = "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 3 Xrotation Yrotation Zrotation\nEnd Site\n{\nOFFSET 0 1 0\n}\n}\n"
    (tmp_path / "x.bvh").write_text(f"{text}MOTION\nFrames: 2\nFrame Time: {frame_time}\n0 0 0\n0 0 0\n")
    with pytest.raises(FileFormatError, match="x.bvh"):
        load_motion(tmp_path / "x.bvh")
