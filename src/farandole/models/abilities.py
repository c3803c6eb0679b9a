"""What a model can use and make, and how it completes a partial motion: plain values, kept with its weights. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from farandole.errors import CheckpointError
from farandole.music.dynamics import STEPS as PHRASE_STEPS

STRICT: dict[str, Any] = {"extra": "forbid", "strict": True, "allow_inf_nan": False}
"""How pydantic reads these classes: a key that they do not have is an error, and so is a text or infinity for a number."""

MOST_FRAMES = 100_000
"""Frames, columns or latents of a window at most: more is no model but damage, and would take all memory."""
MOST_STEPS = 1000
"""Steps from noise to data at most."""
FASTEST = 1000.0
"""Counts per minute at most."""
WIDEST_SMOOTHING = 1.0
"""Seconds of smoothing at most."""
LONGEST_REACH = 60.0
"""Seconds within which a curve may give up a speed."""


@dataclass(frozen=True)
class Abilities:
    """What a model can use and make."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    nothing: bool = False
    """Begins without a known frame."""
    past: bool = False
    """Goes on from known frames."""
    future: bool = False
    """Meets known frames after a gap."""
    joints: bool = False
    """Completes some joints of frames whose other joints are known."""
    music: bool = False
    """Listens to music."""
    labels: bool = False
    """Takes a style by name."""
    random: bool = False
    """Draws at random: another seed, another motion."""
    longest_gap: int | None = None
    """Unknown frames between known ones at most, at the model's frame rate; None: any number."""

    def __post_init__(self) -> None:
        if self.longest_gap is not None and self.longest_gap < 1:
            raise CheckpointError(f"longest_gap must be positive, got {self.longest_gap}")


@dataclass(frozen=True)
class InputWindow:
    """A window of one modality that a model reads or predicts."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    name: str
    """Modality."""
    dim: int
    """Columns."""
    frames: int
    """Length."""
    offset: int = 0
    """First frame, counted from the start of the model's window."""
    tokens: int = 0
    """Number of classes of a label; 0 for numbers."""
    fixed: bool = False
    """Whether it stays where it is while the model's window moves on."""

    def __post_init__(self) -> None:
        if min(self.dim, self.frames) < 1 or min(self.tokens, self.offset) < 0:
            raise CheckpointError(f"{self.name}: dim and frames must be positive, tokens and offset not negative")
        if max(self.dim, self.frames, self.offset, self.tokens) > MOST_FRAMES:
            raise CheckpointError(f"{self.name}: dim, frames, offset and tokens must not be above {MOST_FRAMES}")


@dataclass(frozen=True)
class Autoregressive:
    """From the left, a few frames at a time: windows of the past and of the music in, the next frames out."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    inputs: tuple[InputWindow, ...]
    """Windows that a step reads."""
    target: InputWindow
    """The window that a step predicts."""
    latent_channels: int = 0
    """Random numbers per predicted frame; 0 for a deterministic model."""
    degrees: float | None = None
    """Degrees of freedom of their Student distribution; None: Gaussian."""
    keep: int = 1
    """Frames kept of each prediction; 1 is the published loop."""
    temperature: float = 1.0
    """Factor on the random numbers where the user asks for 1."""
    truncate: float | None = None
    """Deviations beyond which random numbers are drawn again, so that no latent is rarer than those of training; None: never."""
    drift: float = 0.0
    """Share of the variance of the random numbers that changes slowly, within seconds. Small models forget within a second how
    they danced; with a few hundredths a dance has passages that differ."""
    margin: float | None = None
    """Share of the range of the training data by which generated features may leave it, column by column; None: free, as
    published. What runs free goes on from its own frames, and far from the data it knows nothing."""
    smooth: float = 0.0
    """Deviation of the Gaussian over time by which features are smoothed at the end, s: takes the jitter of small models off,
    which draw each frame's noise anew. What the model goes on from is not smoothed."""
    feet: bool = False
    """Whether made motions of people are put on their feet at the end (`motion.free_feet`), where the user does not say."""
    also: tuple[InputWindow, ...] = ()
    """Windows of other modalities that a step predicts beside the target."""
    kind: Literal["autoregressive"] = "autoregressive"

    def __post_init__(self) -> None:
        if not 1 <= self.keep <= self.target.frames:
            raise CheckpointError(f"keep must be from 1 to {self.target.frames}, got {self.keep}")
        if not 0 <= self.latent_channels <= MOST_FRAMES or (self.degrees is not None and self.degrees <= 0):
            raise CheckpointError(f"latent_channels must be from 0 to {MOST_FRAMES}, degrees must be positive")
        if self.truncate is not None and self.truncate <= 0:
            raise CheckpointError(f"truncate must be positive, got {self.truncate:g}")
        if not 0 <= self.drift < 1:
            raise CheckpointError(f"drift must be from 0 to below 1, got {self.drift:g}")
        if not 0 <= self.smooth <= WIDEST_SMOOTHING:
            raise CheckpointError(f"smooth must be from 0 to {WIDEST_SMOOTHING:g} s, got {self.smooth:g}")
        if self.margin is not None and self.margin < 0:
            raise CheckpointError(f"margin must not be negative, got {self.margin:g}")

    @property
    def past(self) -> InputWindow | None:
        """The window of motion made before, if the model looks at it."""
        return next((w for w in self.inputs if w.name == self.target.name), None)


