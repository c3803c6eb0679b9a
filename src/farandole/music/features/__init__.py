"""Named music features at any frame rate; see `registry`. Importing this package registers those of `published`, too."""

from farandole.music.features import published
from farandole.music.features.registry import Feature, feature, features, file_features, names

__all__ = ["Feature", "feature", "features", "file_features", "names", "published"]
