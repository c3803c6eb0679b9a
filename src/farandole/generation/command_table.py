"""Which command works with which model, told by the models' abilities."""

from __future__ import annotations

from collections.abc import Mapping

from farandole.checkpoints.card import ABILITIES
from farandole.models.abilities import Abilities

COMMANDS: dict[str, tuple[str, ...]] = {
    "dance SONG": ("nothing", "music"),
    "dance SONG --start": ("past", "music"),
    "extend CLIP SONG": ("past", "music"),
    "extend CLIP": ("past",),
    "inbetween CLIP": ("future",),
    "generate --data": ("past",),
    "--takes": ("random",),
}
"""What a person types -> abilities that it takes."""

SONGLESS = ("latent_flow",)
"""Kinds of completion that dance to an even count where there is no song; others that hear music need one."""


def missing(has: Abilities, kind: str, command: str) -> str:
    """What a model lacks for a command, in words; empty if it works."""
    lacking = [ABILITIES[name] for name in COMMANDS[command] if not getattr(has, name)]
    if not lacking and command == "extend CLIP" and has.music and kind not in SONGLESS:
        return "needs a song"
    return f"never {' nor '.join(lacking)}" if lacking else ""


def command_table(models: Mapping[str, tuple[Abilities, str]]) -> str:
    """A Markdown table of models (abilities and kind of completion by name) and commands."""
    lines = ["| model | " + " | ".join(f"`{c}`" for c in COMMANDS) + " |", "|---" * (len(COMMANDS) + 1) + "|"]
    for name, (has, kind) in models.items():
        cells = [missing(has, kind, command) or "works" for command in COMMANDS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
