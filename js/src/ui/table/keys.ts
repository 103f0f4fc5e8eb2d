/** Where keys lead in the grid. Pure. */

/** Row -1 is the head; column 0 are the ticks. */
export interface Place {
  row: number;
  col: number;
}

export interface Extent {
  rows: number;
  cols: number;
  page: number;
}

export function step(key: string, control: boolean, at: Place, { rows, cols, page }: Extent): Place | null {
  const row = (to: number) => ({ row: Math.max(-1, Math.min(rows - 1, to)), col: at.col });
  const col = (to: number) => ({ row: at.row, col: Math.max(0, Math.min(cols - 1, to)) });
  switch (key) {
    case "ArrowDown":
      return row(at.row + 1);
    case "ArrowUp":
      return row(at.row - 1);
    case "PageDown":
      return row(at.row + page);
    case "PageUp":
      return row(Math.max(0, at.row - page));
    case "ArrowRight":
      return col(at.col + 1);
    case "ArrowLeft":
      return col(at.col - 1);
    case "Home":
      return control ? { row: 0, col: 0 } : col(0);
    case "End":
      return control ? { row: rows - 1, col: cols - 1 } : col(cols - 1);
    default:
      return null;
  }
}

/** Ascending, then descending, then the order of the dataset. */
export function nextSort(
  sort: { column: string | null; descending: boolean },
  column: string,
): { column: string | null; descending: boolean } {
  if (sort.column !== column) return { column, descending: false };
  return sort.descending ? { column: null, descending: false } : { column, descending: true };
}
