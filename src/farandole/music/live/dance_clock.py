"""The count a live dance follows: continuous, never backwards, drawn gently towards what the beat filter believes."""

from __future__ import annotations

import numpy as np

from farandole.music.live.beat_filter import BeatEstimate

SLOWEST, FASTEST = 40.0, 220.0
"""Range of the clock, beats per minute."""
_SURE = 0.3  # below this the clock coasts at its last tempo
_CLOSE = 0.35  # share of a phase error closed per beat
_BEND = 0.08  # most by which the rate leaves the tempo for small errors ...
_BEND_MORE = 0.3  # ... and for half a beat
_TEMPO_BEATS = 1.0  # the tempo follows with this time constant
_HOLD_BEATS = 8  # another octave must last this long, and then waits for a bar
_FREE_SECONDS = 3.0  # after waking up the octave is free
_OCTAVE = 0.07  # tolerance of a doubled or halved tempo


class DanceClock:
    """A second-order loop: rate and phase of the count.

    Args:
        step: Seconds between updates.
    """

    def __init__(self, step: float) -> None:
        self._step = step
        self.count, self.tempo, self.rate = 0.0, 120.0, 2.0
        self._locked = False
        self._factor, self._factor_beats = 1.0, 0.0
        self._awake = 0.0

    def sleep(self) -> None:
        """The music is gone: go on at the last tempo, and let the next music set tempo and octave anew."""
        self._locked, self._factor, self._awake = False, 1.0, 0.0

    def update(self, estimate: BeatEstimate, ahead: float, fps: float, bar_begins: bool) -> None:
        """Advance by one step.

        Args:
            estimate: From the filter.
            ahead: Frames from the estimate's frame 0 to the moment that `count` is said of.
            fps: Frames per second of `estimate`.
            bar_begins: Whether the clock stands at the first beat of a bar; octaves change there.
        """
        self.count += self.rate * self._step
        if estimate.sure < _SURE:
            self.rate += (self.tempo / 60 - self.rate) * min(1.0, 4 * self._step)
            return
        self._awake += self._step
        period, phase = estimate.period, (ahead - estimate.beat) / estimate.period
        tempo = self._octave(60.0 * fps / period, bar_begins)
        phase *= self._factor
        if self._factor < 1:  # of two beats take the one nearer to where the dance is
            phase += 0.5 * round(2 * (self.count - phase))
        error = (phase - self.count + 0.5) % 1.0 - 0.5
        if not self._locked:
            self._locked, self.tempo = True, tempo
            if not -0.25 < error < 0:  # the count may only go forwards; a little too far ahead, it waits
                self.count, error = self.count + error % 1.0, 0.0
        if abs(tempo / self.tempo - 1) > 0.12:
            self.tempo = tempo
        self.tempo += (tempo - self.tempo) * min(1.0, self.tempo / 60 * self._step / _TEMPO_BEATS)
        self.tempo = float(np.clip(self.tempo, SLOWEST, FASTEST))
        limit = _BEND + (_BEND_MORE - _BEND) * np.clip((abs(error) - 0.08) / 0.25, 0, 1)
        bend = float(np.clip(_CLOSE * error / 0.35, -limit, limit))
        self.rate = self.tempo / 60 * (1 + bend)

    def _octave(self, tempo: float, bar_begins: bool) -> float:
        """The filter's tempo at the octave the dance keeps."""
        if self._awake < _FREE_SECONDS:
            self._factor = 1.0
            return tempo
        held = tempo * self._factor
        ratio = held / self.tempo
        for octave in (2.0, 0.5):
            if abs(ratio / octave - 1) < _OCTAVE and 0.5 <= self._factor / octave <= 2.0:
                self._factor /= octave
                self._factor_beats = 0.0
        if self._factor != 1.0:
            self._factor_beats += self.rate * self._step
            if self._factor_beats > _HOLD_BEATS and bar_begins:
                self._factor = 1.0
        if not SLOWEST <= tempo * self._factor <= FASTEST:
            self._factor = 1.0
        return tempo * self._factor
