"""The ways to run a bundle, and how to run one with care."""

from cellwidget.engines.base import Driver, Engine, Task
from cellwidget.engines.careful import Careful, EngineFailed
from cellwidget.engines.in_kernel import InKernel
from cellwidget.engines.plan import Plan
from cellwidget.engines.sizes import BatchSizes

__all__ = ["BatchSizes", "Careful", "Driver", "Engine", "EngineFailed", "InKernel", "Plan", "Task"]
