/** The model's training cells, as the picture, the legend and the mouse see them. No GL. */
import type { Filter, Look } from "./api";

/** What arrived of them: places in turn x and y, and a label code each. */
export interface Training {
  xy: Float32Array;
  labels: Uint16Array;
  /** From the first on. */
  held: number;
}

/** Says which label codes are switched off: filters on labels hold for training cells too, the others mean nothing to them. */
export function hiddenLabels(filters: readonly Filter[]): (code: number) => boolean {
  const off = new Set(filters.flatMap((filter) => (filter.column === "label" && "off" in filter ? filter.off : [])));
  return (code) => off.has(code);
}

/** Training cells per label, those switched off included. */
export function countTraining({ labels, held }: Training, classes: number): Uint32Array {
  const counts = new Uint32Array(classes);
  for (let i = 0; i < held; i++) {
    const code = labels[i] as number;
    if (code < classes) counts[code] = (counts[code] as number) + 1;
  }
  return counts;
}

/** x, y and label of each training cell as they are drawn: ghosts first, `ghosts` of them. */
export interface Drawn {
  xy: Float32Array;
  codes: Float32Array;
  ghosts: number;
}

/** Training cells in the order in which they are drawn: those that are not meant are ghosts under the others. */
export function drawnTraining({ xy, labels, held }: Training, { filters, focus }: Look): Drawn {
  const hidden = hiddenLabels(filters);
  const drawn: Drawn = { xy: new Float32Array(2 * held), codes: new Float32Array(held), ghosts: 0 };
  let place = 0;
  const put = (i: number) => {
    drawn.xy[2 * place] = xy[2 * i] as number;
    drawn.xy[2 * place + 1] = xy[2 * i + 1] as number;
    drawn.codes[place++] = labels[i] as number;
  };
  const isGhost = (code: number) => hidden(code) || (focus >= 0 && code !== focus);
  for (let i = 0; i < held; i++) if (isGhost(labels[i] as number)) put(i);
  drawn.ghosts = place;
  for (let i = 0; i < held; i++) if (!isGhost(labels[i] as number)) put(i);
  return drawn;
}
