"""From what a user calls a model to where it is on this machine, downloaded if need be."""

from cellwidget.registry.errors import DownloadError
from cellwidget.registry.resolve import DEFAULT, is_shared, packaged, resolve

__all__ = ["DEFAULT", "DownloadError", "is_shared", "packaged", "resolve"]
