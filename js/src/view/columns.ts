/** The columns of one widget as typed arrays, filled by row number or by range. */
import { type ColumnSpec, geneColumn, type Schema } from "../protocol";
import type { ColumnPiece, Rows, Values } from "../session/session";
import { ARRAYS, MISSING } from "./dtypes";
import { Effective } from "./effective";
import type { Training } from "./training";

/** UTF-8 kept as it came: a million names as strings would be 160 MB, and only a screenful is read. */
export class TextColumn {
  readonly #ends: Float64Array;
  #bytes = new Uint8Array(1024);
  #size = 0;
  #decoder = new TextDecoder();
  held = 0;

  constructor(readonly length: number) {
    this.#ends = new Float64Array(length + 1);
  }

  append(start: number, offsets: Values, bytes: Uint8Array): void {
    if (start !== this.held) return;
    const count = Math.min(offsets.length - 1, this.length - start);
    this.#reserve(this.#size + bytes.length);
    this.#bytes.set(bytes, this.#size);
    for (let i = 0; i < count; i++) this.#ends[start + i + 1] = this.#size + (offsets[i + 1] as number);
    this.#size += bytes.length;
    this.held = start + count;
  }

  at(row: number): string {
    if (row < 0 || row >= this.held) return "";
    return this.#decoder.decode(this.#bytes.subarray(this.#ends[row], this.#ends[row + 1]));
  }

  /** The most bytes that any text has. */
  get longest(): number {
    let most = 0;
    for (let row = 0; row < this.held; row++) most = Math.max(most, this.#lengthOf(row));
    return most;
  }

  /** Whether a text has no more than so many bytes. */
  within(row: number, bytes: number): boolean {
    return this.#lengthOf(row) <= bytes;
  }

  /** Four bytes as a number that sorts as they do; zeros beyond the text's end. */
  word(row: number, from: number): number {
    const start = (this.#ends[row] as number) + from;
    const end = this.#ends[row + 1] as number;
    let word = 0;
    for (let i = 0; i < 4; i++)
      word = (word << 8) | (row < this.held && start + i < end ? (this.#bytes[start + i] as number) : 0);
    return word >>> 0;
  }

  #lengthOf(row: number): number {
    return row < this.held ? (this.#ends[row + 1] as number) - (this.#ends[row] as number) : 0;
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(size, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = grown;
  }
}

export interface NumberColumn {
  spec: ColumnSpec;
  values: Values;
  /** Rows from 0 that arrived; streamed columns are whole from the start, with missing values. */
  held: number;
}

/** All of a widget's columns; forgets everything when another run begins. */
export class Columns {
  readonly n: number;
  /** x, y by row; NaN where a cell has no place. */
  readonly xy: Float32Array;
  readonly state: Uint8Array;
  /** Derives some columns from others. */
  readonly effective: Effective;
  reference: Training | null = null;
  readonly #specs = new Map<string, ColumnSpec>();
  readonly #numbers = new Map<string, NumberColumn>();
  readonly #texts = new Map<string, TextColumn>();

  constructor(readonly schema: Schema) {
    this.n = schema.n;
    this.xy = new Float32Array(2 * schema.n).fill(NaN);
    this.state = new Uint8Array(schema.n);
    for (const spec of schema.columns) {
      this.#specs.set(spec.id, spec);
      if (spec.group !== "result" || spec.id === "state") continue;
      const values = new ARRAYS[spec.dtype](schema.n).fill(MISSING[spec.dtype]);
      this.#numbers.set(spec.id, { spec, values, held: schema.n });
    }
    this.#numbers.set("state", { spec: stateSpec(this.#specs.get("state")), values: this.state, held: schema.n });
    this.effective = new Effective(this);
  }

  spec(id: string): ColumnSpec | undefined {
    return this.#specs.get(id) ?? geneColumn(id) ?? undefined;
  }

  /** Numbers or codes; undefined for text and for what nobody asked for yet. */
  numbers(id: string): NumberColumn | undefined {
    return this.#numbers.get(id);
  }

  text(id: string): TextColumn | undefined {
    return this.#texts.get(id);
  }

  /** A code as a number, -1 when missing or not held. */
  code(column: NumberColumn | undefined, row: number): number {
    if (!column || row >= column.held) return -1;
    const code = column.values[row] as number;
    return code === MISSING[column.spec.dtype] ? -1 : code;
  }

  number(column: NumberColumn | undefined, row: number): number {
    return column && row < column.held ? (column.values[row] as number) : NaN;
  }

  /** Takes a frame; returns whether any cell got another place. */
  takeRows({ rows, columns }: Rows): boolean {
    let moved = false;
    for (const { id, values } of columns) {
      if (id === "xy") moved = this.#place(rows, values) || moved;
      else scatter(rows, values, id === "label" ? this.effective.said : this.#numbers.get(id)?.values);
    }
    this.effective.rowsCame(rows);
    return moved;
  }

  takePiece(piece: ColumnPiece): void {
    if (piece.column === "reference") return this.#takeReference(piece);
    if (piece.column === "xy") {
      if (piece.start + piece.count > this.n) return;
      this.xy.set(piece.values.subarray(0, 2 * piece.count) as Float32Array, 2 * piece.start);
      return;
    }
    const spec = this.spec(piece.column);
    if (!spec || piece.start + piece.count > this.n) return;
    if (spec.kind === "text") {
      const text = this.#texts.get(spec.id) ?? new TextColumn(this.n);
      this.#texts.set(spec.id, text);
      text.append(piece.start, piece.values, piece.bytes ?? new Uint8Array());
      return;
    }
    let column = this.#numbers.get(spec.id);
    if (!column) {
      column = { spec, values: new ARRAYS[spec.dtype](this.n).fill(MISSING[spec.dtype]), held: 0 };
      this.#numbers.set(spec.id, column);
    }
    column.values.set(piece.values.subarray(0, piece.count), piece.start);
    column.held = Math.max(column.held, piece.start + piece.count);
    this.effective.pieceCame(spec.id, piece.start, piece.start + piece.count);
  }

  #takeReference({ start, count, total, values, labels }: ColumnPiece): void {
    this.reference ??= { xy: new Float32Array(2 * total).fill(NaN), labels: new Uint16Array(total), held: 0 };
    if (start + count > this.reference.labels.length) return;
    if (labels) this.reference.labels.set(labels.subarray(0, count), start);
    this.reference.xy.set(values.subarray(0, 2 * count) as Float32Array, 2 * start);
    this.reference.held = Math.max(this.reference.held, start + count);
  }

  #place(rows: Uint32Array, values: Values): boolean {
    let moved = false;
    for (let i = 0; i < rows.length; i++) {
      const at = 2 * (rows[i] as number);
      const x = values[2 * i] as number;
      const y = values[2 * i + 1] as number;
      if (at >= this.xy.length || (Object.is(this.xy[at], x) && Object.is(this.xy[at + 1], y))) continue;
      this.xy[at] = x;
      this.xy[at + 1] = y;
      moved = true;
    }
    return moved;
  }
}

function scatter(rows: Uint32Array, values: Values, target: Values | undefined): void {
  if (!target) return;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    if (row < target.length) target[row] = values[i] as number;
  }
}

function stateSpec(spec: ColumnSpec | undefined): ColumnSpec {
  return spec ?? { id: "state", name: "state", kind: "category", group: "result", dtype: "u1" };
}
