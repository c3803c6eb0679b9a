"""In-betweening measured: the LAFAN1 protocol on its own data set and on any folder of BVH files."""
