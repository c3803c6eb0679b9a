"""Errors a user of farandole can meet. Each says which input, what is wrong with it, and what is accepted."""

_LINE = 500


class FarandoleError(Exception):
    """Base of every error that is the caller's to mend. The command line turns it into one line and exit code 2."""


class FileFormatError(FarandoleError, ValueError):
    """A file could not be read as the format it claims to be. What it quotes of a damaged file is kept to a line's length."""

    def __init__(self, message: str) -> None:
        text = " ".join(str(message).split("\n"))
        super().__init__(text if len(text) <= _LINE else f"{text[: _LINE - 100]} ... {text[-95:]}")


class MotionError(FarandoleError, ValueError):
    """A motion or skeleton is not usable for what was asked: shapes, frame counts, joints, NaN."""


class FrameRateError(MotionError):
    """Two things that must share a frame rate do not."""


class RetargetError(MotionError):
    """A skeleton has no counterpart for joints that are needed."""


class AudioError(FarandoleError, ValueError):
    """A sound file could not be decoded, or holds too little sound."""


class DataError(FarandoleError, ValueError):
    """A corpus or feature folder is incomplete or inconsistent."""


class DownloadError(FarandoleError, OSError):
    """Something could not be fetched, or is not what was to be fetched."""


class CheckpointError(FarandoleError, ValueError):
    """A checkpoint folder is missing, incomplete or made for something else."""


class AbilityError(CheckpointError):
    """A model cannot do what is asked of it."""


class OutputError(FarandoleError, OSError):
    """An output exists already or cannot be written."""


class MissingExtraError(FarandoleError, ImportError):
    """A feature needs packages of an extra that is not installed."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f"{purpose} needs packages that are not installed: pip install 'farandole[{extra}]'")
        self.extra = extra
