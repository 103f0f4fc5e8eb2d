/** The labels of one plot over time: they move with the camera, and are placed anew when it rests. */
import { CELL } from "../protocol";
import type { Camera, Look, PlacedLabel, Theme } from "./api";
import type { NumberColumn } from "./columns";
import type { Dataset } from "./dataset";
import { unassignedCode } from "./effective";
import { type Anchor, anchorsOf, placeLabels, type Ruler } from "./labels";
import { hiddenLabels, type Training } from "./training";

/** Seconds between two placements while a run goes on, and without which a camera counts as moving. */
const EVERY = 2;
const REST = 0.12;
/** How near is dense, as a share of the map. */
const SPREAD = 0.03;

export interface CaptionScene {
  camera: Camera;
  width: number;
  height: number;
  theme: Theme;
  labels: boolean;
  avoid: [number, number, number, number][];
}

export class Captions {
  readonly #data: Dataset;
  #anchors: Anchor[] = [];
  #anchorsOf = -1;
  #movedAt = -Infinity;
  #placed: PlacedLabel[] = [];
  #placedAt: Camera = { x: 0, y: 0, k: 1 };
  /** The zoom that they were found at, rather than carried to. */
  #foundAt = 0;
  #placedFor = "";
  #lastPlaced = -Infinity;

  constructor(data: Dataset) {
    this.#data = data;
  }

  moved(now: number): void {
    this.#movedAt = now;
  }

  due(scene: CaptionScene, now: number): boolean {
    const wait = this.wait(scene, now);
    return wait !== null && wait <= 0;
  }

  /** Milliseconds until they may be placed anew; null when they are where they belong. */
  wait(scene: CaptionScene, now: number): number | null {
    if (this.#placedFor === this.#key(scene)) return null;
    if (this.#placedFor === "") return 0;
    const every = this.#data.running ? this.#lastPlaced + EVERY : 0;
    return Math.max(0, 1000 * (Math.max(this.#movedAt + REST, every) - now));
  }

  place(scene: CaptionScene, ruler: Ruler, now: number): PlacedLabel[] {
    const { camera } = scene;
    if (!this.due(scene, now)) {
      this.#placed = shifted(this.#placed, this.#placedAt, camera);
    } else {
      this.#placed = scene.labels ? this.#find(scene, ruler) : [];
      this.#placedFor = this.#key(scene);
      this.#lastPlaced = now;
      this.#foundAt = camera.k;
    }
    this.#placedAt = camera;
    return this.#placed;
  }

  #key({ camera, width, height, labels, avoid, theme }: CaptionScene): string {
    const { any } = this.#data.version;
    return [camera.x, camera.y, camera.k, width, height, labels, avoid.join(), theme.font, any].join(" ");
  }

  #find({ camera, width, height, avoid, theme }: CaptionScene, ruler: Ruler): PlacedLabel[] {
    this.#refresh();
    const { columns, look } = this.#data;
    const xy = (look?.show === "reference" ? columns.reference?.xy : null) ?? columns.xy;
    const names = this.#named()?.spec.categories ?? [];
    const widthOf = (code: number) => ruler.measure(names[code] ?? "", theme.font);
    // Zoomed, everything is elsewhere anyway.
    const before = camera.k === this.#foundAt ? shifted(this.#placed, this.#placedAt, camera) : [];
    return placeLabels(this.#anchors, { xy, camera, width, height, avoid, widthOf, before });
  }

  /** The column whose categories are named: the colour's, or the labels under a colour that is a number. */
  #named(): NumberColumn | undefined {
    const { columns, look } = this.#data;
    const color = columns.numbers(look?.color ?? "");
    return color?.spec.kind === "category" ? color : columns.numbers("label");
  }

  #refresh(): void {
    const { version, columns, fails, look } = this.#data;
    if (this.#anchorsOf === version.any) return;
    this.#anchorsOf = version.any;
    const named = this.#named();
    const extent = this.#data.extent();
    if (!named || !extent) {
      this.#anchors = [];
      return;
    }
    const streams = named.spec.group === "result";
    const focus = named.spec.id === look?.color ? look.focus : -1;
    // Cells without a label lie everywhere: their name would stand where it says nothing.
    const unassigned = unassignedCode(named.spec);
    const codeOf = (row: number) => {
      if (fails[row] !== 0 || (streams && columns.state[row] !== CELL.done)) return -1;
      const code = columns.code(named, row);
      return code === unassigned || (focus >= 0 && code !== focus) ? -1 : code;
    };
    const spread = SPREAD * Math.max(extent.x1 - extent.x0, extent.y1 - extent.y0, 1e-6);
    const alone = look?.show === "reference" ? columns.reference : null;
    this.#anchors = alone
      ? anchorsOf(alone.xy.subarray(0, 2 * alone.held), trainingCodes(alone, look as Look), spread)
      : anchorsOf(columns.xy, codeOf, spread);
  }
}

/** The label that a training cell stands for, -1 for none. */
function trainingCodes({ labels }: Training, { filters, focus }: Look): (i: number) => number {
  const hidden = hiddenLabels(filters);
  return (i) => {
    const code = labels[i] as number;
    return hidden(code) || (focus >= 0 && code !== focus) ? -1 : code;
  };
}

/** Labels placed for one camera as another sees them. */
function shifted(labels: PlacedLabel[], from: Camera, to: Camera): PlacedLabel[] {
  if (from.x === to.x && from.y === to.y && from.k === to.k) return labels;
  const scale = to.k / from.k;
  return labels.map(({ code, x, y }) => ({ code, x: to.x + (x - from.x) * scale, y: to.y + (y - from.y) * scale }));
}
