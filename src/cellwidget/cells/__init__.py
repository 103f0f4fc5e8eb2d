"""An AnnData as gene-aligned batches."""

from cellwidget.cells.reader import Cells, open_cells
from cellwidget.cells.source import MatrixChanged
from cellwidget.genes import InputError

__all__ = ["Cells", "InputError", "MatrixChanged", "open_cells"]
