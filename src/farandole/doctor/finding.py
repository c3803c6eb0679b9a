"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["good", "absent", "bad"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        about: What it is about, in a word or two.
        state: "good"; "absent": something that not everybody needs is not there; "bad": farandole cannot do its work like this.
        text: One line for a person, with what to do where something can be done.
        facts: The same for programs.
    """

    about: str
    state: State
    text: str
    facts: dict[str, Any] = field(default_factory=dict)
