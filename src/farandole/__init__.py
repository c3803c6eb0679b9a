"""farandole: music leads, a body follows.

    import farandole as fa
    motion = fa.dance("song.mp3", seed=1)
    motion.save("dance.bvh")

Everything named in `__all__` is imported when it is first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from farandole._version import __version__ as __version__
from farandole.errors import FarandoleError

if TYPE_CHECKING:
    from farandole.generation.completion import complete
    from farandole.generation.dance import dance
    from farandole.generation.extend import extend
    from farandole.generation.inbetween import inbetween
    from farandole.generation.partial import PartialMotion
    from farandole.generation.reroll import reroll
    from farandole.live import Live
    from farandole.motion import Motion, Skeleton
    from farandole.motion.characters import load_character
    from farandole.motion.files import load_motion, save_motion
    from farandole.motion.goals import Goal
    from farandole.music import Song, load_song
    from farandole.training.teaching.teach import teach

_HOME = {
    "Motion": "farandole.motion",
    "Skeleton": "farandole.motion",
    "load_motion": "farandole.motion.files",
    "save_motion": "farandole.motion.files",
    "load_character": "farandole.motion.characters",
    "Song": "farandole.music",
    "load_song": "farandole.music",
    "PartialMotion": "farandole.generation.partial",
    "complete": "farandole.generation.completion",
    "dance": "farandole.generation.dance",
    "extend": "farandole.generation.extend",
    "inbetween": "farandole.generation.inbetween",
    "reroll": "farandole.generation.reroll",
    "Goal": "farandole.motion.goals",
    "Live": "farandole.live",
    "teach": "farandole.training.teaching.teach",
}

__all__ = [
    "FarandoleError",
    "Goal",
    "Live",
    "Motion",
    "PartialMotion",
    "Skeleton",
    "Song",
    "complete",
    "dance",
    "extend",
    "inbetween",
    "load_character",
    "load_motion",
    "load_song",
    "reroll",
    "save_motion",
    "teach",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'farandole' has no attribute '{name}'")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value  # the next look-up does not come here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
