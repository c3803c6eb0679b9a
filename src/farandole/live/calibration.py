"""How long sound takes from a loudspeaker, through the air, to the samples of a microphone."""

from __future__ import annotations

import numpy as np

from farandole.errors import AudioError
from farandole.live.sources.devices import find_device
from farandole.live.sources.sounddevice_module import sounddevice
from farandole.motion.rotations import Array

CLICKS, GAP_SECONDS = 8, 0.5
_LONGEST = 0.45  # s; more would be the next click
_AGREE = 0.005
_CLICK_SECONDS = 0.012


def calibrate(device: str | None = None) -> float:
    """Play clicks and listen: seconds from when a click is played to when it is heard.

    Args:
        device: Number or name of the microphone; None: the usual one.

    Raises:
        MissingExtraError: If sounddevice is not installed.
        AudioError: If there is no device, or the clicks are not heard.
    """
    module = sounddevice()
    number = find_device(module, device, loopback=False)
    rate = int(module.query_devices(number)["default_samplerate"])
    played = click_track(rate)
    try:
        heard = module.playrec(played[:, None], rate, channels=1, device=(number, None), blocking=True)
    except (module.PortAudioError, ValueError) as error:
        raise AudioError(f"clicks cannot be played and heard: {error}") from None
    return delay_of(np.asarray(heard)[:, 0], played, rate)


def click_track(rate: int) -> Array:
    """Clicks, and silence for the last one's echo, float32 [n]."""
    t = np.arange(round(_CLICK_SECONDS * rate)) / rate
    click = np.sin(2 * np.pi * (1500 + 120_000 * t) * t) * np.hanning(len(t))
    track = np.zeros(round((CLICKS + 1) * GAP_SECONDS * rate), np.float32)
    for n in range(CLICKS):
        at = round((n + 0.2) * GAP_SECONDS * rate)
        track[at : at + len(click)] = 0.8 * click
    return track


def delay_of(heard: Array, played: Array, rate: int) -> float:
    """Seconds by which `heard` [n] comes after `played` [n].

    Raises:
        AudioError: If the clicks cannot be found in it, or do not agree.
    """
    from scipy.signal import fftconvolve

    begin = round(0.2 * GAP_SECONDS * rate)
    click = played[begin : begin + round(_CLICK_SECONDS * rate)].astype(float)
    match = np.abs(fftconvolve(heard.astype(float), click[::-1])[len(click) - 1 :])
    delays = []
    for n in range(CLICKS):
        at = round((n + 0.2) * GAP_SECONDS * rate)
        window = match[at : at + round(_LONGEST * rate)]
        if len(window) and window.max() > 6 * np.median(match) + 1e-9:
            delays.append(int(window.argmax()) / rate)
    middle = float(np.median(delays)) if delays else 0.0
    agreeing = [d for d in delays if abs(d - middle) < _AGREE]
    if len(agreeing) < CLICKS // 2:
        raise AudioError("the clicks were not heard clearly: turn the loudspeaker up, or bring the microphone nearer")
    return float(np.mean(agreeing))
