"""Functions of upper rooms that objects of lower ones offer as methods: known by name, imported when they are first called."""

from __future__ import annotations

import importlib
from typing import Any

METHODS = {
    "retarget": "farandole.motion.notebook",
    "mirror": "farandole.motion.edit",
    "loop": "farandole.motion.loop",
    "joint_number": "farandole.motion.notebook",
    "save": "farandole.view.notebook",
    "view": "farandole.view.notebook",
    "render": "farandole.view.notebook",
    "preview": "farandole.view.notebook",
}
"""The module of each function; the first argument is the object itself."""


def call(name: str, *arguments: Any, **options: Any) -> Any:
    """Call one of `METHODS`."""
    return getattr(importlib.import_module(METHODS[name]), name)(*arguments, **options)
