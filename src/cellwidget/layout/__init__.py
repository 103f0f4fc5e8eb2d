"""Where points go: an existing basis, the model's own map, or one that umap-learn fits to what the model gives."""

from cellwidget.layout.base import Layout
from cellwidget.layout.basis import ExistingBasis
from cellwidget.layout.choose import ModelLayout, choose_layout
from cellwidget.layout.umap import UmapLayout

__all__ = ["ExistingBasis", "Layout", "ModelLayout", "UmapLayout", "choose_layout"]
