"""Which recordings a corpus on disk has: folders of pairs, AIST++, LAFAN1."""

from farandole.data.importers.aistpp import AISTPP_FPS, AISTPP_LICENCE, find_aistpp
from farandole.data.importers.labels import with_labels
from farandole.data.importers.lafan1 import LAFAN1_FPS, LAFAN1_LICENCE, find_lafan1
from farandole.data.importers.pairs import find_pairs
from farandole.data.importers.recordings import SOUNDS, RecordingList, hold_out, with_splits

__all__ = [
    "AISTPP_FPS", "AISTPP_LICENCE", "LAFAN1_FPS", "LAFAN1_LICENCE", "SOUNDS", "RecordingList", "find_aistpp", "find_lafan1",
    "find_pairs", "hold_out", "with_labels", "with_splits",
]  # fmt: skip
