"""Energy, colour and onsets of live sound, against what was heard before; the counterparts of `conditioning.Conditions`."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from farandole.music.onsets import EDGES

SILENT_DB = -62.0
"""Below this (dB of full scale) there is no music."""
QUIET_DB = -40.0
"""Nor this far below the loud level of the last half minute or so."""
_LOUD_FALL = 0.7  # dB a second by which the loud level is forgotten
_ENERGY_SECONDS = 1.5
_LONG_SECONDS = 45.0
_STRONG_FALL_SECONDS = 20.0
_LAG = 2
_SOUNDING_SECONDS = 0.4
_SOUNDING_DB = 10.0
"""So far above silence there is music."""


class Loudness:
    """Running measures, one step a frame.

    Attributes:
        energy: Loudness and density against the last minute, -2.5 to 2.5; -2 in silence.
        bands: Onset strength in bass, low mid, mid and high, [4] in 0..3; 1 is a strong one.
        brightness: Spectral centroid between 0 (100 Hz) and 1 (8 kHz), in octaves.
        bass: Share of the power below 180 Hz, 0 to 1.
        sounding: 0 in silence, 1 where there is music, however soft; see `conditioning.Conditions.sounding`.
        silent_seconds: How long there has been no music.
    """

    def __init__(self, fps: float, centres: np.ndarray) -> None:
        self._step = 1 / fps
        self._members = np.stack([(low <= centres) & (centres < high) for low, high in pairwise(EDGES)])
        self._octaves = np.log2(centres / 100.0) / np.log2(80.0)
        self._low = centres < EDGES[1]
        self._before = np.zeros((_LAG, len(self._members)))
        self._at = 0
        self._strong = np.full(len(self._members), 1e-4)
        self._loud_db, self._power, self._spectrum = -120.0, 0.0, np.zeros(len(centres))
        self._recent = 0.0  # power
        self._mean, self._variance, self._weight = 0.0, 16.0, 0.0
        self._density, self._usual_density = 0.0, 0.0
        self.energy, self.bands = -2.0, np.zeros(len(self._members))
        self.brightness = self.bass = 0.5
        self.sounding = 0.0
        self.silent_seconds = 0.0

    def step(self, mel: np.ndarray, power: float) -> None:
        """Take in a frame: mel powers [40] and mean square."""
        level = 10 * np.log10(power + 1e-12)
        self._loud_db = max(self._loud_db - _LOUD_FALL * self._step, level)
        quiet = level < SILENT_DB or level < self._loud_db + QUIET_DB
        self.silent_seconds = self.silent_seconds + self._step if quiet else 0.0
        self._onsets(mel)
        share = self._step / _ENERGY_SECONDS
        self._power += share * (power - self._power)
        self._recent += self._step / _SOUNDING_SECONDS * (power - self._recent)
        above = 10 * np.log10(self._recent + 1e-12) - max(self._loud_db + QUIET_DB, SILENT_DB)
        self.sounding = float(np.clip(above / _SOUNDING_DB, 0.0, 1.0))
        self._spectrum += share * (mel - self._spectrum)
        total = float(self._spectrum.sum()) + 1e-12
        self.brightness = float(np.clip(self._spectrum @ self._octaves / total, 0, 1))
        self.bass = float(self._spectrum[self._low].sum()) / total
        self._energy(quiet)

    def _onsets(self, mel: np.ndarray) -> None:
        amplitude = np.sqrt(self._members @ mel)
        rise = np.maximum(amplitude - self._before[self._at], 0)
        self._before[self._at] = amplitude
        self._at = (self._at + 1) % _LAG
        fall = np.exp(-self._step / _STRONG_FALL_SECONDS)
        self._strong = np.maximum(self._strong * fall, 0.8 * rise)
        self.bands = np.clip(rise / np.maximum(self._strong, 0.02 * self._strong.max()), 0, 3)
        self._density += self._step / _ENERGY_SECONDS * (float(self.bands.mean()) - self._density)

    def _energy(self, quiet: bool) -> None:
        if not quiet:
            self._usual_density += self._step / _LONG_SECONDS * (self._density - self._usual_density)
            level = 10 * np.log10(self._power + 1e-12)
            self._weight = min(self._weight + self._step, _LONG_SECONDS)
            share = self._step / max(self._weight, 2.0)
            self._mean += share * (level - self._mean) if self._weight > self._step else level
            self._variance += share * ((level - self._mean) ** 2 - self._variance)
            thick = np.clip(self._density / (self._usual_density + 1e-6), 0.1, 10)
            deviation = level - self._mean + 5 * np.log10(thick)
            value = float(np.clip(deviation / max(self._variance**0.5, 2.0), -2.5, 2.5))
        else:
            value = -2.0
        self.energy += min(1.0, 3 * self._step) * (value - self.energy)
