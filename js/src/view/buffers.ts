/** Buffers and textures of the graphics card, as small as the painter needs them. */
import type { Rgb } from "./api";
import type { Layer } from "./layers";

/** Floats that a vertex has, one array for all cells, of which ranges are sent. */
export class Attribute {
  readonly #gl: WebGL2RenderingContext;
  readonly #buffer: WebGLBuffer;
  readonly #width: number;

  /** To be made while its vertex array is bound. */
  constructor(gl: WebGL2RenderingContext, location: number, width: number, count: number) {
    this.#gl = gl;
    this.#width = width;
    this.#buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.#buffer);
    gl.bufferData(gl.ARRAY_BUFFER, 4 * width * count, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(location);
    gl.vertexAttribPointer(location, width, gl.FLOAT, false, 0, 0);
  }

  /** Sends the values of cells `from` to `to`. */
  send(values: Float32Array, from: number, to: number): void {
    if (to <= from) return;
    const [gl, width] = [this.#gl, this.#width];
    gl.bindBuffer(gl.ARRAY_BUFFER, this.#buffer);
    gl.bufferSubData(gl.ARRAY_BUFFER, 4 * width * from, values, width * from, width * (to - from));
  }

  /** Sends other values, of any number. */
  replace(values: Float32Array): void {
    this.#gl.bindBuffer(this.#gl.ARRAY_BUFFER, this.#buffer);
    this.#gl.bufferData(this.#gl.ARRAY_BUFFER, values, this.#gl.STATIC_DRAW);
  }

  free(): void {
    this.#gl.deleteBuffer(this.#buffer);
  }
}

/** One layer's drawing order. Grows with it; what did not change is not sent again. */
export class Order {
  readonly #gl: WebGL2RenderingContext;
  readonly #buffer: WebGLBuffer;
  #capacity = 0;
  count = 0;

  constructor(gl: WebGL2RenderingContext) {
    this.#gl = gl;
    this.#buffer = gl.createBuffer();
  }

  /** Binds it to the vertex array that is bound. */
  bind(): void {
    this.#gl.bindBuffer(this.#gl.ELEMENT_ARRAY_BUFFER, this.#buffer);
  }

  send(layer: Layer): void {
    const gl = this.#gl;
    const { from, to } = layer.takeDirty();
    this.count = layer.count;
    if (to <= from) return;
    this.bind();
    if (layer.rows.length !== this.#capacity) {
      this.#capacity = layer.rows.length;
      gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, layer.rows, gl.DYNAMIC_DRAW);
    } else gl.bufferSubData(gl.ELEMENT_ARRAY_BUFFER, 4 * from, layer.rows, from, to - from);
  }

  free(): void {
    this.#gl.deleteBuffer(this.#buffer);
  }
}

/** Every WebGL2 has textures so wide; more colours than that repeat. */
const WIDEST = 2048;

/** Values that the vertex shader looks up. */
export class Lookup {
  readonly #gl: WebGL2RenderingContext;
  readonly #texture: WebGLTexture;

  constructor(gl: WebGL2RenderingContext) {
    this.#gl = gl;
    this.#texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, this.#texture);
    for (const axis of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, axis, gl.CLAMP_TO_EDGE);
    for (const way of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, way, gl.NEAREST);
    this.colors([[128, 128, 128]]);
  }

  bind(unit: number): void {
    this.#gl.activeTexture(this.#gl.TEXTURE0 + unit);
    this.#gl.bindTexture(this.#gl.TEXTURE_2D, this.#texture);
  }

  grid(values: Float32Array, size: number): void {
    const gl = this.#gl;
    gl.bindTexture(gl.TEXTURE_2D, this.#texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32F, size, size, 0, gl.RED, gl.FLOAT, values);
  }

  colors(colors: readonly Rgb[]): void {
    if (colors.length === 0) return;
    const gl = this.#gl;
    const bytes = new Uint8Array(4 * Math.min(colors.length, WIDEST));
    for (let i = 0; 4 * i < bytes.length; i++) bytes.set([...(colors[i] as Rgb), 255], 4 * i);
    gl.bindTexture(gl.TEXTURE_2D, this.#texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, bytes.length / 4, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
  }

  free(): void {
    this.#gl.deleteTexture(this.#texture);
  }
}
