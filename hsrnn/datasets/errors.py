"""Everything that can go wrong with an input, one named class each, so that a caller can tell them apart."""

from __future__ import annotations


class DatasetError(Exception):
    """The root of every error that `hsrnn.datasets` raises on purpose."""


class UnknownDatasetError(DatasetError, ValueError):
    """No data set has this name."""


class MissingFileError(DatasetError, FileNotFoundError):
    """A file or folder that should be on disk is not there."""


class WrongHashError(DatasetError):
    """A file does not have the SHA-256 (or MD5) that its card declares."""


class WrongCountError(DatasetError):
    """A corpus does not have the number of symbols, or of distinct symbols, that its card declares."""


class DamagedArchiveError(DatasetError):
    """An archive is truncated, damaged, or lacks a member that the card names."""


class UnsafeArchiveError(DatasetError):
    """An archive holds a path that leaves its folder, or a link where a file should be."""


class ArchiveTooLargeError(DatasetError):
    """An archive unpacks to more bytes than its card declares."""


class DamagedFileError(DatasetError, ValueError):
    """One file of many is not what it should be; whoever reads the many names it and goes on."""


class OfflineError(DatasetError):
    """A fetch was needed while `HSRNN_OFFLINE` forbids the network."""


class FetchError(DatasetError):
    """No source of a data set delivered it; `causes` holds one error for each source tried, in order."""

    def __init__(self, message: str, causes: tuple[Exception, ...] = ()) -> None:
        super().__init__(message)
        self.causes = causes


class InvalidTextError(DatasetError, ValueError):
    """A text file is empty or is not valid UTF-8."""


class TooFewSymbolsError(DatasetError, ValueError):
    """A sequence is shorter than what was asked of it."""


class InvalidPictureError(DatasetError, ValueError):
    """A file of pictures or of their labels has not the form it should have."""


class InvalidLineError(DatasetError, ValueError):
    """A line of a file of labelled sentences has not the form it should have."""


class UnknownSymbolError(DatasetError, ValueError):
    """A text holds a symbol that its vocabulary lacks; `symbol` and `position` say which and where."""

    def __init__(self, message: str, symbol: str = "", position: int = -1) -> None:
        super().__init__(message)
        self.symbol = symbol
        self.position = position
