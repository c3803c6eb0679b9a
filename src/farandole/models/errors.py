"""Errors of the model room: each names the value, what is wrong with it, and what is accepted."""

from __future__ import annotations

from collections.abc import Iterable

from farandole.errors import FarandoleError


class ConfigError(FarandoleError, ValueError):
    """A model's settings contradict each other or lie outside what is accepted."""


class ShapeError(FarandoleError, ValueError):
    """A tensor given to a model has the wrong shape, or a modality is missing."""


def require(owner: str, checks: Iterable[tuple[bool, str]]) -> None:
    """Raise one ConfigError that lists every failed check.

    Args:
        owner: Name of the settings, first word of the message.
        checks: Pairs (is it fine, what to say if not).
    """
    problems = [message for fine, message in checks if not fine]
    if problems:
        raise ConfigError(f"{owner}: " + "; ".join(problems))


def one_of(name: str, value: object, accepted: Iterable[str]) -> tuple[bool, str]:
    """A check for `require`: value is one of the accepted words."""
    accepted = tuple(accepted)
    return value in accepted, f"unknown {name} {value!r}; accepted: {', '.join(accepted)}"