@dataclass(frozen=True)
class DanceStyle:
    """A style token of a dancer, and what makes its dances as lively and as varied as people's."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    family: str
    """Name under which several tokens are one style for a user, who may leave the token open."""
    tempo: tuple[float, float]
    """Counts per minute at which it was trained: songs are counted at double or half their tempo to get there."""
    steady_tempo: float
    """Counts per minute without a song."""
    liveliness: float = 0.0
    """Energy added so that dances at energy 1 move as fast as held-out takes on average, standard deviations."""
    spread: float = 1.0
    """Deviation of the noise at temperature 1. Above 1 where samples keep closer to the corpus than people's own takes do."""
    guidance: float | None = None
    """How closely its dances follow the dynamics of a phrase; None: as closely as the model's others."""
    locking: float = 0.0
    """How far from straight a standing leg is that its dancers would have locked: the model blurs that, m (`leg_lengths`)."""
    suits: tuple[float, float] | None = None
    """Music it suits best: beats per minute as heard, and punch (`music.onsets`). None: it is danced only when asked for."""
    even: bool = False
    """Whether it is danced to bars of an even number of beats only."""
    phrases: tuple[tuple[float, ...], ...] = ()
    """Dynamics of phrases that were danced in this style: speed of the body at 32 places of eight counts, 1 is its mean."""

    def __post_init__(self) -> None:
        if not 0 < self.tempo[0] < self.tempo[1] <= FASTEST or not 0 < self.steady_tempo <= FASTEST:
            raise CheckpointError(f"style of the family {self.family}: tempi must grow, from above 0 to {FASTEST:g}")
        if self.suits is not None and min(self.suits) <= 0:
            raise CheckpointError(f"style of the family {self.family}: the music it suits needs positive numbers")
        if any(len(phrase) != PHRASE_STEPS for phrase in self.phrases):
            raise CheckpointError(f"style of the family {self.family}: a phrase has {PHRASE_STEPS} numbers")
        if self.guidance is not None and self.guidance < 0:
            raise CheckpointError(
                f"style of the family {self.family}: guidance must not be negative, got {self.guidance:g}"
            )
        if not 0 <= self.locking <= 0.1:
            raise CheckpointError(
                f"style of the family {self.family}: locking must be from 0 to 0.1 m, got {self.locking:g}"
            )
        if self.spread < 0:
            raise CheckpointError(
                f"style of the family {self.family}: spread must not be negative, got {self.spread:g}"
            )


@dataclass(frozen=True)
class LatentFlow:
    """Window after window of latents from noise, in several steps of a flow; decoded to motion."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    styles: dict[str, DanceStyle]
    """By style token, in the model's order."""
    groups: tuple[str, ...]
    """Joint groups that can be pinned on their own."""
    tokens: int = 32
    """Latents per window."""
    frames_per_token: int = 4
    """Frames of motion and music per latent."""
    context: int = 12
    """Latents that a window takes over from the one before."""
    steps: int = 8
    """Steps from noise to data."""
    decode_margin: int = 8
    """Latents decoded on either side of a piece and thrown away, so that pieces join without a seam."""
    temperature: float = 1.0
    """Factor on the noise where the user asks for 1."""
    precision: float = 1.0
    """How strictly dancers step on the count, standard deviations above how people do."""
    guidance: float = 1.0
    """How much more closely than the model itself dances follow the dynamics of a phrase; above 1 at twice the work."""
    clear: float = 0.1
    """Clarity of the pulse under which a song is danced calmly on a steady count."""
    calm: float = -1.5
    """Energy of a dance to something without a beat."""
    kind: Literal["latent_flow"] = "latent_flow"

    def __post_init__(self) -> None:
        if not self.styles or not self.groups:
            raise CheckpointError("styles and groups must not be empty")
        if min(self.tokens, self.frames_per_token, self.steps) < 1 or not 0 < self.context < self.tokens:
            raise CheckpointError("tokens, frames_per_token and steps must be positive, context between 0 and tokens")
        if self.tokens * self.frames_per_token > MOST_FRAMES or self.steps > MOST_STEPS:
            raise CheckpointError(f"a window has at most {MOST_FRAMES} frames, and at most {MOST_STEPS} steps make it")
        if not 0 <= self.decode_margin <= MOST_FRAMES:
            raise CheckpointError(f"decode_margin must be from 0 to {MOST_FRAMES}, got {self.decode_margin}")


