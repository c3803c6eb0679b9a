"""`LiveEars`: what a live dance needs to know of the music, block by block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from farandole.errors import AudioError
from farandole.music.activation import BeatNetwork, SpectrumInput, load_network
from farandole.music.live.bar_filter import BarFilter
from farandole.music.live.beat_filter import BeatEstimate, BeatFilter
from farandole.music.live.dance_clock import DanceClock
from farandole.music.live.live_frames import FPS, LOOK_SECONDS, RATE, LiveFrames
from farandole.music.live.loudness import Loudness
from farandole.music.live.punch import LivePunch
from farandole.music.live.sound_clock import SoundClock
from farandole.music.onsets import MEL_BANDS

_IDLE_SILENCE = 1.0  # s of silence after which a dance stands still
_COAST = 8.0  # s for which an unsure clock dances on
_UNSURE = 0.3
_SURE_SECONDS = 0.6
_BAR_SURE = 0.6
_BAR_HOLD = 2  # bars for which another downbeat must hold
_ACTIVE_FALL = float(np.exp(-1 / (FPS * 1.0)))  # how long a beat of the network speaks for those to come
_NOISE = 0.1  # what the network says of noise and speech
_RECENT = 32  # frames of the network's answers that are kept


@dataclass(frozen=True)
class LiveState:
    """What is heard at a moment.

    Attributes:
        time: The moment asked for, s.
        count: Continuous beat count, whole on beats; never goes back.
        tempo: Beats per minute.
        sure: How far count and tempo can be trusted, 0 to 1.
        bar: Place in the bar, 0 to below `beats_per_bar`; follows `count` and is 0 on downbeats as far as they are known.
        beats_per_bar: 2 to 7; 4 while unknown.
        bar_sure: How far bar and downbeat can be trusted, 0 to 1.
        idle: Whether there is nothing to dance to: silence, or no beat for a long while.
        energy: -2.5 to 2.5 as in `conditioning.Conditions`, against what was heard so far.
        bands: Onset strength in four bands, [4] in 0..3.
        brightness: Colour of the sound, 0 dark to 1 bright.
        bass: Share of power below 180 Hz.
        sounding: 0 in silence, 1 where there is music, however soft.
        punch: How hard the music strikes, see `music.onsets.FrameFeatures.punch`; None in its first seconds.
    """

    time: float
    count: float
    tempo: float
    sure: float
    bar: float
    beats_per_bar: int
    bar_sure: float
    idle: bool
    energy: float
    bands: tuple[float, float, float, float]
    brightness: float
    bass: float
    sounding: float = 1.0
    punch: float | None = None


class LiveEars:
    """Causal hearing without threads: `push` what was recorded, ask `clock` for any moment.

    The same samples give the same clock however they are cut into blocks, and nothing is known of what was not yet
    pushed. About 0.2 ms of work per 11.6 ms of sound.

    Args:
        sample_rate: Of the samples to come, Hz.
        latency: Seconds from a moment to when its dance is seen (output, viewer) plus those from a sound to its time
            stamp (sound card, stream). The clock is read that far ahead.
        network: Beat network; the shipped one by default.

    Raises:
        AudioError: If the rate or the latency cannot be used.
    """

    def __init__(self, sample_rate: int = RATE, *, latency: float = 0.0, network: BeatNetwork | None = None) -> None:
        if not 0 <= latency <= 2:
            raise AudioError(f"latency of {latency:g} s: accepted is 0 to 2 s")
        self._frames = LiveFrames(sample_rate)
        self._network = network or load_network()
        self._input, self._listener = SpectrumInput(FPS, MEL_BANDS), self._network.listen()
        self._beats, self._bars = BeatFilter(FPS), BarFilter()
        self._dance, self._sound = DanceClock(1 / FPS), Loudness(FPS, self._frames.centres)
        self._punch, self._time = LivePunch(FPS, RATE), SoundClock(sample_rate)
        self.latency = latency
        self._lag = self._network.delay + LOOK_SECONDS * FPS  # frames from a beat to when it is known
        self._frame = -1
        self._recent = np.zeros((_RECENT, 2))
        self._estimate = BeatEstimate(0.0, 0.5 * FPS, 0.0)
        self._sure, self._active, self._unsure_seconds = 0.0, 0.0, np.inf
        self._last_beat = -np.inf
        self._meter, self._offset, self._bar_sure = 4, 0, 0.0
        self._other: tuple[int, int] = (4, 0)
        self._other_beats = 0
        self._shown: tuple[float, float] = (-np.inf, 0.0)
        self._resting, self._bar_known = True, False

    def push(self, samples: np.ndarray, at: float | None = None) -> None:
        """Take in the next block.

        Args:
            samples: Float samples, [n] mono or [n, C] (channels are averaged), any n.
            at: When the first of them sounded, s on the caller's clock; a gap against what came before is taken as a
                lost block, small deviations as drift of the sound card's clock. Without it time is counted in samples.

        Raises:
            AudioError: If the samples have another shape or type; nothing is taken in then.
        """
        block = np.asarray(samples)
        if block.ndim not in (1, 2) or not np.issubdtype(block.dtype, np.floating):
            raise AudioError(f"live samples are {block.dtype} {block.shape}; needed is float [n] or [n, C] in -1..1")
        block = block.mean(axis=1) if block.ndim == 2 else block
        block = np.nan_to_num(np.clip(block, -8.0, 8.0)).astype(np.float32)
        lost = self._time.push(len(block), at)
        if lost:
            block = np.concatenate([np.zeros(lost, np.float32), block])
        for mel, power in self._frames.push(block):
            self._hear(mel, power)

    def clock(self, now: float) -> LiveState:
        """What is heard at a moment; ask in ascending order.

        Args:
            now: s, on the clock of the time stamps (or samples pushed / rate).
        """
        ahead = min(now - self._time.of_frame(self._frame + LOOK_SECONDS * FPS), 2.0)
        count = self._dance.count + self._dance.rate * max(ahead, -0.5)
        before, shown = self._shown
        count = max(count, shown) if now >= before else count
        self._shown = (now, count)
        bar = (count - self._offset) % self._meter
        sound = self._sound
        bass, low_mid, mid, high = map(float, sound.bands)
        return LiveState(
            time=now, count=float(count), tempo=float(self._dance.tempo), sure=float(self._sure), bar=float(bar),
            beats_per_bar=self._meter, bar_sure=self._bar_sure, idle=self._resting, energy=sound.energy,
            bands=(bass, low_mid, mid, high), brightness=sound.brightness, bass=sound.bass,
            sounding=sound.sounding, punch=self._punch.value,
        )  # fmt: skip

    def _hear(self, mel: np.ndarray, power: float) -> None:
        """One frame: network, filters, clock."""
        self._frame += 1
        self._sound.step(mel, power)
        self._punch.step(mel, power)
        heard, tempo = self._listener.step(self._input.step(mel))
        frame = self._frame - self._network.delay
        self._recent[frame % _RECENT] = heard
        silent = self._sound.silent_seconds > _IDLE_SILENCE
        if silent and not self._resting:
            self._beats.reset()
            self._bars.reset()
            self._punch.reset()
            self._dance.sleep()
            self._last_beat = -np.inf
        self._beats.step(0.0 if silent else float(heard[0]), None if silent else tempo)
        estimate = self._estimate = self._beats.estimate()
        self._active = max(self._active * _ACTIVE_FALL, float(heard[0]))
        target = 0.0 if silent else estimate.sure * min(1.0, max(0.0, 4 * (self._active - _NOISE)))
        self._sure += (target - self._sure) / (FPS * _SURE_SECONDS)
        self._unsure_seconds = self._unsure_seconds + 1 / FPS if self._sure < _UNSURE else 0.0
        self._resting = silent or self._unsure_seconds > _COAST
        ahead = self._beats.frame + self._lag + self.latency * FPS
        place = (self._dance.count - self._offset) % self._meter
        believed = BeatEstimate(estimate.beat, estimate.period, 0.0 if silent else estimate.sure)
        self._dance.update(believed, ahead, FPS, bar_begins=place < 0.1)
        self._count_bar(estimate, ahead)

    def _count_bar(self, estimate: BeatEstimate, ahead: float) -> None:
        """Once per beat, as soon as the network has heard it whole: how it speaks for a downbeat."""
        frame = self._beats.frame
        if frame - estimate.beat < 3 or estimate.beat - self._last_beat < 0.6 * estimate.period:
            return
        self._last_beat = estimate.beat
        shift = self._frame - self._network.delay - frame
        at = (round(estimate.beat) + shift + np.arange(-2, 3)) % _RECENT
        beat, down = self._recent[at].max(axis=0)
        if beat > 0.08 and estimate.sure > 0.2:
            self._bars.step(float(np.clip(down / (beat + 1e-6), 0, 1)))
        else:
            self._bars.step(0.5)
        meter, place, sure = self._bars.estimate()
        self._bar_sure = sure * min(1.0, 2 * self._sure)
        heard_at = self._dance.count - (ahead - estimate.beat) / estimate.period  # count of that beat in the dance
        candidate = (meter, int(round(heard_at) - place) % meter)
        if candidate == (self._meter, self._offset % self._meter):
            self._other_beats = 0
            return
        self._other_beats = self._other_beats + 1 if candidate == self._other else 0
        self._other = candidate
        if sure > _BAR_SURE and self._other_beats >= (_BAR_HOLD * meter if self._bar_known else 1):
            self._meter, self._offset = candidate
            self._bar_known = True
