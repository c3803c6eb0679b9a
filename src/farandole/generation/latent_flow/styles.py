"""Styles of a dancer as a user writes them: a name, a mixture of several, or "auto": what suits the song."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from farandole.errors import MotionError
from farandole.models.abilities import DanceStyle, LatentFlow
from farandole.motion.rotations import Array

AUTO = "auto"


def style_names(facts: LatentFlow) -> tuple[str, ...]:
    """What a user may call a style: auto, each family, and each token of a family that has several."""
    names = [AUTO]
    for token, style in facts.styles.items():
        names += [style.family, token.replace(" ", "-")]
    return tuple(dict.fromkeys(names))


def style_shares(style: str) -> dict[str, float]:
    """Names and weights of "salsa:0.7,modern:0.3"; a name without a weight has 1. The weights add up to 1.

    Raises:
        MotionError: If a weight is no positive number.
    """
    shares: dict[str, float] = {}
    for part in style.split(","):
        name, _, text = part.partition(":")
        try:
            weight = float(text) if text else 1.0
        except ValueError:
            weight = float("nan")
        if not (np.isfinite(weight) and weight > 0):
            raise MotionError(f"style '{style}': the weight '{text}' is no positive number (salsa:0.7,modern:0.3)")
        shares[name.strip()] = shares.get(name.strip(), 0.0) + weight
    total = sum(shares.values())
    return {name: weight / total for name, weight in shares.items()}


def check_style(facts: LatentFlow, style: str) -> None:
    """Raise MotionError listing the styles that there are."""
    names = style_names(facts)
    for name in style_shares(style):
        if name not in names:
            raise MotionError(f"no style '{name}': there are {', '.join(names)}")


def style_token(facts: LatentFlow, style: str, role: int) -> str:
    """The model's token for a family or a token as a user writes it; where a family has several, `role` chooses."""
    for token in facts.styles:
        if style == token.replace(" ", "-") and facts.styles[token].family != style:
            return token
    tokens = [token for token, kind in facts.styles.items() if kind.family == style]
    return tokens[(role + 1) % len(tokens)]


def style_tokens(facts: LatentFlow, style: str, role: int, suited: str = "") -> dict[str, float]:
    """The model's tokens of a style as a user writes it, with their weights, the heaviest first.

    Args:
        facts: The model's styles.
        style: A name or a mixture.
        role: Which token of a style with several: another number, the next one.
        suited: Family that "auto" stands for.

    Raises:
        MotionError: If there is no such style.
    """
    check_style(facts, style)
    tokens: dict[str, float] = {}
    for name, weight in style_shares(style).items():
        token = style_token(facts, suited if name == AUTO else name, role)
        tokens[token] = tokens.get(token, 0.0) + weight
    return dict(sorted(tokens.items(), key=lambda item: -item[1]))


def weights_of(facts: LatentFlow, tokens: Mapping[str, float]) -> Array:
    """Weights in the model's order, [S] float32."""
    return np.array([tokens.get(token, 0.0) for token in facts.styles], np.float32)


def tempo_range(facts: LatentFlow, chosen: DanceStyle) -> tuple[float, float]:
    """Tempi of a family: those of its first token."""
    return next(style.tempo for style in facts.styles.values() if style.family == chosen.family)
