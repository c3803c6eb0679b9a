"""Sound files that end too early, and files whose first sound track is silent."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from sounds import RATE, clicks

from farandole.errors import AudioError
from farandole.music.decode import decode
from farandole.music.song import load_song
from farandole.view.sound import for_browser, stereo_frames

TIMES = np.arange(0.5, 5.9, 0.5)
SOUND = clicks(TIMES, 6.0, RATE)


def whole(path: Path, kind: str) -> bytes:
    soundfile.write(path, SOUND, RATE, format=kind, subtype="PCM_16")
    return path.read_bytes()


@pytest.mark.parametrize("kind", ["WAV", "RF64", "AIFF", "WAVEX"])
@pytest.mark.parametrize(("share", "taken"), [(0.5, False), (0.85, False), (0.95, True), (1.0, True)])
def test_uncompressed_sound_cut_in_the_middle_is_refused(tmp_path: Path, kind: str, share: float, taken: bool) -> None:
    path = tmp_path / "song.wav"
    data = whole(path, kind)
    path.write_bytes(data[: round(share * len(data))])
    if taken:
        assert len(decode(path)) / RATE == pytest.approx(6.0 * share, abs=0.05)
    else:
        with pytest.raises(AudioError, match=r"song\.wav: truncated"):
            decode(path)


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0xFFFFFFFF])
def test_a_wav_that_was_written_to_a_pipe_declares_nothing(tmp_path: Path, size: int) -> None:
    path = tmp_path / "song.wav"
    data = bytearray(whole(path, "WAV"))
    at = data.index(b"data") + 4
    data[4:8] = data[at : at + 4] = struct.pack("<I", size)
    path.write_bytes(data)
    if size:
        assert len(decode(path)) / RATE == pytest.approx(6.0, abs=0.05)


def test_a_header_with_chunks_without_end_is_no_loop(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(b"RIFF\xff\xff\xff\x7fWAVE" + b"junk\0\0\0\0" * 200_000)
    with pytest.raises(AudioError, match=r"song\.wav"):
        decode(path)


def two_tracks(path: Path, first: np.ndarray, second: np.ndarray) -> Path:
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("aac", rate=RATE, layout="mono") for _ in range(2)]
        for stream, sound in zip(streams, (first, second), strict=True):
            frame = av.AudioFrame.from_ndarray(sound[None].astype(np.float32), format="fltp", layout="mono")
            frame.sample_rate = RATE
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


def test_the_first_track_that_is_not_silent_is_heard(tmp_path: Path) -> None:
    song = load_song(two_tracks(tmp_path / "song.mp4", 0 * SOUND, SOUND))
    assert song.track == 1
    assert song.frames.power.max() > 1e-3
    assert np.abs(song.samples).max() > 0.1
    assert np.abs(song.samples_at(16000)).max() > 0.1
    heard = max(np.abs(frame.to_ndarray()).max() for frame in stereo_frames(song))
    assert heard > 0.1  # of the page, too
    (tmp_path / "song.m4a").write_bytes((tmp_path / "song.mp4").read_bytes())
    again = load_song(tmp_path / "song.m4a")
    assert b"".join(for_browser(again)[0]) != (tmp_path / "song.m4a").read_bytes()  # players would play the silence


def test_the_first_track_is_heard_where_it_can_be(tmp_path: Path) -> None:
    song = load_song(two_tracks(tmp_path / "song.m4a", SOUND, 0.5 * SOUND[::-1]))
    assert song.track == 0
    assert b"".join(for_browser(song)[0]) == (tmp_path / "song.m4a").read_bytes()


def test_silence_on_every_track_is_silence(tmp_path: Path) -> None:
    song = load_song(two_tracks(tmp_path / "song.mp4", 0 * SOUND, 0 * SOUND))
    assert (song.track, song.frames.silent) == (0, True)
