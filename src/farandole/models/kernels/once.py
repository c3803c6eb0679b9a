"""torch's `once_differentiable`, for the type checker too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from torch.autograd.function import once_differentiable

B = TypeVar("B", bound=Callable[..., Any])


def once(backward: B) -> B:
    """Mark a way back that has no way back of its own. torch's decorator does it, but loses the names of the arguments."""
    return cast("B", once_differentiable(backward))
