"""Hypothesis on shared machines: no deadlines, and drawing data may be slow while something else runs."""

from hypothesis import HealthCheck, settings

settings.register_profile("cellwidget", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cellwidget")
