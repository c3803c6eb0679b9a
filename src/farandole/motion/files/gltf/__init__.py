"""glTF 2.0 files: skeletons and their animations in, animated characters out. Metres, y up, seconds."""

from farandole.motion.files.gltf.gltf_reader import parse_gltf, read_gltf
from farandole.motion.files.gltf.gltf_writer import render_glb, render_gltf, write_gltf
from farandole.motion.files.gltf.vrma import render_vrma, write_vrma

__all__ = ["parse_gltf", "read_gltf", "render_glb", "render_gltf", "render_vrma", "write_gltf", "write_vrma"]
