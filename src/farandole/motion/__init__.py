"""What a body does: skeletons, rotations, kinematics, files. Needs numpy and scipy only."""

from farandole.motion.files import load_motion, save_motion
from farandole.motion.motion import Motion
from farandole.motion.skeleton import Skeleton

__all__ = ["Motion", "Skeleton", "load_motion", "save_motion"]
