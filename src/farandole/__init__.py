"""farandole: music leads, a body follows."""

__version__ = "0.1.0"
