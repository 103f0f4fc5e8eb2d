"""Lists of names: one per line."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cellwidget.bundle.errors import AGAIN, BundleError

if TYPE_CHECKING:
    from pathlib import Path


def read_names(path: Path, what: str = "gene") -> list[str]:
    """Read a list of different names.

    Raises
    ------
    BundleError
        If the file is no such list.
    """
    try:
        names = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise BundleError(f"{path} is not UTF-8. {AGAIN}") from error
    if not names or not all(names):
        raise BundleError(f"{path} must hold one {what} per line. {AGAIN}")
    twice, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise BundleError(f"{path} names {twice[:80]!r} twice. {AGAIN}")
    return names
