/** One dataset's share of the graphics card: buffers and textures that follow its versions. */
import type { Rgb } from "./api";
import { MISSING } from "./columns";
import type { Dataset } from "./dataset";
import { type Density, densityOf, GRID, silhouette } from "./density";
import { type Layers, layersOf } from "./layers";

const NO_VALUE = -1e30;
/** Seconds between two looks at the density while a run goes on: sizes follow, nothing flickers. */
const DENSITY_EVERY = 1;

export class GpuData {
  readonly vao: WebGLVertexArrayObject;
  readonly backdropVao: WebGLVertexArrayObject;
  readonly densityTexture: WebGLTexture;
  readonly paletteTexture: WebGLTexture;
  readonly rampTexture: WebGLTexture;
  layers: Layers = { rows: new Uint32Array(0), starts: new Uint32Array(6) };
  density: Density | null = null;
  backdrop = 0;
  isNumber = false;
  domain: [number, number] = [0, 1];

  readonly #gl: WebGL2RenderingContext;
  readonly #xy: WebGLBuffer;
  readonly #value: WebGLBuffer;
  readonly #born: WebGLBuffer;
  readonly #index: WebGLBuffer;
  readonly #backdrop: WebGLBuffer;
  readonly #values: Float32Array;
  #version = -1;
  #colored = "";
  #places = -1;
  #densityAt = -Infinity;
  #densityOf = -1;
  #held = 0;

  constructor(gl: WebGL2RenderingContext, { columns }: Dataset) {
    this.#gl = gl;
    this.#values = new Float32Array(columns.n);
    this.vao = gl.createVertexArray();
    gl.bindVertexArray(this.vao);
    this.#xy = attribute(gl, 0, 2, columns.xy.byteLength);
    this.#value = attribute(gl, 1, 1, 4 * columns.n);
    this.#born = attribute(gl, 2, 1, 4 * columns.n);
    this.#index = gl.createBuffer();
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.#index);
    this.backdropVao = gl.createVertexArray();
    gl.bindVertexArray(this.backdropVao);
    this.#backdrop = attribute(gl, 0, 2, 0);
    gl.bindVertexArray(null);
    this.densityTexture = texture(gl);
    this.paletteTexture = texture(gl);
    this.rampTexture = texture(gl);
  }

  /** Brings everything in line with the dataset. `now` in seconds. */
  update(data: Dataset, now: number): void {
    if (this.#version === data.version) return;
    const [from, to] = data.takeChanged();
    this.#updatePlaces(data, from, to, now);
    this.#updateColors(data, from, to);
    upload(this.#gl, this.#born, data.born, from, to, 1);
    this.layers = layersOf(data);
    this.#gl.bindVertexArray(this.vao);
    this.#gl.bufferData(this.#gl.ELEMENT_ARRAY_BUFFER, this.layers.rows, this.#gl.DYNAMIC_DRAW);
    this.#gl.bindVertexArray(null);
    this.#version = data.version;
  }

  free(): void {
    const gl = this.#gl;
    for (const buffer of [this.#xy, this.#value, this.#born, this.#index, this.#backdrop]) gl.deleteBuffer(buffer);
    for (const one of [this.densityTexture, this.paletteTexture, this.rampTexture]) gl.deleteTexture(one);
    gl.deleteVertexArray(this.vao);
    gl.deleteVertexArray(this.backdropVao);
  }

  #updatePlaces(data: Dataset, from: number, to: number, now: number): void {
    const { xy, reference, n } = data.columns;
    if (this.#places !== data.places) upload(this.#gl, this.#xy, xy, from, to, 2);
    this.#places = data.places;
    const due = !data.running || now - this.#densityAt >= DENSITY_EVERY;
    if (this.#densityOf === data.places || !due) return;
    const extent = data.extent();
    if (!extent) return;
    this.density = densityOf(xy, extent, n);
    this.#densityOf = data.places;
    this.#densityAt = now;
    setFloats(this.#gl, this.densityTexture, this.density.values, GRID, GRID);
    if (!reference || reference.held === this.#held) return;
    this.#held = reference.held;
    const discs = silhouette(reference.xy, reference.held, extent);
    this.backdrop = discs.length / 2;
    this.#gl.bindBuffer(this.#gl.ARRAY_BUFFER, this.#backdrop);
    this.#gl.bufferData(this.#gl.ARRAY_BUFFER, discs, this.#gl.STATIC_DRAW);
  }

  #updateColors(data: Dataset, from: number, to: number): void {
    const { look, columns } = data;
    if (!look) return;
    const column = columns.numbers(look.color);
    this.isNumber = column?.spec.kind === "number";
    this.domain = look.domain ?? rangeOf(this.isNumber ? column?.values : undefined);
    const colored = `${look.color} ${column?.held ?? 0}`;
    const [low, high] = this.#colored === colored ? [from, to] : [0, columns.n];
    this.#colored = colored;
    for (let row = low; row < high; row++) {
      const value = column && row < column.held ? (column.values[row] as number) : Number.NaN;
      const missing = !column || Number.isNaN(value) || value === MISSING[column.spec.dtype];
      this.#values[row] = missing ? NO_VALUE : value;
    }
    upload(this.#gl, this.#value, this.#values, low, high, 1);
    setColors(this.#gl, this.paletteTexture, look.palette);
    setColors(this.#gl, this.rampTexture, look.ramp);
  }
}

function attribute(gl: WebGL2RenderingContext, location: number, size: number, bytes: number): WebGLBuffer {
  const buffer = gl.createBuffer();
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  gl.bufferData(gl.ARRAY_BUFFER, bytes, gl.DYNAMIC_DRAW);
  gl.enableVertexAttribArray(location);
  gl.vertexAttribPointer(location, size, gl.FLOAT, false, 0, 0);
  return buffer;
}

/** Uploads rows `from` to `to` of an array of `width` numbers a row. */
function upload(
  gl: WebGL2RenderingContext,
  buffer: WebGLBuffer,
  values: Float32Array,
  from: number,
  to: number,
  width: number,
) {
  if (to <= from) return;
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  gl.bufferSubData(gl.ARRAY_BUFFER, 4 * width * from, values, width * from, width * (to - from));
}

function texture(gl: WebGL2RenderingContext): WebGLTexture {
  const one = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, one);
  for (const axis of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, axis, gl.CLAMP_TO_EDGE);
  for (const way of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, way, gl.NEAREST);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 1, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array([128, 128, 128, 255]));
  return one;
}

function setFloats(
  gl: WebGL2RenderingContext,
  target: WebGLTexture,
  values: Float32Array,
  width: number,
  height: number,
) {
  gl.bindTexture(gl.TEXTURE_2D, target);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32F, width, height, 0, gl.RED, gl.FLOAT, values);
}

function setColors(gl: WebGL2RenderingContext, target: WebGLTexture, colors: readonly Rgb[]): void {
  if (colors.length === 0) return;
  const shown = colors.slice(0, 4096);
  const bytes = new Uint8Array(4 * shown.length);
  shown.forEach((color, i) => {
    bytes.set([...color, 255], 4 * i);
  });
  gl.bindTexture(gl.TEXTURE_2D, target);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, shown.length, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
}

function rangeOf(values: ArrayLike<number> | undefined): [number, number] {
  let [min, max] = [Infinity, -Infinity];
  for (let i = 0; values && i < values.length; i++) {
    const value = values[i] as number;
    if (value < min) min = value;
    if (value > max && Number.isFinite(value)) max = value;
  }
  return max >= min ? [min, max] : [0, 1];
}
