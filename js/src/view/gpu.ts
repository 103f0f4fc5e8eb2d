/** One dataset's share of the graphics card, which follows the dataset: only what changed is sent. */
import type { Look } from "./api";
import { Backdrop } from "./backdrop";
import { Attribute, Lookup, Order } from "./buffers";
import type { NumberColumn } from "./columns";
import type { Dataset } from "./dataset";
import { type Density, densityOf, GRID } from "./density";
import { MISSING } from "./dtypes";
import { Layers } from "./layers";
import { rangeOf } from "./range";

const NO_VALUE = -1e30;
/** Seconds, while a run goes on, between two looks at the density: sizes follow, nothing flickers. */
const DENSITY_EVERY = 1;
/** … and between two sortings of numbers: until then what came last lies on top. */
const SORT_EVERY = 2;

export class GpuData {
  readonly vao: WebGLVertexArrayObject;
  readonly backdrop: Backdrop;
  readonly densities: Lookup;
  readonly palette: Lookup;
  readonly ramp: Lookup;
  readonly orders: readonly Order[];
  density: Density | null = null;
  isNumber = false;
  domain: [number, number] = [0, 1];

  readonly #gl: WebGL2RenderingContext;
  readonly #layers: Layers;
  readonly #xy: Attribute;
  readonly #value: Attribute;
  readonly #born: Attribute;
  readonly #values: Float32Array;
  #any = -1;
  #style = -1;
  #places = -1;
  #densityAt = -Infinity;
  #densityOf = "";
  #sortedAt = -Infinity;
  #unsorted = false;
  #look: Look | null = null;
  #colored = "";

  constructor(gl: WebGL2RenderingContext, { columns: { n } }: Dataset) {
    this.#gl = gl;
    this.#values = new Float32Array(n);
    this.#layers = new Layers(n);
    this.vao = gl.createVertexArray();
    gl.bindVertexArray(this.vao);
    this.#xy = new Attribute(gl, 0, 2, n);
    this.#value = new Attribute(gl, 1, 1, n);
    this.#born = new Attribute(gl, 2, 1, n);
    this.orders = this.#layers.all.map(() => new Order(gl));
    gl.bindVertexArray(null);
    this.backdrop = new Backdrop(gl);
    this.densities = new Lookup(gl);
    this.palette = new Lookup(gl);
    this.ramp = new Lookup(gl);
  }

  /** Brings everything in line with the dataset. `now` in seconds. */
  update(data: Dataset, now: number): void {
    if (this.#any === data.version.any) return;
    this.#any = data.version.any;
    const [from, to] = data.takeChanged();
    if (this.#places !== data.version.places) this.#xy.send(data.columns.xy, from, to);
    this.#places = data.version.places;
    this.#updateDensity(data, now);
    this.#updateColors(data, from, to);
    this.#born.send(data.born, from, to);
    this.#updateLayers(data, from, to, now);
  }

  free(): void {
    const gl = this.#gl;
    const { densities, palette, ramp, orders, backdrop } = this;
    for (const one of [this.#xy, this.#value, this.#born, densities, palette, ramp, ...orders, backdrop]) one.free();
    gl.deleteVertexArray(this.vao);
  }

  #updateDensity(data: Dataset, now: number): void {
    const due = !data.running || now - this.#densityAt >= DENSITY_EVERY;
    const extent = data.extent();
    const { xy, reference, n } = data.columns;
    const alone = reference && data.look?.show === "reference";
    const made = `${data.version.places} ${alone}`;
    if (this.#densityOf === made || !due || !extent) return;
    this.density = alone ? densityOf(reference.xy, extent, reference.held) : densityOf(xy, extent, n);
    this.densities.grid(this.density.values, GRID);
    this.#densityOf = made;
    this.#densityAt = now;
    if (reference) this.backdrop.spread(reference, extent);
  }

  #updateColors({ look, columns }: Dataset, from: number, to: number): void {
    if (!look) return;
    if (columns.reference) this.backdrop.show(columns.reference, look);
    const column = columns.numbers(look.color);
    this.isNumber = column?.spec.kind === "number";
    this.domain = look.domain ?? (column && this.isNumber ? (rangeOf(column) ?? [0, 1]) : [0, 1]);
    const colored = `${look.color} ${column?.held ?? 0}`;
    const [low, high] = this.#colored === colored ? [from, to] : [0, columns.n];
    this.#colored = colored;
    for (let row = low; row < high; row++) this.#values[row] = valueAt(column, row);
    this.#value.send(this.#values, low, high);
    if (this.#look === look) return;
    this.#look = look;
    this.palette.colors(look.palette);
    this.ramp.colors(look.ramp);
  }

  #updateLayers(data: Dataset, from: number, to: number, now: number): void {
    const sort = this.#unsorted && (!data.running || now - this.#sortedAt >= SORT_EVERY);
    if (this.#style !== data.version.style || sort) {
      this.#layers.rebuild(data);
      this.#style = data.version.style;
      this.#sortedAt = now;
      this.#unsorted = false;
    } else {
      this.#layers.update(from, to);
      this.#unsorted = this.isNumber;
    }
    this.#gl.bindVertexArray(this.vao);
    this.orders.forEach((order, i) => {
      const layer = this.#layers.all[i];
      if (layer) order.send(layer);
    });
    this.#gl.bindVertexArray(null);
  }
}

function valueAt(column: NumberColumn | undefined, row: number): number {
  if (!column || row >= column.held) return NO_VALUE;
  const value = column.values[row] as number;
  return Number.isNaN(value) || value === MISSING[column.spec.dtype] ? NO_VALUE : value;
}
