/** The training cells' share of the graphics card: discs for a backdrop, and the cells themselves when they stand alone. */
import type { Extent, Look } from "./api";
import { Attribute } from "./buffers";
import { silhouette } from "./density";
import { drawnTraining, type Training } from "./training";

export class Backdrop {
  readonly discsVao: WebGLVertexArrayObject;
  readonly cellsVao: WebGLVertexArrayObject;
  discs = 0;
  /** Cells to draw, of which the first are ghosts. */
  cells = 0;
  ghosts = 0;

  readonly #gl: WebGL2RenderingContext;
  readonly #disc: Attribute;
  readonly #xy: Attribute;
  readonly #code: Attribute;
  #held = 0;
  #look: Look | null = null;
  #drawn = 0;

  constructor(gl: WebGL2RenderingContext) {
    this.#gl = gl;
    this.discsVao = gl.createVertexArray();
    gl.bindVertexArray(this.discsVao);
    this.#disc = new Attribute(gl, 0, 2, 0);
    this.cellsVao = gl.createVertexArray();
    gl.bindVertexArray(this.cellsVao);
    this.#xy = new Attribute(gl, 0, 2, 0);
    this.#code = new Attribute(gl, 1, 1, 0);
    gl.bindVertexArray(null);
  }

  /** A backdrop follows what arrived of the cells. */
  spread(training: Training, extent: Extent): void {
    if (training.held === this.#held) return;
    this.#held = training.held;
    const discs = silhouette(training.xy, training.held, extent);
    this.discs = discs.length / 2;
    this.#disc.replace(discs);
  }

  /** Cells in full colour follow the look too; while they are a backdrop nothing is sent. */
  show(training: Training, look: Look): void {
    if (look.show !== "reference" || (look === this.#look && training.held === this.#drawn)) return;
    this.#look = look;
    this.#drawn = training.held;
    const { xy, codes, ghosts } = drawnTraining(training, look);
    this.cells = codes.length;
    this.ghosts = ghosts;
    this.#xy.replace(xy);
    this.#code.replace(codes);
  }

  free(): void {
    for (const one of [this.#disc, this.#xy, this.#code]) one.free();
    this.#gl.deleteVertexArray(this.discsVao);
    this.#gl.deleteVertexArray(this.cellsVao);
  }
}
