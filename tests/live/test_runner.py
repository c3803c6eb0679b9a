"""Real time, simulated: frames when they are due, late ones dropped, silence where no sound comes."""

from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from farandole.errors import AudioError, OutputError
from farandole.live.calibration import click_track, delay_of
from farandole.live.live import LiveFrame
from farandole.live.outputs.recorder import Recorder
from farandole.live.runner import Runner
from farandole.live.sources.sound_file import SoundFile
from farandole.live.sources.source import Block
from farandole.live.sources.standard_input import PcmStream
from farandole.live.stats import Histogram, LiveStats
from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton

from .live_music import RATE, drums

BODY = house_skeleton()


class Clock:
    """Time that passes only by sleeping, and as much as work is said to take."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 1e-4)


class Dancer:
    """Notes what it is asked for."""

    fps = 30.0

    def __init__(self) -> None:
        self.heard: list[tuple[float, int]] = []
        self.asked: list[float] = []

    def hear(self, samples: np.ndarray, at: float) -> None:
        self.heard.append((at, len(samples)))

    def frame(self, now: float) -> LiveFrame:
        self.asked.append(now)
        return LiveFrame(now, rot.identity(len(BODY)), np.array([0.0, 0.9, 0.0]), 0.0, 120.0, 0.0, 4, 1.0, 0.0, False)


class Sound:
    """Blocks of 10 ms, but for a time in which none come."""

    name, sample_rate, ended = "sound", 1000, False

    def __init__(self, pause: tuple[float, float] = (9e9, 9e9)) -> None:
        self._pause = pause

    def start(self, now: float) -> None:
        self._begun, self._done = now, 0

    def available(self, now: float) -> list[Block]:
        blocks = []
        while (at := self._begun + self._done / 1000) + 0.01 <= now:
            self._done += 10
            if not self._pause[0] <= at - self._begun < self._pause[1]:
                blocks.append(Block(np.full(10, 0.5, np.float32), at))
        return blocks

    def close(self) -> None:
        pass


class Slow:
    """An output that takes its time at one frame."""

    def __init__(self, clock: Clock, number: int, seconds: float) -> None:
        self._clock, self._left, self._seconds, self.sent = clock, number, seconds, 0

    def send(self, frame: LiveFrame) -> None:
        self.sent += 1
        self._left -= 1
        if self._left == 0:
            self._clock.now += self._seconds

    def close(self) -> None:
        pass


def test_frames_come_when_they_are_due() -> None:
    clock, dancer, stats = Clock(), Dancer(), LiveStats(30)
    Runner(dancer, Sound(), [], stats, clock=clock, sleep=clock.sleep).run(2.0)  # type: ignore[arg-type]
    assert dancer.asked == pytest.approx(np.arange(60) / 30)
    assert stats.as_dict()["late_frames"] == 0
    assert stats.as_dict()["jitter_ms_p99"] < 2.0


def test_late_frames_are_dropped_not_queued() -> None:
    clock, dancer, stats = Clock(), Dancer(), LiveStats(30)
    slow = Slow(clock, 10, 0.5)
    Runner(dancer, Sound(), [slow], stats, clock=clock, sleep=clock.sleep).run(2.0)  # type: ignore[arg-type]
    assert stats.late_frames == pytest.approx(14, abs=1)
    assert slow.sent + stats.late_frames == 60
    assert dancer.asked[-1] == pytest.approx(59 / 30)


def test_sound_is_taken_in_with_its_times() -> None:
    clock, dancer = Clock(), Dancer()
    Runner(dancer, Sound(), [], LiveStats(30), clock=clock, sleep=clock.sleep).run(1.0)  # type: ignore[arg-type]
    assert [at for at, _ in dancer.heard] == pytest.approx(np.arange(len(dancer.heard)) * 0.01, abs=1e-6)


def test_where_no_sound_comes_silence_is_heard_without_a_gap_or_overlap() -> None:
    clock, dancer = Clock(), Dancer()
    Runner(dancer, Sound((0.5, 1.5)), [], LiveStats(30), clock=clock, sleep=clock.sleep).run(2.0)  # type: ignore[arg-type]
    ends = [at + n / 1000 for at, n in dancer.heard]
    begins = [at for at, _ in dancer.heard]
    apart = np.array(begins[1:]) - np.array(ends[:-1])
    assert apart.min() > -1e-6
    assert apart.max() < 0.4


def test_it_ends_after_its_source() -> None:
    clock, dancer = Clock(), Dancer()
    source = Sound()
    source.ended = True  # type: ignore[misc]
    Runner(dancer, source, [], LiveStats(30), clock=clock, sleep=clock.sleep, tail=0.5).run()  # type: ignore[arg-type]
    assert dancer.asked[-1] == pytest.approx(0.5, abs=0.1)


def test_a_file_comes_at_the_speed_at_which_it_plays(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", drums(1.5), RATE)
    source = SoundFile(tmp_path / "a.wav")
    source.start(10.0)
    assert source.available(10.0) == []
    early = source.available(10.5)
    assert sum(len(b.samples) for b in early) == pytest.approx(0.5 * RATE, abs=512)
    assert early[0].at == 10.0
    late = source.available(12.0)
    assert sum(len(b.samples) for b in early + late) == len(drums(1.5))
    assert source.ended


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError):
        SoundFile(tmp_path / "none.wav")


def test_pcm_is_read_as_it_was_written() -> None:
    values = (1000 * np.sin(np.arange(4000))).astype("<i2").reshape(-1, 2)
    source = PcmStream(io.BytesIO(values.tobytes() + b"x"), 8000, 2)
    samples = np.concatenate(list(source.blocks()))
    assert samples * 32768 == pytest.approx(values)


def test_pcm_that_is_faster_than_real_time_is_held_back() -> None:
    source = PcmStream(io.BytesIO(np.zeros(8000, "<f4").tobytes()), 1000, 1, "f32le")
    source.start(0.0)
    time.sleep(0.1)
    first = source.available(50.0)
    later = source.available(50.5)
    assert sum(len(b.samples) for b in first) <= 30
    assert sum(len(b.samples) for b in later) == pytest.approx(500, abs=30)
    source.close()


@pytest.mark.parametrize("options", [{"format": "mp3"}, {"channels": 0}])
def test_pcm_of_unknown_kinds_is_refused(options: dict) -> None:
    with pytest.raises(AudioError):
        PcmStream(io.BytesIO(), 44100, **options)


def test_histograms_know_mean_and_percentiles() -> None:
    values = np.random.default_rng(0).exponential(3.0, 5000)
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    assert histogram.mean == pytest.approx(values.mean())
    assert histogram.percentile(99) == pytest.approx(np.percentile(values, 99), abs=0.1)
    assert Histogram().percentile(99) is None


def test_recordings_hold_what_was_danced(tmp_path: Path) -> None:
    recorder = Recorder([tmp_path / "a.npz"], BODY, 30.0)
    random = np.random.default_rng(0)
    turns = rot.from_rotvec(random.normal(0, 0.4, (5, len(BODY), 3)))
    for n in range(5):
        recorder.send(LiveFrame(n / 30, turns[n], np.array([n, 1.0, 0.0]), 0, 120, 0, 4, 1, 0, False))
    recorder.close()
    from farandole.motion.files import load_motion

    motion = load_motion(tmp_path / "a.npz")
    assert motion.rotations == pytest.approx(turns, abs=1e-6)
    assert motion.root_positions[:, 0] == pytest.approx(np.arange(5))


def test_frames_that_were_dropped_are_filled_in_so_that_recordings_stay_with_their_sound() -> None:
    recorder = Recorder([], BODY, 30.0)
    turns = rot.from_rotvec(np.random.default_rng(0).normal(0, 0.1, (9, len(BODY), 3)))
    for n in (0, 1, 4, 5, 8):
        signs = -1.0 if n == 4 else 1.0  # the same rotation
        recorder.send(LiveFrame(7 + n / 30, signs * turns[n], np.array([n, 1.0, 0.0]), 0, 120, 0, 4, 1, 0, False))
    motion = recorder.motion()
    recorder.close()
    assert motion.root_positions[:, 0] == pytest.approx(np.arange(9))
    between = rot.slerp(turns[1], turns[4], np.full(len(BODY), 1 / 3))
    assert np.abs((motion.rotations[2] * between).sum(-1)) == pytest.approx(1.0, abs=1e-3)
    assert np.abs((motion.rotations[8] * turns[8]).sum(-1)) == pytest.approx(1.0, abs=1e-6)


def test_recordings_do_not_overwrite_and_know_their_endings(tmp_path: Path) -> None:
    (tmp_path / "a.bvh").write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        Recorder([tmp_path / "a.bvh"], BODY, 30.0)
    with pytest.raises(OutputError, match="recorded"):
        Recorder([tmp_path / "a.wav"], BODY, 30.0)


@pytest.mark.parametrize("delay", [0.012, 0.18])
def test_clicks_tell_the_latency(delay: float) -> None:
    rate = 16000
    played = click_track(rate)
    heard = 0.05 * np.roll(played, round(delay * rate)) + np.random.default_rng(0).normal(0, 0.002, len(played))
    assert delay_of(heard, played, rate) == pytest.approx(delay, abs=0.001)


def test_clicks_that_are_not_heard_are_no_latency() -> None:
    played = click_track(16000)
    with pytest.raises(AudioError, match="clicks"):
        delay_of(np.random.default_rng(0).normal(0, 0.1, len(played)), played, 16000)
