"""What a run fills, and how it gets into an AnnData."""

from cellwidget.results.store import Results
from cellwidget.results.write import KeyTaken, check_keys, write

__all__ = ["KeyTaken", "Results", "check_keys", "write"]
