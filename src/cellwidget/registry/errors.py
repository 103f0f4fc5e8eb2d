"""What is said when a model cannot be downloaded."""


class DownloadError(RuntimeError):
    """A model cannot be downloaded; the message names what and the remedy."""


class UnreachableError(DownloadError):
    """A host does not answer, or stopped in the middle: what an earlier download left may serve.

    Parameters
    ----------
    what
        Happened.
    remedy
        For somebody who has no earlier download.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}. {remedy}")
        self.what = what


class AbsentError(DownloadError):
    """A host has no such file."""


class DeniedError(DownloadError):
    """A host does not give a file to this user."""
