"""Which abilities a partial motion needs of a model, and what to say where one is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from farandole.checkpoints.card import ABILITIES
from farandole.checkpoints.checkpoint import known_checkpoints
from farandole.errors import AbilityError

if TYPE_CHECKING:
    from farandole.checkpoints.checkpoint import Checkpoint
    from farandole.generation.partial import PartialMotion

NEEDED = {"nothing": ("nothing",), "past": ("past",), "gaps": ("future",)}
"""Pattern of a partial motion -> abilities that it takes."""


def needed(partial: PartialMotion) -> list[str]:
    """Abilities that a model needs to complete a partial motion."""
    names = list(NEEDED[partial.pattern])
    if (
        partial.by_joint and partial.pattern != "gaps"
    ):  # in gaps, known joints are put back whatever the model makes of them
        names.append("joints")
    if partial.song is not None and partial.pattern != "gaps":
        names.append("music")
    return names


def require(checkpoint: Checkpoint, names: Iterable[str], purpose: str) -> None:
    """Raise AbilityError unless a model has all these abilities.

    Args:
        checkpoint: The model.
        names: Fields of `Abilities`.
        purpose: What it is wanted for, to begin the message with.
    """
    wanted = list(names)
    missing = [name for name in wanted if not getattr(checkpoint.abilities, name)]
    if not missing:
        return
    has = ", ".join(text for name, text in ABILITIES.items() if getattr(checkpoint.abilities, name))
    others = [c.argument for c in known_checkpoints() if all(getattr(c.abilities, name) for name in wanted)]
    instead = f"; these can: {', '.join(others)}" if others else "; none of the models here can"
    raise AbilityError(
        f"{purpose}: the model {checkpoint.name} ({checkpoint.config.model}) lacks what that needs: "
        f"{' and '.join(ABILITIES[name] for name in missing)}; it {has}{instead}"
    )


def describe(partial: PartialMotion) -> str:
    """What a partial motion asks for, in a few words."""
    if partial.by_joint:
        return "completing single joints"
    return {"nothing": "dancing from nothing", "past": "going on from a motion", "gaps": "filling gaps"}[
        partial.pattern
    ]
