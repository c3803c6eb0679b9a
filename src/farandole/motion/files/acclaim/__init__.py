"""Acclaim files: a skeleton (.asf) and the motions of it (.amc), as the CMU motion capture database has them."""

from farandole.motion.files.acclaim.amc import parse_amc, read_amc
from farandole.motion.files.acclaim.asf import Bone, parse_asf

__all__ = ["Bone", "parse_amc", "parse_asf", "read_amc"]
