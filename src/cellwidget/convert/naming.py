"""Names of bundles."""

from __future__ import annotations

import re


def short(name: str) -> str:
    """Make a short name, for registries, of a file's; empty where nothing is left of it."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip("-")
