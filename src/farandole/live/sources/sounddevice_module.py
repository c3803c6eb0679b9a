"""The module sounddevice, or a line that says what is missing."""

from __future__ import annotations

from typing import Any

from farandole.errors import AudioError, MissingExtraError


def sounddevice() -> Any:
    """The module.

    Raises:
        MissingExtraError: If it is not installed.
        AudioError: If it is, but PortAudio is not.
    """
    try:
        import sounddevice as module
    except ImportError:
        raise MissingExtraError("hearing a sound device", "live") from None
    except OSError as error:  # PortAudio comes with the package on Windows and macOS only
        raise AudioError(f"sound devices need PortAudio ({error}): install libportaudio2, or use a file or -") from None
    return module
