"""The music features of published dance models, computed with librosa as their authors did.

`aistpp35`: AI Choreographer (Li et al., 2021, arXiv:2101.08779) and the models after it. `transflower` and its groups:
Transflower (Valle-Pérez et al., 2021, arXiv:2106.13871). One thing differs on purpose: row t always is the instant t / fps;
the original lost one frame in some groups and not in others.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from types import ModuleType

import numpy as np

from farandole.errors import AudioError, MissingExtraError
from farandole.music.conditioning import conditions, frame_times
from farandole.music.features.registry import register, unavailable
from farandole.music.song import Song

AISTPP_HOP = 512
"""Samples per frame of `aistpp35`; the sample rate is this times the frame rate: 30720 Hz at 60 fps."""
TRANSFLOWER_RATE = 96000
"""Sample rate of Transflower's features, Hz."""
TRANSFLOWER_MELS = 80
_BEAT_WIDTH = 0.05  # s: how far beat activations reach about a beat


def _aistpp_rate(fps: float) -> int:
    return round(AISTPP_HOP * fps)


def _transflower_rates(fps: float) -> set[int]:
    return {TRANSFLOWER_RATE}


@register(
    "aistpp35",
    (
        "envelope",
        *(f"mfcc_{k}" for k in range(20)),
        *(f"chroma_{k}" for k in range(12)),
        "peak",
        "beat",
    ),
    rates=lambda fps: {_aistpp_rate(fps)},
)
def _aistpp35(song: Song, fps: float) -> np.ndarray:
    """Onset strength, 20 MFCCs, 12 chroma (CENS), onset peaks and beats as 0 or 1."""
    librosa = _librosa("aistpp35")
    rate = _aistpp_rate(fps)
    sound = song.samples_at(rate)
    if rate < 2 * librosa.note_to_hz("C8"):  # CENS looks at seven octaves above C1
        raise AudioError(f"aistpp35 at {fps:g} fps: its chroma needs at least 17 frames per second")
    grid = {"sr": rate, "hop_length": AISTPP_HOP}
    envelope = librosa.onset.onset_strength(y=sound, **grid)
    mfcc = librosa.feature.mfcc(y=sound, n_mfcc=20, **grid)
    chroma = librosa.feature.chroma_cens(y=sound, n_chroma=12, **grid)
    peaks = librosa.onset.onset_detect(onset_envelope=envelope, **grid)
    _, beats = librosa.beat.beat_track(
        onset_envelope=envelope, start_bpm=tempo_in_name(song.name) or 120.0, tightness=100, **grid
    )
    times = frame_times(song.seconds, fps)
    continuous = _at(np.concatenate((envelope[None], mfcc, chroma)).T, rate / AISTPP_HOP, times)
    marks = [_one_hot(frames * AISTPP_HOP / rate, times, fps) for frames in (peaks, beats)]
    return np.concatenate((continuous, np.stack(marks, axis=1)), axis=1)


@register("transflower_mel", tuple(f"mel_{k}" for k in range(TRANSFLOWER_MELS)), rates=_transflower_rates)
def _mel(song: Song, fps: float) -> np.ndarray:
    """80 mel bands up to 48 kHz in dB against the loudest, -80..0; each frame sees 2048 samples of 96 kHz."""
    return _mel_bands(song, fps, TRANSFLOWER_MELS)


def _mel_bands(song: Song, fps: float, count: int) -> np.ndarray:
    librosa = _librosa("transflower_mel")
    hop, times = round(TRANSFLOWER_RATE / fps), frame_times(song.seconds, fps)
    power = librosa.feature.melspectrogram(
        y=song.samples_at(TRANSFLOWER_RATE), sr=TRANSFLOWER_RATE, hop_length=hop, n_mels=count
    )
    return _at(librosa.power_to_db(power, ref=np.max).T, TRANSFLOWER_RATE / hop, times)


@register("transflower_envelope", ("envelope",), rates=_transflower_rates)
def _envelope(song: Song, fps: float) -> np.ndarray:
    """Onset strength over 100 mel bands, built as for 22050 Hz as in the original."""
    librosa = _librosa("transflower_envelope")
    hop, times = round(TRANSFLOWER_RATE / fps), frame_times(song.seconds, fps)
    strength = librosa.onset.onset_strength(y=song.samples_at(TRANSFLOWER_RATE), hop_length=hop, n_mels=100)
    return _at(strength[:, None], TRANSFLOWER_RATE / hop, times)


