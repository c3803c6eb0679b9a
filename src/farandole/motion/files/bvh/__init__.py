"""BVH (Biovision hierarchy) files: every layout found in the wild in, clean ones out."""

from farandole.motion.files.bvh.bvh_reader import parse_bvh, read_bvh
from farandole.motion.files.bvh.bvh_writer import render_bvh, write_bvh

__all__ = ["parse_bvh", "read_bvh", "render_bvh", "write_bvh"]
