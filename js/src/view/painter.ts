/** The one GL context: draws any dataset for any plot onto an OffscreenCanvas and gives the picture as a bitmap. */
import type { Camera, Rgb, Theme } from "./api";
import type { Dataset } from "./dataset";
import { GpuData } from "./gpu";
import { LAYER } from "./layers";
import { FRAGMENT, UNIFORMS, type Uniform, VERTEX } from "./shaders";

export interface Picture {
  width: number;
  height: number;
  dpr: number;
  camera: Camera;
  /** The k at which everything is in view. */
  fit: number;
  theme: Theme;
  /** Seconds. */
  now: number;
  /** New points are large and settle; otherwise they are just there. */
  births: boolean;
  /** Share of the points to draw, taken evenly from their order: a glance, while a whole picture would take too long. */
  share: number;
}

const BACKDROP = 6;
const PIECES = 128;

export class Painter {
  readonly #canvas: OffscreenCanvas;
  readonly #gl: WebGL2RenderingContext;
  #program: WebGLProgram | null = null;
  #at: Record<Uniform, WebGLUniformLocation | null> | null = null;
  readonly #gpu = new Map<Dataset, GpuData>();
  #fence: WebGLSync | null = null;

  /** Throws where there is no WebGL2. */
  constructor(onChange: (state: "lost" | "ok") => void) {
    this.#canvas = new OffscreenCanvas(1, 1);
    const gl = this.#canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true, alpha: true });
    if (!gl) throw new Error("no WebGL2");
    this.#gl = gl;
    this.#canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
      this.#gpu.clear();
      this.#program = null;
      this.#fence = null;
      onChange("lost");
    });
    this.#canvas.addEventListener("webglcontextrestored", () => {
      this.#prepare();
      onChange("ok");
    });
    this.#prepare();
  }

  get lost(): boolean {
    return this.#program === null;
  }

  /** For tests: what happens when a driver resets. */
  get context(): WebGL2RenderingContext {
    return this.#gl;
  }

  forget(data: Dataset): void {
    this.#gpu.get(data)?.free();
    this.#gpu.delete(data);
  }

  draw(data: Dataset, picture: Picture): ImageBitmap {
    const gl = this.#gl;
    const gpu = this.#gpu.get(data) ?? new GpuData(gl, data);
    if (!this.#gpu.has(data)) {
      data.changedAll();
      this.#gpu.set(data, gpu);
    }
    gpu.update(data, picture.now);
    const [width, height] = [Math.round(picture.width * picture.dpr), Math.round(picture.height * picture.dpr)];
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.useProgram(this.#program);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.#setPicture(picture);
    this.#setData(gpu, picture);
    const show = data.look?.show;
    if (show === "both") this.#drawBackdrop(gpu);
    if (show === "reference") this.#drawTraining(gpu);
    else this.#drawCells(gpu, picture.share);
    gl.bindVertexArray(null);
    this.#fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    return this.#canvas.transferToImageBitmap();
  }

  /** Whether the graphics card is still at the last picture: asked from a new task each time, or it never changes. */
  busy(): boolean {
    const gl = this.#gl;
    if (!this.#fence) return false;
    if (!gl.isContextLost() && gl.getSyncParameter(this.#fence, gl.SYNC_STATUS) !== gl.SIGNALED) return true;
    gl.deleteSync(this.#fence);
    this.#fence = null;
    return false;
  }

  #prepare(): void {
    const gl = this.#gl;
    const program = gl.createProgram();
    for (const [kind, source] of [
      [gl.VERTEX_SHADER, VERTEX],
      [gl.FRAGMENT_SHADER, FRAGMENT],
    ] as const) {
      const shader = gl.createShader(kind);
      if (!shader) throw new Error("no shader");
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost())
      throw new Error(gl.getProgramInfoLog(program) ?? "the shaders do not link");
    this.#program = program;
    this.#at = Object.fromEntries(UNIFORMS.map((name) => [name, gl.getUniformLocation(program, name)])) as Record<
      Uniform,
      WebGLUniformLocation | null
    >;
  }

  #uniform(name: Uniform): WebGLUniformLocation | null {
    return this.#at?.[name] ?? null;
  }

  #color(name: Uniform, [r, g, b]: Rgb): void {
    this.#gl.uniform3f(this.#uniform(name), r / 255, g / 255, b / 255);
  }

  #setPicture({ width, height, dpr, camera, fit, theme, now, births }: Picture): void {
    const gl = this.#gl;
    gl.uniform2f(this.#uniform("u_scale"), (2 * camera.k) / width, (2 * camera.k) / height);
    gl.uniform2f(this.#uniform("u_shift"), (2 * camera.x) / width - 1, 1 - (2 * camera.y) / height);
    gl.uniform1f(this.#uniform("u_dpr"), dpr);
    gl.uniform1f(this.#uniform("u_k"), camera.k);
    gl.uniform1f(this.#uniform("u_zoom"), fit > 0 ? camera.k / fit : 1);
    gl.uniform1f(this.#uniform("u_now"), births ? now : 1e9);
    gl.uniform1i(this.#uniform("u_dark"), theme.dark ? 1 : 0);
    this.#color("u_ground", theme.ground);
    this.#color("u_ghost", theme.ghost);
    this.#color("u_zero", theme.zero);
    this.#color("u_notRun", theme.notRun);
    this.#color("u_backdrop", theme.backdrop);
  }

  #setData(gpu: GpuData, { camera, fit }: Picture): void {
    const gl = this.#gl;
    const { density } = gpu;
    if (density) {
      const { x0, y0, x1, y1 } = density.extent;
      gl.uniform4f(this.#uniform("u_grid"), x0, y0, 1 / Math.max(x1 - x0, 1e-6), 1 / Math.max(y1 - y0, 1e-6));
      gl.uniform1f(this.#uniform("u_area"), density.area);
      const zoom = fit > 0 ? camera.k / fit : 1;
      gl.uniform1f(this.#uniform("u_disc"), Math.max(8, 0.023 * (x1 - x0) * fit) * zoom ** 0.6);
    }
    gl.uniform1i(this.#uniform("u_number"), gpu.isNumber ? 1 : 0);
    gl.uniform2f(this.#uniform("u_domain"), ...gpu.domain);
    const lookups = [
      ["u_density", gpu.densities],
      ["u_palette", gpu.palette],
      ["u_ramp", gpu.ramp],
    ] as const;
    lookups.forEach(([name, lookup], unit) => {
      lookup.bind(unit);
      gl.uniform1i(this.#uniform(name), unit);
    });
  }

  #drawBackdrop(gpu: GpuData): void {
    const gl = this.#gl;
    const { backdrop } = gpu;
    if (backdrop.discs === 0) return;
    gl.uniform1i(this.#uniform("u_layer"), BACKDROP);
    gl.bindVertexArray(backdrop.discsVao);
    gl.drawArrays(gl.POINTS, 0, backdrop.discs);
  }

  #drawTraining({ backdrop }: GpuData): void {
    const gl = this.#gl;
    gl.bindVertexArray(backdrop.cellsVao);
    gl.uniform1i(this.#uniform("u_layer"), LAYER.ghost);
    gl.drawArrays(gl.POINTS, 0, backdrop.ghosts);
    gl.uniform1i(this.#uniform("u_layer"), LAYER.solid);
    gl.drawArrays(gl.POINTS, backdrop.ghosts, backdrop.cells - backdrop.ghosts);
  }

  #drawCells(gpu: GpuData, share: number): void {
    this.#gl.bindVertexArray(gpu.vao);
    for (const layer of Object.values(LAYER)) this.#drawLayer(gpu, layer, share);
  }

  #drawLayer(gpu: GpuData, layer: number, share: number): void {
    const order = gpu.orders[layer];
    if (!order || order.count === 0) return;
    order.bind();
    this.#gl.uniform1i(this.#uniform("u_layer"), layer);
    const pieces = share < 1 ? PIECES : 1;
    for (let i = 0; i < pieces; i++) {
      const from = Math.floor((i * order.count) / pieces);
      const to = from + Math.ceil((order.count / pieces) * share);
      this.#gl.drawElements(this.#gl.POINTS, Math.min(to, order.count) - from, this.#gl.UNSIGNED_INT, 4 * from);
    }
  }
}
