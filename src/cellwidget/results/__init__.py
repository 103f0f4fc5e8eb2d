"""What a run fills, and how it gets into an AnnData."""

from cellwidget.results.attention import WEIGHTINGS, AttentionSums
from cellwidget.results.nearness import Nearness, nearness_of
from cellwidget.results.store import Results
from cellwidget.results.truth import Truth
from cellwidget.results.unassigned import check_threshold
from cellwidget.results.write import KeyTaken, check_keys, write

__all__ = [
    "WEIGHTINGS",
    "AttentionSums",
    "KeyTaken",
    "Nearness",
    "Results",
    "Truth",
    "check_keys",
    "check_threshold",
    "nearness_of",
    "write",
]
