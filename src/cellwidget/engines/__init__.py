"""The ways to run a bundle, and how to run one with care."""

from cellwidget.engines.base import Engine
from cellwidget.engines.careful import Careful, EngineFailed
from cellwidget.engines.sizes import BatchSizes

__all__ = ["BatchSizes", "Careful", "Engine", "EngineFailed"]
