"""Which time belongs to which sample: time stamps of blocks, the sound card's drift, lost blocks."""

from __future__ import annotations

from farandole.music.live.live_frames import HOP, RATE

_GAP = 0.012  # s by which a stamp must be late to mean lost sound
_LONGEST_GAP = 10.0  # s; more is cut down to this much silence
_PULL, _DRIFT_PULL = 0.5, 0.02  # per second of sound: how fast offset and drift follow the stamps
_MOST_DRIFT = 2e-3


class SoundClock:
    """A slow loop from sample numbers to the caller's clock.

    Args:
        sample_rate: Nominal samples per second.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._samples = 0  # pushed, with what was lost
        self._origin, self._drift = 0.0, 0.0
        self._stamped = False

    def push(self, count: int, at: float | None) -> int:
        """Note a block of `count` samples that began at time `at`.

        Returns:
            How many samples of silence stand for what was lost before it.
        """
        lost = 0
        if at is not None and not self._stamped:
            self._stamped, self._origin = True, at - self._samples / self._rate
        elif at is not None:
            late = at - self.of_sample(self._samples)
            if late > _GAP:
                lost = round(min(late, _LONGEST_GAP) * self._rate)
                self._samples += lost
                self._origin += max(0.0, late - _LONGEST_GAP)
            else:
                passed = count / self._rate
                self._origin += late * min(1.0, _PULL * passed)
                self._drift += late * min(1.0, _DRIFT_PULL * passed)
                self._drift = min(max(self._drift, -_MOST_DRIFT), _MOST_DRIFT)
                self._origin += self._drift * passed
        self._samples += count
        return lost

    def of_sample(self, number: float) -> float:
        """Time of a sample, s."""
        return self._origin + number / self._rate

    def of_frame(self, frame: float) -> float:
        """Time of a (fractional) analysis frame, s."""
        return self._origin + frame * HOP / RATE
