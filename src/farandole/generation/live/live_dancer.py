"""A dancer that goes on and on: asked for a pose whenever a frame is due, it plans ahead between the frames."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np

from farandole.generation.latent_flow.dance_score import LIMIT, DanceScore, wished_dynamics
from farandole.generation.latent_flow.styles import AUTO, check_style, style_tokens, weights_of
from farandole.generation.live.accents import AccentMemory
from farandole.generation.live.controls import LiveControls
from farandole.generation.live.dance_count import DanceCount
from farandole.generation.live.joined_feet import BLEND
from farandole.generation.live.planner import SLICES, Outlook, Planner
from farandole.generation.live.standing import Stand
from farandole.generation.live.track import PAST, Track
from farandole.motion import rotations as rot
from farandole.motion.rotations import Array
from farandole.music.dynamics import COUNTS, planned_dynamics

if TYPE_CHECKING:
    from farandole.generation.latent_flow.dancer import LatentDancer
    from farandole.music.live import LiveState

_SLOWEST, _FASTEST = 0.8, 1.25  # playing speed at which a plan may be danced
_GAIN = 0.12  # share of an error of the count that is made up per frame
_OFF = 0.12  # counts by which a plan may miss the music before it is made anew
_TEMPO_OFF = 0.08  # the same for the tempo, as a share
_ENERGY_OFF = 0.7
_PAUSE = 8  # frames danced of a plan at least, however restless the music: plans cost more than all else
_AHEAD = 20  # frames that must be planned beyond the next join
_SLICES_AT_ONCE = 8  # in a frame that is as long as several of the model's, be it late or at 10 fps
_HURRY = (
    2  # slices in the time of one where somebody waits for the plan: when music begins, when another dance is asked for
)
_STANDING = 48  # frames of standing made at a time
_BEND = 14  # frames in which a new plan comes from the old count to the new one
_UNSURE = 0.25


@dataclass(frozen=True, eq=False)
class LivePose:
    """A frame of the dance.

    Attributes:
        rotations: Local quaternions of the house skeleton, w x y z, [J, 4].
        root: Position of the hips, [3] m.
        count: Count that is danced.
        standing: Whether the dancer waits for music.
    """

    rotations: Array
    root: Array
    count: float
    standing: bool


@dataclass(frozen=True)
class _CountLine:
    """An even count over frames: `count` at `place`, valid until another frame."""

    place: float
    count: float
    slope: float
    until: float

    def at(self, place: float) -> float:
        """Count at a frame number."""
        return self.count + (place - self.place) * self.slope


class LiveDancer:
    """Dances to what ears hear, one pose at a time.

    The dance exists in frames of the model and is played at a speed that keeps it on the beat. A plan reaches 2.7 s ahead; it is
    made anew in time, and at once when the music turns out otherwise than it was expected: another tempo, another beat, another
    style, energy or seed. A plan takes several calls of `pose`, each with a slice of the work.

    Args:
        dancer: The model.
        controls: How to dance at first.

    Raises:
        MotionError: If there is no such style.
    """

    def __init__(self, dancer: LatentDancer, controls: LiveControls | None = None) -> None:
        self.dancer, self.planner = dancer, Planner(dancer)
        self.fps = dancer.fps
        self.controls = controls or LiveControls()
        check_style(dancer.facts, self.controls.style)
        self._counts, self._accents = DanceCount(dancer.facts), AccentMemory()
        self._style_tokens = lru_cache(8)(partial(style_tokens, dancer.facts))
        self._stand: Stand | None = self._stand_at(np.zeros(2), 0.0)
        self._track = self._stand.frames(0, np.zeros(PAST + _STANDING))
        self._place, self._speed = float(PAST), 1.0
        self._work: Generator[None, None, Track] | None = None
        self._begin, self._pace = 0, 1  # of the plan in work: its first frame, and slices per frame of the model
        self._taken = 0.0  # where the dance was when the last plan was ready
        self._line = _CountLine(self._place, 0.0, 1.0, self._place)
        self._outlook: tuple[LiveControls, str, float, float] | None = None
        self._bands = np.zeros((2 * PAST, 4))
        self._energies: dict[int, float] = {}  # that phrases were chosen by, by number

    def warm_up(self) -> None:
        """Open the networks and let them run once, so that the first frames do not wait."""
        track = self._stand.frames(0, np.zeros(PAST + _STANDING)) if self._stand is not None else self._track
        frames = self.planner.window
        score = DanceScore(
            self._token(), np.arange(frames) / 15.0, np.full(frames, 120.0), np.zeros(frames), np.zeros((frames, 4))
        )
        begin = track.first + self.planner.context
        for _ in self.planner.plan(track, Outlook(begin, score, 0, 1.0)):
            pass

    def change(self, controls: LiveControls) -> None:
        """Dance otherwise from now on. Raises MotionError if there is no such style; nothing changes then."""
        check_style(self.dancer.facts, controls.style)
        self.controls = controls

    def pose(self, state: LiveState, elapsed: float, bands: Array | None = None) -> LivePose:
        """The pose of this moment.

        Args:
            state: What is heard.
            elapsed: Since the last call, s.
            bands: Strongest onsets in four bands since then, [4]; by default those of `state`.
        """
        self._counts.take(state, self._family())
        onsets = np.asarray(state.bands if bands is None else bands, float)
        self._accents.take(self._counts.count, onsets)
        self._play(elapsed, state)
        self._bands[int(self._place) % len(self._bands)] = onsets
        self._prepare(state, elapsed)
        rotations, root = self._track.at(self._place)
        return LivePose(rotations, root, self._track.count_at(self._place), self._stand is not None)

    def _family(self) -> str | None:
        style = self.controls.style
        if style == AUTO:
            return None
        leading = next(iter(self._style_tokens(style, 0, self._counts.family)))
        return self.dancer.facts.styles[leading].family

    def _play(self, elapsed: float, state: LiveState) -> None:
        """Move on along the track, at the speed that brings its count to the music's."""
        nominal = min(elapsed, 0.5) * self.fps
        if self._stand is None and nominal > 0:
            slope = self._line.slope if self._place < self._line.until else max(self._track.slope(self._place), 1e-3)
            expected = self._counts.tempo(state) / 60.0 / self.fps / slope
            off = self._off(self._place + self._speed * nominal)
            speed = min(max(expected + _GAIN * (off - round(off)) / slope, _SLOWEST), _FASTEST)
            self._speed += 0.35 * (speed - self._speed)
        else:
            self._speed = 1.0
        self._place += self._speed * nominal
        if self._work is not None and self._place + 1.0 >= self._begin:
            self._go_on(SLICES + 2)  # frames were late: there is no time left to share out
        self._place = min(self._place, self._track.end - 2.0)

    def _off(self, place: float) -> float:
        """Counts by which the music is ahead of what is danced at a place, or of what a new plan will dance."""
        line = self._line
        count = line.at(place) if place < line.until else self._track.count_at(place)
        return self._counts.count - count

    def _prepare(self, state: LiveState, elapsed: float) -> None:
        """A slice of the work on what comes next."""
        idle = state.idle or not self.controls.dancing
        if idle:
            self._come_to_rest()
        elif self._work is not None:
            self._go_on(min(max(round(elapsed * self.fps), 1) * self._pace, _SLICES_AT_ONCE))
        elif self._needed(state, elapsed):
            self._start(state, elapsed)
        keep = int(self._place) - PAST
        if keep - self._track.first >= 32:
            self._track = self._track.since(keep, self.dancer.facts.frames_per_token)

    def _come_to_rest(self) -> None:
        self._work = None
        per_token = self.dancer.facts.frames_per_token
        if self._stand is None:
            begin = -(-(int(self._place) + 2) // per_token) * per_token
            at = begin - self._track.first
            ahead = min(at + 12, len(self._track.roots) - 1)
            balls = self._track.balls[ahead].mean(axis=0)
            heading = float(rot.yaw(self._track.free[at, 0]))
            self._stand = self._stand_at(balls[[0, 2]], heading)
            count = self._counts.count + np.zeros(_STANDING)
            self._track = self._track.continued(self._stand.entered(self._track, begin, count))
        elif self._track.end - self._place < 24:
            count = self._counts.count + np.zeros(_STANDING)
            self._track = self._track.continued(self._stand.frames(self._track.end, count))

    def _stand_at(self, position: Array, heading: float) -> Stand:
        latent = self.dancer.facts.frames_per_token, self.dancer.latent_size
        return Stand(self.dancer.codec.skeleton, position, heading, self.fps, latent)

    def _needed(self, state: LiveState, elapsed: float) -> bool:
        if self._outlook is None or self._awaited():
            return True
        if self._track.end - self._place < self._played(SLICES, elapsed) + BLEND + _AHEAD:
            return True
        _, token, energy, tempo = self._outlook
        if token != self._token():
            return True
        if self._place < self._taken + _PAUSE:
            return False
        return (
            abs(self._off(self._place)) > _OFF
            or abs(self._counts.tempo(state) / tempo - 1.0) > _TEMPO_OFF
            or abs(self._energy(state) - energy) > _ENERGY_OFF
        )

    def _awaited(self) -> bool:
        """Whether somebody waits for the next plan."""
        return self._stand is not None or self._outlook is None or self._outlook[0] != self.controls

    def _played(self, slices: float, elapsed: float) -> float:
        """Frames that may be played while so many slices are done, one in the time of a frame of the model, and to spare."""
        return (slices + 2) * min(elapsed * self.fps, 1.0) * _FASTEST

    def _tokens(self) -> dict[str, float]:
        return self._style_tokens(self.controls.style, self.controls.seed, self._counts.family)

    def _token(self) -> str:
        return next(iter(self._tokens()))

    def _energy(self, state: LiveState) -> float:
        facts = self.dancer.facts
        calm = np.clip((state.sure - _UNSURE) / _UNSURE, 0.0, 1.0)
        loudness = facts.calm + calm * (state.energy - facts.calm)
        livelier = sum(weight * facts.styles[token].liveliness for token, weight in self._tokens().items())
        livelier += 1.5 * (self.controls.energy - 1.0)
        return float(np.clip(loudness + livelier, -LIMIT, LIMIT))

    def _start(self, state: LiveState, elapsed: float) -> None:
        """Begin to plan: what is heard goes on as it is."""
        per_token, planner = self.dancer.facts.frames_per_token, self.planner
        self._pace = _HURRY if self._awaited() else 1
        reach = self._played(SLICES / self._pace, elapsed)
        begin = -(-int(np.ceil(self._place + reach)) // per_token) * per_token
        begin = min(begin, (self._track.end - BLEND) // per_token * per_token)
        frames = begin - planner.context + np.arange(planner.window)
        tempo = self._counts.tempo(state)
        count = self._counts.count + (frames - self._place) * tempo / 60.0 / self.fps
        off = self._off_at(begin, count[planner.context])
        ahead = np.clip((frames - begin) / _BEND, 0.0, 1.0)
        count = count - off * (1.0 - ahead * ahead * (3.0 - 2.0 * ahead)) * (frames >= begin)
        past = frames < begin
        danced = np.clip(frames[past] - self._track.first, 0, len(self._track.count) - 1)
        if self._stand is None:
            count[past] = self._track.count[danced]
        energy = self._energy(state)
        bands = self._accents.at(count)
        heard = frames <= self._place
        bands[heard] = self._bands[frames[heard] % len(self._bands)]
        token = self._token()
        full = lambda value: np.full(len(frames), value)  # noqa: E731
        tokens = self._tokens()
        phrases = self.dancer.facts.styles[token].phrases
        dynamics = planned_dynamics(phrases, count, self._phrase_energies(count, state.energy), self.controls.seed)
        if dynamics is not None:
            dynamics = wished_dynamics(dynamics, state.sounding, self.controls.energy)
        mix = np.repeat(weights_of(self.dancer.facts, tokens)[None], len(frames), axis=0)
        score = DanceScore(token, count, full(tempo), full(energy), bands, dynamics, mix)
        self._begin, self._outlook = begin, (self.controls, token, energy, tempo)
        # Until the new plan has come to the new count, it is the new count that the speed follows.
        self._line = _CountLine(self._place, self._counts.count, tempo / 60.0 / self.fps, begin + _BEND)
        outlook = Outlook(begin, score, self.controls.seed, self.controls.temperature)
        self._work = planner.plan(self._track, outlook)

    def _phrase_energies(self, count: Array, energy: float) -> Array:
        """Energy of the music that each phrase of a count [T] is chosen by: what it was when first planned, lest another phrase
        takes its place in the middle; but music that turns much louder or softer is followed at once.
        """
        numbers = np.floor(count / COUNTS).astype(int)
        kept = {number: self._energies.get(number, energy) for number in np.unique(numbers).tolist()}
        self._energies = {n: e if abs(e - energy) <= _ENERGY_OFF else energy for n, e in kept.items()}
        return np.array([self._energies[number] for number in numbers.tolist()])

    def _off_at(self, begin: int, count: float) -> float:
        """What a new plan's count is ahead of the old one's at the join, but for whole counts."""
        if self._stand is not None:
            return 0.0
        off = count - float(self._track.count[begin - self._track.first])
        return off - round(off)

    def _go_on(self, slices: int) -> None:
        """Some slices of the plan in work, or what is left of it."""
        for _ in range(slices):
            if self._work is None:
                return
            try:
                next(self._work)
            except StopIteration as done:
                self._take(done.value)

    def _take(self, plan: Track) -> None:
        self._track, self._work = self._track.continued(plan), None
        self._stand, self._taken = None, self._place
