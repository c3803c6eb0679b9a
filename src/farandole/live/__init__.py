"""Dancing to what plays now: sound in, poses out, for programs, characters and pages."""

from farandole.live.live import Live, LiveFrame

__all__ = ["Live", "LiveFrame"]
