"""Many songs: which there are in a folder, dances for all of them, what came of each."""
