"""One run of a model over cells."""

from cellwidget.run.problems import RunError
from cellwidget.run.run import Run

__all__ = ["Run", "RunError"]
