"""An AnnData as gene-aligned batches."""

from cellwidget.cells.expression import GeneColumns
from cellwidget.cells.opening import check_anndata, open_cells
from cellwidget.cells.reader import Cells
from cellwidget.cells.source import MatrixChanged
from cellwidget.genes import InputError

__all__ = ["Cells", "GeneColumns", "InputError", "MatrixChanged", "check_anndata", "open_cells"]
