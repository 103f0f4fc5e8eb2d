"""What all tests share: Hypothesis as shared machines need it, and the tiny model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

import cellwidget as cw

from .engine_cases import GENES
from .tiny_graphs import write_bundle

if TYPE_CHECKING:
    from pathlib import Path

# no deadlines, and drawing data may be slow while something else runs
settings.register_profile("cellwidget", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cellwidget")


@pytest.fixture
def model(tmp_path: Path) -> cw.Model:
    """The tiny model."""
    return cw.load_model(write_bundle(tmp_path / "bundle", GENES))
