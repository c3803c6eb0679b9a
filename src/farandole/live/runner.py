"""A live dance in real time: one loop takes what was heard, dances, and sends each frame when it is due."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from farandole.live.stats import LiveStats

if TYPE_CHECKING:
    from farandole.live.live import Live
    from farandole.live.outputs.output import Output
    from farandole.live.sources.source import Source
    from farandole.motion.rotations import Array

log = logging.getLogger(__name__)

_SILENT = 1e-4
_GAP = 0.35  # s without sound after which silence is heard: the dance comes to rest instead of going on blindly
_LATE = 1.0  # frames by which one may be late before those missed are dropped
_SPIN = 0.0015  # s before a frame is due at which sleeping ends; systems wake sleepers late


class Runner:
    """Runs until told to stop, or until the source ends.

    Args:
        live: The dancer; its rate is the source's.
        source: Where sound comes from.
        outputs: Where frames go.
        stats: Are counted.
        sound: Called with what was heard and its rate, e.g. to record it.
        tick: Called after each frame, outside of what is timed: commands from a page, lines for a terminal.
        tail: Seconds of silence after the source has ended.
        clock: Monotonic time, s.
        sleep: Waits, s.
    """

    def __init__(
        self,
        live: Live,
        source: Source,
        outputs: Sequence[Output],
        stats: LiveStats,
        *,
        sound: Callable[[Array, int], None] | None = None,
        tick: Callable[[], None] | None = None,
        tail: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.live, self.source, self.outputs, self.stats = live, source, outputs, stats
        self._sound, self._tick, self._tail = sound, tick, tail
        self._clock, self._sleep = clock, sleep
        self._stopped = False
        self._heard_until: float | None = None

    def stop(self) -> None:
        """End after the next frame; may be called from any thread."""
        self._stopped = True

    def run(self, seconds: float | None = None) -> None:
        """Dance.

        Args:
            seconds: End after that long; None: when the source ends, or when stopped.
        """
        begun = self._clock()
        self.source.start(begun)
        self.stats.begin()
        number, ended = 0, None
        while not self._stopped:
            due = begun + number / self.live.fps
            if seconds is not None and due - begun >= seconds:
                break
            self._wait_until(due)
            now = self._clock()
            missed = int((now - due) * self.live.fps / _LATE)
            if missed > 0:  # dropped, not queued: the dance stays with the music
                self.stats.dropped(missed)
                number += missed
                due = begun + number / self.live.fps
            self._hear(now, begun)
            frame = self.live.frame(due - begun)
            for output in self.outputs:
                output.send(frame)
            self.stats.frame(frame, now - due)
            if self._tick:
                self._tick()
            if self.source.ended:
                ended = ended or now
                if now - ended >= self._tail:
                    break
            number += 1

    def _hear(self, now: float, begun: float) -> None:
        """Take in what has come; silence where nothing came for long."""
        for block in self.source.available(now):
            if np.abs(block.samples).max(initial=0.0) > _SILENT:
                self.stats.sound(block.at - begun)
            self.live.hear(block.samples, block.at - begun)
            if self._sound:
                self._sound(block.samples, self.source.sample_rate)
            self._heard_until = block.at + len(block.samples) / self.source.sample_rate
        until = begun if self._heard_until is None else self._heard_until
        if now - until > _GAP:
            missing = round((now - until - 0.5 * _GAP) * self.source.sample_rate)
            missing = min(missing, self.source.sample_rate)
            self.live.hear(np.zeros(missing, np.float32), until - begun)
            self._heard_until = until + missing / self.source.sample_rate

    def _wait_until(self, due: float) -> None:
        while (left := due - self._clock()) > 0:
            self._sleep(left - _SPIN if left > 2 * _SPIN else 0.0)