@register(
    "transflower_chroma",
    (*(f"percussive_{k}" for k in range(12)), *(f"harmonic_{k}" for k in range(12))),
    rates=_transflower_rates,
)
def _chroma(song: Song, fps: float) -> np.ndarray:
    """12 mel bands below 65.4 Hz of the percussive part, 12 chroma of the harmonic part."""
    librosa = _librosa("transflower_chroma")
    hop, times = max(32, int(TRANSFLOWER_RATE / fps) // 32 * 32), frame_times(song.seconds, fps)
    harmonic, percussive = librosa.effects.hpss(song.samples_at(TRANSFLOWER_RATE))
    grid = {"sr": TRANSFLOWER_RATE, "hop_length": hop}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of the published low bands are narrower than a bin and stay empty
        low = librosa.feature.melspectrogram(y=percussive, n_mels=12, fmax=65.4, **grid)
    high = librosa.feature.chroma_cqt(y=harmonic, **grid)
    length = min(low.shape[1], high.shape[1])
    return _at(np.concatenate((low[:, :length], high[:, :length])).T, TRANSFLOWER_RATE / hop, times)


@register("transflower_beats", ("beat", "downbeat"))
def _beats(song: Song, fps: float) -> np.ndarray:
    """Beat and downbeat activations 0..1 from our own tracker, in place of the original's network."""
    times = frame_times(song.seconds, fps)
    width = max(_BEAT_WIDTH, 0.5 / fps)
    return np.stack(
        [_bumps(times, song.beats.times, width), _bumps(times, song.beats.times[song.beats.downbeats], width)], axis=1
    )


@register("transflower_onsets", ("onset_low", "onset_high"))
def _onsets(song: Song, fps: float) -> np.ndarray:
    """Onset strength below and above 700 Hz, 0..3, in place of the original's two components of a game network."""
    bands = conditions(song, fps).bands
    return np.stack((bands[:, :2].max(axis=1), bands[:, 2:].max(axis=1)), axis=1)


_GROUPS = (_mel, _envelope, _beats, _onsets)


@register(
    "transflower",
    (*(f"mel_{k}" for k in range(TRANSFLOWER_MELS)), "envelope", "beat", "downbeat", "onset_low", "onset_high"),
    rates=_transflower_rates,
)
def _transflower(song: Song, fps: float) -> np.ndarray:
    """The 85 columns in Transflower's order, with open stand-ins for the last four."""
    return np.concatenate([group(song, fps) for group in _GROUPS], axis=1)


def _older(count: int) -> Callable[[Song, float], np.ndarray]:
    """Mel bands, envelope and onsets, as Transflower's older sets had them, with our onsets for a game network's two columns."""
    return lambda song, fps: np.concatenate(
        (_mel_bands(song, fps, count), _envelope(song, fps), _onsets(song, fps)), axis=1
    )


for _name, _count in (("transflower23", 20), ("transflower103", 100)):  # at 20 and at 60 frames per second
    _columns = (*(f"mel_{k}" for k in range(_count)), "envelope", "onset_low", "onset_high")
    register(_name, _columns, rates=_transflower_rates)(_older(_count))

unavailable(
    "transflower_madmombeats",
    "its network's weights (madmom) may not be used commercially and are not shipped: use transflower_beats, beat and downbeat "
    "activations from farandole's own tracker",
)
unavailable(
    "transflower_ddcpca",
    "its network (trained on a game's levels) has no licence and is not shipped: use transflower_onsets, onset strength in two "
    "bands",
)
unavailable("transflower_spectralflux", "it comes from madmom, which is not shipped: use onsets or bands")

_GENRES = "BR|PO|LO|MH|LH|HO|WA|KR|JS|JB"
_MUSIC = re.compile(rf"(?:^|_)m({_GENRES})([0-5])(?:_|$)")


def tempo_in_name(name: str) -> float | None:
    """Tempo that the name of an AIST piece tells (mBR0 ... mJB5), beats per minute; None for other names."""
    found = _MUSIC.search(name)
    if not found:
        return None
    digit = int(found[2])
    return 110.0 + 5 * digit if found[1] == "HO" else 80.0 + 10 * digit


def _librosa(purpose: str) -> ModuleType:
    try:
        import librosa
    except ImportError as error:
        raise MissingExtraError(f"the music feature {purpose}", "train") from error
    return librosa


def _at(values: np.ndarray, source_fps: float, times: np.ndarray) -> np.ndarray:
    """Rows k / source_fps s of values [S, D] at other times [T], linear between, the last one held."""
    place = times * source_fps
    nearest = np.round(place).astype(int)
    if np.abs(place - nearest).max() < 1e-6:
        return values[np.minimum(nearest, len(values) - 1)]
    grid = np.arange(len(values))
    return np.stack([np.interp(place, grid, column) for column in values.T], axis=1)


def _one_hot(events: np.ndarray, times: np.ndarray, fps: float) -> np.ndarray:
    """1 on the frame nearest to each event (s), 0 elsewhere, [T]."""
    marks = np.zeros(len(times))
    nearest = np.round(np.asarray(events) * fps).astype(int)
    marks[nearest[(nearest >= 0) & (nearest < len(times))]] = 1.0
    return marks


def _bumps(times: np.ndarray, events: np.ndarray, width: float) -> np.ndarray:
    """Gaussians of height 1 about the nearest event, [T]."""
    if not len(events):
        return np.zeros(len(times))
    after = np.clip(np.searchsorted(events, times), 1, max(len(events) - 1, 1))
    near = np.minimum(np.abs(times - events[after - 1]), np.abs(times - events[np.minimum(after, len(events) - 1)]))
    return np.exp(-0.5 * (near / width) ** 2)
