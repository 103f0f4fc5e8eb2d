/** What clicks and keys in the grid do to the selection, the pin and the order. No DOM. */
import type { Store } from "../../store";
import type { TableSlice } from "../../view/api";
import type { TableColumn } from "./columns";
import type { Ticked } from "./HeadRow";
import { nextSort, type Place } from "./keys";

export interface Modifiers {
  shiftKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
}

export interface Surroundings {
  store: Store;
  columns: readonly TableColumn[];
  slice: TableSlice | null;
  total: number;
  /** Where a range begins: the last row that was meant alone. */
  anchor: { current: number };
}

export function tickedOf(selected: number, total: number): Ticked {
  if (selected === 0) return "none";
  return selected >= total ? "all" : "some";
}

export class GridActions {
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  toggle(position: number): void {
    const row = this.#meant(position);
    if (row !== undefined) this.#around.store.select({ by: "rows", rows: Uint32Array.of(row), mode: "toggle" });
  }

  extend(position: number, mode: "replace" | "add"): void {
    const [from, to] = [this.#around.anchor.current, position].sort((a, b) => a - b) as [number, number];
    this.#around.store.select({ by: "range", from, to, mode });
  }

  pin(position: number): void {
    const { store } = this.#around;
    const row = this.#meant(position);
    if (row !== undefined) store.pinCell(store.pin.peek()?.row === row ? null : row);
  }

  selectAll(): void {
    this.#around.store.select({ by: "all" });
  }

  head(col: number): void {
    const { store, columns, total } = this.#around;
    const column = columns[col - 1];
    if (col === 0) store.select({ by: tickedOf(this.#selected(), total) === "all" ? "none" : "all" });
    else if (column) store.sort.value = { ...store.sort.value, ...nextSort(store.sort.value, column.spec.id) };
  }

  click({ row, col }: Place, { shiftKey, ctrlKey, metaKey }: Modifiers): void {
    if (row < 0) this.head(col);
    else if (shiftKey) this.extend(row, col === 0 ? "add" : "replace");
    else if (ctrlKey || metaKey || col === 0) this.toggle(row);
    else this.pin(row);
  }

  /** Space and Enter on a place, Escape anywhere; returns whether the key meant something. */
  press(key: string, { row, col }: Place): boolean {
    if (key === "Escape") return this.#around.store.release();
    if (key !== " " && key !== "Enter") return false;
    if (row < 0) this.head(col);
    else if (key === " ") this.toggle(row);
    else this.pin(row);
    return true;
  }

  #selected(): number {
    return this.#around.store.counts.peek()?.selected ?? 0;
  }

  /** The dataset's row at a position of the table, undefined while it is not here yet. */
  #meant(position: number): number | undefined {
    const { slice, anchor } = this.#around;
    const row = slice?.rows[position - slice.start];
    if (row !== undefined) anchor.current = position;
    return row;
  }
}
