"""A sound file that is heard while the dancer hears it too."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from farandole.errors import FarandoleError
from farandole.live.sources.sound_file import RATE, SoundFile
from farandole.live.sources.source import Block

_AHEAD = 0.5  # s that are decoded before they are played


def open_player(path: Path, device: str | None, note: Callable[[str], None]) -> PlayedFile | None:
    """A player for a file; None, with a line that says why, where no sound can be played.

    Raises:
        AudioError: If the file cannot be used.
    """
    from farandole.live.sources.sounddevice_module import sounddevice

    try:
        module = sounddevice()
    except FarandoleError as error:
        note(f"{path.name} plays silently: {error}")
        return None
    try:
        module.check_output_settings(samplerate=RATE, channels=1, dtype="float32")
    except (ValueError, module.PortAudioError) as error:
        note(f"{path.name} plays silently: no sound device plays here ({error})")
        return None
    return PlayedFile(path, module)


class PlayedFile(SoundFile):
    """A sound file on the default output. Each block has the time at which it comes out of the loudspeaker.

    Args:
        path: Anything `dance` reads.
        module: sounddevice.
    """

    def __init__(self, path: Path, module: Any) -> None:
        super().__init__(path)
        self._module = module
        self._waiting: deque[np.ndarray] = deque()  # decoded, not played
        self._played: deque[Block] = deque()
        self._rest = np.zeros(0, np.float32)
        self._stream: Any = None

    @property
    def ended(self) -> bool:
        """See `Source`."""
        return self._next is None and not self._waiting and not self._played and not len(self._rest)

    def start(self, now: float) -> None:
        """See `Source`."""
        self._fill()
        self._stream = self._module.OutputStream(
            samplerate=RATE, channels=1, dtype="float32", blocksize=512, latency="high", callback=self._play
        )
        self._stream.start()

    def available(self, now: float) -> list[Block]:
        """See `Source`."""
        self._fill()
        result = []
        while self._played and self._played[0].at <= now:
            result.append(self._played.popleft())
        return result

    def close(self) -> None:
        """See `Source`."""
        super().close()
        if self._stream is not None:
            self._stream.abort(ignore_errors=True)
            self._stream.close(ignore_errors=True)

    def _fill(self) -> None:
        while self._next is not None and sum(map(len, self._waiting)) < _AHEAD * RATE:
            self._waiting.append(self._next)
            self._next = next(self._blocks, None)

    def _play(self, out: np.ndarray, frames: int, times: Any, status: Any) -> None:
        """Called by PortAudio's thread: nothing here may wait."""
        parts = [self._rest]
        have = len(self._rest)
        while have < frames and self._waiting:
            parts.append(self._waiting.popleft())
            have += len(parts[-1])
        samples = np.concatenate(parts)
        heard, self._rest = samples[:frames], samples[frames:]
        out[:, 0] = 0.0
        out[: len(heard), 0] = heard
        ahead = times.outputBufferDacTime - times.currentTime
        if len(heard):
            self._played.append(Block(heard.copy(), time.monotonic() + (ahead if 0.0 <= ahead < 2.0 else 0.0)))
