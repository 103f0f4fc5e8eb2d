"""What a run fills, and how it gets into an AnnData."""

from cellwidget.results.nearness import Nearness, nearness_of
from cellwidget.results.store import Results
from cellwidget.results.write import KeyTaken, check_keys, write

__all__ = ["KeyTaken", "Nearness", "Results", "check_keys", "nearness_of", "write"]
