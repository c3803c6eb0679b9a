"""Sound devices, played by a module of our own: found by name, waited for when lost."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest

from farandole.errors import AudioError
from farandole.live.sources.devices import DeviceSource, find_device, is_monitor, loopback_advice


class PortAudioError(Exception):
    pass


class Devices:
    """Behaves like sounddevice."""

    PortAudioError = PortAudioError

    def __init__(self) -> None:
        self.default = SimpleNamespace(device=(1, 0))
        self.there = True
        self.streams: list[Stream] = []

    def query_devices(self, number: int | None = None):
        names = [("Speakers", 0), ("Microphone", 1), ("Line In", 2), ("Monitor of Built-in Audio", 2)]
        devices = [{"name": n, "max_input_channels": c, "default_samplerate": 48000.0} for n, c in names]
        if not self.there:
            devices = devices[:1]
        return devices if number is None else devices[number]

    def InputStream(self, **options) -> Stream:
        if not self.there:
            raise PortAudioError("gone")
        self.streams.append(Stream(**options))
        return self.streams[-1]


class Stream:
    def __init__(self, callback, blocksize: int, **options) -> None:
        self.callback, self.size, self.options = callback, blocksize, options

    def start(self) -> None:
        pass

    def abort(self, ignore_errors: bool = True) -> None:
        pass

    close = abort

    def play(self) -> None:
        times = SimpleNamespace(currentTime=5.0, inputBufferAdcTime=4.98)
        self.callback(np.ones((self.size, 1), np.float32), self.size, times, None)


def test_devices_are_found_by_number_name_and_kind() -> None:
    module = Devices()
    assert find_device(module, None, loopback=False) == 1
    assert find_device(module, "2", loopback=False) == 2
    assert find_device(module, "line", loopback=False) == 2
    assert find_device(module, None, loopback=True) == 3
    for wanted in ("0", "9", "Nothing"):
        with pytest.raises(AudioError, match="--devices"):
            find_device(module, wanted, loopback=False)


def test_systems_without_a_monitor_are_told_what_to_do() -> None:
    module = Devices()
    module.query_devices = lambda number=None: [  # type: ignore[method-assign]
        {"name": "Microphone", "max_input_channels": 1, "default_samplerate": 44100.0}
    ]
    with pytest.raises(AudioError, match="no device carries"):
        find_device(module, None, loopback=True)
    assert "BlackHole" in loopback_advice("darwin")
    assert "Stereo Mix" in loopback_advice("win32")
    assert "monitor" in loopback_advice("linux")
    assert is_monitor("BlackHole 2ch")
    assert not is_monitor("Microphone")


def test_blocks_have_the_time_at_which_they_sounded() -> None:
    module, said = Devices(), []
    source = DeviceSource(None, note=said.append, module=module)
    source.start(0.0)
    before = time.monotonic()
    module.streams[0].play()
    (block,) = source.available(time.monotonic())
    assert block.at == pytest.approx(before - 0.02, abs=0.02)
    assert len(block.samples) == 480
    source.close()


def test_a_lost_device_is_waited_for() -> None:
    module, said = Devices(), []
    source = DeviceSource(None, note=said.append, module=module)
    source.start(0.0)
    module.there = False
    assert source.available(1.0) == []
    assert source.available(5.0) == []
    assert source.available(9.0) == []
    assert len([s for s in said if "lost" in s]) == 1
    module.there = True
    end = time.monotonic() + 10
    now = 12.0
    while len(module.streams) < 2 and time.monotonic() < end:
        source.available(now)
        now += 3.0
        time.sleep(0.01)
    module.streams[-1].play()
    assert source.available(now)
    assert said[-1].endswith("is back")
    source.close()
