"""Decoding: every container, rate and channel count gives the same sound at the same times; faults are told in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sounds import CONTAINERS, RATE, clicks, write_sound

from farandole.errors import AudioError
from farandole.music.decode import ahead, decode, decode_blocks, resample

TIMES = np.arange(0.5, 2.9, 0.4)


def attack_errors(samples: np.ndarray, rate: int = RATE) -> np.ndarray:
    """How late each click of TIMES begins, s: first sample above 30 % of the click's peak."""
    late = []
    for time in TIMES:
        start = round((time - 0.05) * rate)
        piece = np.abs(samples[start : start + round(0.1 * rate)])
        late.append((start + np.argmax(piece > 0.3 * piece.max())) / rate - time)
    return np.array(late)


CASES = [
    (suffix, rate, layout)
    for suffix, (_, rates, channels) in CONTAINERS.items()
    for rate in rates
    for layout, count in (("mono", 1), ("stereo", 2), ("5.1", 6))
    if count <= channels and (count < 6 or rate >= 44100)
]


@pytest.mark.parametrize(("suffix", "rate", "layout"), CASES)
def test_every_container_rate_and_channel_count_keeps_time(suffix: str, rate: int, layout: str, tmp_path: Path) -> None:
    path = write_sound(tmp_path / f"song{suffix}", clicks(TIMES, 3.0, rate), rate, layout, video=suffix == ".mp4")
    samples = decode(path)
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert len(samples) / RATE == pytest.approx(
        3.0, abs=0.05 if rate > 16000 else 0.15
    )  # AAC and MP3 fill their last frame
    # a codec's frames at 8 kHz hold 128 ms; at usual rates times are exact to a millisecond
    assert np.abs(attack_errors(samples)).max() < (0.002 if rate >= 16000 else 0.004)


def test_opposite_channels_cancel_and_equal_ones_stay(tmp_path: Path) -> None:
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)).astype(np.float32)
    soundfile.write(tmp_path / "same.wav", np.stack([tone, tone], axis=1), RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "opposite.wav", np.stack([tone, -tone], axis=1), RATE, subtype="FLOAT")
    np.testing.assert_allclose(decode(tmp_path / "same.wav"), tone, atol=1e-4)
    np.testing.assert_allclose(decode(tmp_path / "opposite.wav"), 0, atol=1e-4)


def test_blocks_join_to_the_whole_and_have_one_length(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "song.flac", clicks(TIMES, 3.0, 44100), 44100)
    blocks = list(decode_blocks(path, block=5000))
    assert {len(block) for block in blocks[:-1]} == {5000}
    np.testing.assert_array_equal(np.concatenate(blocks), decode(path))


@pytest.mark.parametrize("rate", [8000, 44100, 48000, 96000])
def test_resampling_keeps_a_tone_and_removes_what_cannot_be_kept(rate: int) -> None:
    t = np.arange(2 * rate) / rate
    out = resample(np.sin(2 * np.pi * 1000 * t).astype(np.float32), rate, RATE)
    assert len(out) == 2 * RATE
    inner = slice(RATE // 4, -RATE // 4)
    expected = np.sin(2 * np.pi * 1000 * np.arange(2 * RATE) / RATE)
    np.testing.assert_allclose(out[inner], expected[inner], atol=0.01)
    if rate > 44100:
        above = resample(np.sin(2 * np.pi * 15000 * t).astype(np.float32), rate, RATE)
        assert np.abs(above[inner]).max() < 0.02


def test_a_track_that_starts_late_is_preceded_by_silence(tmp_path: Path) -> None:
    import av

    path = tmp_path / "late.mp4"
    sound = clicks(TIMES, 3.0, 48000)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=25)
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        stream = container.add_stream("aac", rate=48000, layout="mono")
        for index in range(25):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            frame.pts = index
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 48000, 24000  # half a second after the picture
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    samples = decode(path)
    shifted = samples[round(0.5 * RATE) :]
    assert np.abs(attack_errors(shifted)).max() < 0.03


def _text(path: Path) -> None:
    path.write_text("These are the words of a song.\n" * 300)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _random(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(50000))


def _folder(path: Path) -> None:
    path.mkdir()


def _truncated(path: Path) -> None:
    whole = write_sound(path, clicks(np.arange(0.5, 12, 0.5), 12.0, 44100), 44100).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def _short(path: Path) -> None:
    soundfile.write(path, np.zeros(4410), 22050, format="WAV")


def _not_finite(path: Path) -> None:
    soundfile.write(path, np.full(44100, np.nan), 22050, format="WAV", subtype="FLOAT")


def _picture_only(path: Path) -> None:
    import av

    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(30):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))


FAULTS = {
    "no such file": lambda path: None,
    "is a folder": _folder,
    "cannot be read as sound": _text,
    "cannot be read as sound ": _empty,
    "sound": _random,
    "truncated or damaged, holds": _truncated,
    "0.20 s of sound; at least 1 s": _short,
    "NaN": _not_finite,
    "no sound track": _picture_only,
}


@pytest.mark.parametrize("words", FAULTS)
def test_a_fault_is_told_in_one_line_with_the_file_and_what_is_accepted(words: str, tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    fault: Callable[[Path], None] = FAULTS[words]
    fault(path)
    with pytest.raises(AudioError, match=words.strip()) as caught:
        decode(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message


@pytest.mark.parametrize(("share", "survives"), [(0.02, True), (0.3, False)])
def test_a_scratch_is_survived_and_a_missing_third_is_not(share: float, survives: bool, tmp_path: Path) -> None:
    path = write_sound(tmp_path / "song.mp3", clicks(np.arange(0.5, 11.9, 0.5), 12.0, 44100), 44100)
    data = bytearray(path.read_bytes())
    start, length = len(data) // 2, round(share * len(data))
    data[start : start + length] = bytes(length)
    path.write_bytes(data)
    if survives:
        assert len(decode(path)) / RATE == pytest.approx(12.0 * (1 - share), abs=0.25)
    else:
        with pytest.raises(AudioError, match="damaged"):
            decode(path)


def test_blocks_decoded_ahead_are_the_same_and_errors_come_in_their_place() -> None:
    def blocks() -> Iterator[np.ndarray]:
        for k in range(3):
            yield np.full(2, k, np.float32)
        raise AudioError("cut")

    seen = []
    with pytest.raises(AudioError, match="cut"):
        for block in ahead(blocks()):
            seen.append(block[0])
    assert seen == [0, 1, 2]
