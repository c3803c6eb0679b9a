"""What may be asked of a live dancer while it dances."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real

from farandole.errors import MotionError
from farandole.generation.latent_flow.styles import AUTO

_KINDS: dict[str, tuple[type, str]] = {
    "style": (str, "a name"),
    "energy": (Real, "a number"),
    "seed": (Integral, "a whole number"),
    "temperature": (Real, "a number"),
    "dancing": (bool, "True or False"),
}


@dataclass(frozen=True)
class LiveControls:
    """What may be changed while the dance goes on.

    Attributes:
        style: A style of the model, or "auto": what suits the music.
        energy: 1 follows the music; below calmer, above livelier.
        seed: Another number, another dance.
        temperature: Scale of the randomness.
        dancing: False: stand still.

    Raises:
        MotionError: If a value is of another kind or out of range.
    """

    style: str = AUTO
    energy: float = 1.0
    seed: int = 0
    temperature: float = 1.0
    dancing: bool = True

    def __post_init__(self) -> None:
        for name, (kind, words) in _KINDS.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise MotionError(f"{name} {value!r}: needed is {words}")
        if not 0.25 <= self.energy <= 2.0:
            raise MotionError(f"energy {self.energy:g}: accepted is 0.25 to 2")
        if not 0.0 <= self.temperature <= 2.0:
            raise MotionError(f"temperature {self.temperature:g}: accepted is 0 to 2")
        if self.seed < 0:
            raise MotionError(f"seed {self.seed}: need 0 or more")
