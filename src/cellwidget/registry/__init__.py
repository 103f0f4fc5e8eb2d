"""From what a user calls a model to where it is on this machine, downloaded if need be."""

from cellwidget.registry.errors import DownloadError
from cellwidget.registry.resolve import DEFAULT, is_packaged, packaged, resolve

__all__ = ["DEFAULT", "DownloadError", "is_packaged", "packaged", "resolve"]
