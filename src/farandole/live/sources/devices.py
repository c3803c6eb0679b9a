"""Sound devices: microphones, inputs, and what the computer plays itself."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from farandole.errors import AudioError
from farandole.live.sources.sounddevice_module import sounddevice
from farandole.live.sources.source import Block

_BLOCK_SECONDS = 0.01
_LOST = 1.5  # s without a block after which a device counts as lost
_RETRY = 2.0
_QUEUE = 600
_MONITORS = ("monitor", "loopback", "stereo mix", "blackhole", "soundflower", "vb-cable", "cable output", "what u hear")
"""Words in the names of inputs that carry what the computer plays (PulseAudio, PipeWire, Windows, macOS)."""


def device_table() -> str:
    """All devices that can be heard, one a line: number, name, channels, rate, and which ones carry the computer's own sound.

    Raises:
        MissingExtraError: If sounddevice is not installed.
        AudioError: If there is no device.
    """
    module = sounddevice()
    lines = []
    usual = _usual_input(module)
    for number, device in enumerate(module.query_devices()):
        if device["max_input_channels"] < 1:
            continue
        marks = [m for m, on in (("default", number == usual), ("loopback", is_monitor(device["name"]))) if on]
        note = f"  [{', '.join(marks)}]" if marks else ""
        rate = f"{device['default_samplerate']:.0f} Hz"
        lines.append(f"{number:3d}  {device['name']}  ({device['max_input_channels']} channels, {rate}){note}")
    if not lines:
        raise AudioError(f"no sound device can be heard here; {loopback_advice()}")
    return "\n".join(lines)


def is_monitor(name: str) -> bool:
    """Whether an input's name says that it carries what the computer plays."""
    return any(word in name.lower() for word in _MONITORS)


def loopback_advice(platform: str = sys.platform) -> str:
    """How to hear what the computer plays."""
    if platform == "darwin":
        return "macOS gives programs no system sound: install a virtual device (BlackHole), then --device BlackHole"
    if platform == "win32":
        return "switch on 'Stereo Mix' among the recording devices, or install a virtual cable, then --device NAME"
    return "PulseAudio and PipeWire offer monitors: pactl list short sources, then PULSE_SOURCE=NAME.monitor and --device pulse"


def find_device(module: Any, wanted: str | None, *, loopback: bool) -> int:
    """Number of an input.

    Args:
        module: sounddevice.
        wanted: Number, or part of a name in any case; None: the system's usual input, or a monitor.
        loopback: Whether what the computer plays is to be heard.

    Raises:
        AudioError: If there is none, or several fit.
    """
    devices = list(module.query_devices())
    inputs = [n for n, d in enumerate(devices) if d["max_input_channels"] > 0]
    if wanted is not None and wanted.strip().isdecimal():
        number = int(wanted)
        if number not in inputs:
            raise AudioError(f"device {number} cannot be heard: see farandole live --devices")
        return number
    if wanted is not None:
        fitting = [n for n in inputs if wanted.lower() in devices[n]["name"].lower()]
        exact = [n for n in fitting if devices[n]["name"].lower() == wanted.lower()]
        if not fitting:
            raise AudioError(f"no sound device called '{wanted}' can be heard: see farandole live --devices")
        return (exact or fitting)[0]
    if loopback:
        monitors = [n for n in inputs if is_monitor(devices[n]["name"])]
        if not monitors:
            raise AudioError(f"no device carries what the computer plays: {loopback_advice()}")
        return monitors[0]
    usual = _usual_input(module)
    if usual is None:
        raise AudioError("there is no microphone: see farandole live --devices, or give a file")
    return usual


def _usual_input(module: Any) -> int | None:
    number = module.default.device[0]
    if number is not None and number >= 0:
        return int(number)
    return next((n for n, d in enumerate(module.query_devices()) if d["max_input_channels"] > 0), None)


class DeviceSource:
    """Sound from a device. One that is lost is waited for, and taken up again when it is back.

    Args:
        device: Number or name; None: the usual one.
        loopback: Whether what the computer plays is to be heard.
        note: Says a line to a person.
        module: What opens streams; sounddevice by default.

    Raises:
        MissingExtraError: If sounddevice is not installed.
        AudioError: If there is no such device.
    """

    ended = False

    def __init__(
        self, device: str | None, *, loopback: bool = False, note: Callable[[str], None], module: Any = None
    ) -> None:
        self._module = sounddevice() if module is None else module
        self._wanted, self._loopback, self._note = device, loopback, note
        number = find_device(self._module, device, loopback=loopback)
        facts = self._module.query_devices(number)
        self.name, self.sample_rate = facts["name"], int(facts["default_samplerate"])
        self._channels = min(2, int(facts["max_input_channels"]))
        self._blocks: deque[Block] = deque(maxlen=_QUEUE)
        self._stream: Any = None
        self._heard_at = 0.0
        self._opening: threading.Thread | None = None
        self._lost = self._closed = False
        self._tried = 0.0

    def start(self, now: float) -> None:
        """See `Source`. Raises AudioError if the device cannot be opened."""
        try:
            self._open(find_device(self._module, self._wanted, loopback=self._loopback))
        except self._module.PortAudioError as error:
            raise AudioError(f"{self.name} cannot be heard: {error}") from None
        self._heard_at = now
        self._note(f"listening to {self.name}")

    def available(self, now: float) -> list[Block]:
        """See `Source`."""
        result = []
        while self._blocks:
            result.append(self._blocks.popleft())
        if result:
            if self._lost:
                self._lost = False
                self._note(f"{self.name} is back")
            self._heard_at = now
        elif now - self._heard_at > _LOST:
            self._recover(now)
        return result

    def close(self) -> None:
        """See `Source`."""
        self._closed = True
        self._shut()

    def _recover(self, now: float) -> None:
        """Try to open the device anew, in a thread: that may take long, and the dance goes on meanwhile."""
        if not self._lost:
            self._lost = True
            self._note(f"{self.name} is lost: waiting for it")
        if now - self._tried < _RETRY or (self._opening is not None and self._opening.is_alive()):
            return
        self._tried = now
        self._opening = threading.Thread(target=self._reopen, name="farandole-device", daemon=True)
        self._opening.start()

    def _reopen(self) -> None:
        self._shut()
        try:
            if hasattr(self._module, "_terminate"):  # PortAudio lists devices once, when it begins
                self._module._terminate()
                self._module._initialize()
            if not self._closed:
                self._open(find_device(self._module, self._wanted, loopback=self._loopback))
        except (AudioError, self._module.PortAudioError, OSError):
            pass  # still gone: tried again later

    def _open(self, number: int) -> None:
        self._stream = self._module.InputStream(
            device=number, samplerate=self.sample_rate, channels=self._channels, dtype="float32", latency="low",
            blocksize=round(_BLOCK_SECONDS * self.sample_rate), callback=self._take,
        )  # fmt: skip
        self._stream.start()

    def _take(self, samples: np.ndarray, frames: int, times: Any, status: Any) -> None:
        """Called by PortAudio's thread: nothing here may wait."""
        age = times.currentTime - times.inputBufferAdcTime
        if not 0.0 <= age < 1.0:  # some drivers do not tell
            age = frames / self.sample_rate
        self._blocks.append(Block(samples.copy(), time.monotonic() - age))

    def _shut(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            try:
                stream.abort(ignore_errors=True)
                stream.close(ignore_errors=True)
            except self._module.PortAudioError:
                pass
