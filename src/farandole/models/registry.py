"""The models of the flow family by the names that recipes and checkpoints call them."""

from __future__ import annotations

import importlib
from typing import Any

from farandole.errors import DataError

MODELS = {
    "transformer": "Transformer",
    "transflower": "Transflower",
    "transformerflow": "Transformerflow",
    "transglower": "Transglower",
    "moglow": "MoGlow",
    "residualflower": "Residualflower",
}
"""Name in a recipe -> class in the module of that name in farandole.models."""


def model_type(name: str) -> Any:
    """The class of a model by its name in a recipe. Raises DataError listing the names."""
    if name not in MODELS:
        raise DataError(f"recipe.model: {name!r} is not one of {', '.join(MODELS)}")
    return getattr(importlib.import_module(f"farandole.models.{name}"), MODELS[name])
