"""What a conversion says when it cannot be."""

from __future__ import annotations


class ConvertError(ValueError):
    """A model cannot be converted; the message names what is wrong with it, and the remedy."""