def later(shares: Any, shift: float) -> Any:
    """Shares of noise 0 to 1, even ones made later ones: shift n / (1 + (shift - 1) n)."""
    return shift * shares / (1 + (shift - 1) * shares)


@dataclass(frozen=True)
class Masked:
    """Hidden frames of a window all at once; a motion goes on block by block of hidden frames behind known ones."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    window: int
    """Frames of a window at most."""
    fixed_length: bool = False
    """Whether every window must have that length."""
    canonical: bool = True
    """Whether windows stand at the origin and look ahead at their first visible frame."""
    root: Literal["metres", "minmax"] = "metres"
    """Numbers of the root's position."""
    music: Literal["standard", "minmax"] = "standard"
    """Scaling of the music."""
    known: int = 120
    """Frames shown when a motion goes on."""
    block: int = 60
    """Hidden frames filled behind them."""
    keep: int = 20
    """Frames of these that are kept."""
    rounds: int = 0
    """Rounds of denoising in which frames behind known ones are drawn; 0: the model sees no guess, and has one answer."""
    shift: float = 1.0
    """How much later than evenly the rounds take the noise out, see `later`."""
    temperature: float = 1.0
    """Factor on the noise where the user asks for 1."""
    kind: Literal["masked"] = "masked"

    def __post_init__(self) -> None:
        if not (0 <= self.rounds <= MOST_STEPS and self.temperature >= 0 and self.shift > 0):
            raise CheckpointError(
                f"rounds must be from 0 to {MOST_STEPS}, temperature must not be negative, shift must be positive"
            )
        if not (
            self.known > 0 and 0 < self.keep <= self.block and self.known + self.block <= self.window <= MOST_FRAMES
        ):
            raise CheckpointError(
                f"known {self.known}, block {self.block}, keep {self.keep} do not fit a window of {self.window} frames"
            )


SignWeights: TypeAlias = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class CurveTrust:
    """How far corrections of curves are believed, see `generation.curve_correction.trust`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    trunk: SignWeights
    """Weights of what is seen of the trunk in a gap, in the order of `COLUMNS` there; they tell of the travel, too."""
    legs: SignWeights
    """Those of the legs."""
    arms: SignWeights
    """Those of the arms."""
    caution: float = 0.5
    """Factor on the share that was best on motion the model had not seen."""

    def __post_init__(self) -> None:
        if not 0 <= self.caution <= 1:
            raise CheckpointError(f"caution must be from 0 to 1, got {self.caution:g}")


@dataclass(frozen=True)
class CurveCorrection:
    """Curves between known frames, corrected by a network."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    window: int
    """Frames of the longest window it was trained on."""
    upright: tuple[float, float, float, float]
    """Rotation that a standing body's root has but for its heading, quaternion w x y z."""
    still: tuple[int, ...] = field(default=())
    """Joints that keep the curve's rotation."""
    reach: float = 0.0
    """Seconds within which a curve gives the speed at a known frame up for the line to the next one."""
    trust: CurveTrust | None = None
    """How far its corrections are believed; None: in full."""
    kind: Literal["curve_correction"] = "curve_correction"

    def __post_init__(self) -> None:
        if not 4 <= self.window <= MOST_FRAMES or not 0 <= self.reach <= LONGEST_REACH:
            raise CheckpointError(
                f"window must be from 4 to {MOST_FRAMES} frames and reach from 0 to {LONGEST_REACH:g} s, "
                f"got {self.window} and {self.reach:g}"
            )
        if abs(sum(x * x for x in self.upright) - 1.0) > 1e-2:
            raise CheckpointError(f"upright must be a unit quaternion, got {self.upright}")


Completion = Autoregressive | LatentFlow | Masked | CurveCorrection
"""How a model completes a partial motion; `kind` tells which."""
