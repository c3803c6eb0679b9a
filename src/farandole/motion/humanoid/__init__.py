"""The human body among skeletons: the house skeleton, parts by name and by structure, fingers, map files."""

from farandole.motion.humanoid.house import HEIGHT, house_skeleton

__all__ = ["HEIGHT", "house_skeleton"]
