"""The dance and its sound into files, at the end of a live session; meanwhile on disk, so that memory does not grow."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole import _io
from farandole.errors import OutputError
from farandole.motion.motion import Motion

if TYPE_CHECKING:
    from farandole.live.live import LiveFrame
    from farandole.motion.rotations import Array
    from farandole.motion.skeleton import Skeleton

PAGE, VIDEO = ".html", ".mp4"


class Recorder:
    """Records frames.

    Args:
        paths: Files to write at the end: whatever `save_motion` writes, and pages and videos, which carry the sound.
        skeleton: The body.
        fps: Frames per second.
        song: Sound file that plays with pages and videos; None: what `sound` was given.
        force: Replace files that exist.

    Raises:
        OutputError: If a file exists and not `force`, or has an unknown ending.
    """

    def __init__(
        self, paths: Sequence[Path], skeleton: Skeleton, fps: float, *, song: Path | None = None, force: bool = False
    ) -> None:
        from farandole.motion.files import WRITABLE

        for path in paths:
            _io.check_output(path, force=force)
            endings = (*WRITABLE, PAGE, VIDEO)
            if not str(path).lower().endswith(endings):
                raise OutputError(f"{path}: no file that a dance can be recorded to ({', '.join(endings)})")
        self.paths, self._force, self._song = list(paths), force, song
        self._skeleton, self._fps = skeleton, fps
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._frames, self._begun = 0, 0.0
        self._last = np.zeros(0)
        self._sound: _SoundFile | None = None

    @property
    def wants_sound(self) -> bool:
        """Whether pages or videos are to be written for which no sound file is there."""
        return self._song is None and any(p.suffix.lower() in (PAGE, VIDEO) for p in self.paths)

    def sound(self, samples: Array, sample_rate: int) -> None:
        """Sound that goes with the frames, float [n] or [n, channels]."""
        if self.wants_sound:
            self._sound = self._sound or _SoundFile(sample_rate)
            self._sound.write(samples)

    def send(self, frame: LiveFrame) -> None:
        """Record a frame, and those that were dropped before it, lest the dance runs away from its sound."""
        row = np.concatenate((frame.root, frame.rotations.ravel()))
        if not self._frames:
            self._begun = frame.time
        missing = round((frame.time - self._begun) * self._fps) - self._frames
        if missing > 0:
            turns, before = row[3:].reshape(-1, 4), self._last[3:].reshape(-1, 4)
            near = np.where((turns * before).sum(-1, keepdims=True) < 0, -turns, turns)
            there = np.concatenate((row[:3], near.ravel()))
            for share in np.arange(1, missing + 1) / (missing + 1):  # quaternions are normalised when they are read
                self._write_row(self._last + share * (there - self._last))
        self._write_row(row)
        self._last = row

    def _write_row(self, row: Array) -> None:
        self._file.write(row.astype("<f4").tobytes())
        self._frames += 1

    def motion(self) -> Motion:
        """What was recorded so far.

        Raises:
            OutputError: If nothing was.
        """
        if self._frames < 2:
            raise OutputError(f"{self.paths[0] if self.paths else 'take'}: nothing was danced, so nothing is written")
        self._file.seek(0)
        joints = len(self._skeleton)
        rows = np.frombuffer(self._file.read(), "<f4").reshape(self._frames, 3 + 4 * joints).astype(float)
        self._file.seek(0, 2)
        turns = rows[:, 3:].reshape(-1, joints, 4)
        turns = turns / np.linalg.norm(turns, axis=-1, keepdims=True)
        name = self.paths[0].stem if self.paths else "live"
        return Motion(self._skeleton, turns, rows[:, :3], self._fps, name=name)

    def close(self) -> None:
        """Write the files."""
        try:
            if self.paths:
                self._write(self.motion())
        finally:
            self._file.close()
            if self._sound is not None:
                self._sound.close()

    def _write(self, motion: Motion) -> None:
        from farandole.motion.files import save_motion

        song = None
        if any(p.suffix.lower() in (PAGE, VIDEO) for p in self.paths):
            song = self._load_song()
        for path in self.paths:
            if path.suffix.lower() == PAGE:
                from farandole.view.page import write_page

                write_page([motion], path, song=song, title=path.stem, force=self._force)
            elif path.suffix.lower() == VIDEO:
                from farandole.view.video import write_video

                write_video([motion], path, song=song, force=self._force)
            else:
                save_motion(motion, path, force=self._force)

    def _load_song(self):
        from farandole.errors import AudioError
        from farandole.music import load_song

        source = self._song or (self._sound.finish() if self._sound else None)
        if source is None:
            return None
        try:
            return load_song(source)
        except AudioError:  # less than a second of sound
            return None


class _SoundFile:
    """A temporary wav file that grows."""

    def __init__(self, sample_rate: int) -> None:
        import soundfile

        self._folder = tempfile.TemporaryDirectory(prefix="farandole-")
        self._path = Path(self._folder.name) / "live.wav"
        self._file = soundfile.SoundFile(self._path, "w", sample_rate, 1, "PCM_16")

    def write(self, samples: Array) -> None:
        """Append float [n] or [n, channels], as mono."""
        self._file.write(samples.mean(axis=1) if samples.ndim == 2 else samples)

    def finish(self) -> Path:
        """Close the file; its path."""
        self._file.close()
        return self._path

    def close(self) -> None:
        """Remove the file."""
        self._file.close()
        self._folder.cleanup()
