/** Cells as they cross, unpacked: `src/cellwidget/engines/packing.py` is the counterpart and says why. */
import type { FromKernel } from "../protocol";
import type { Cells } from "./session";
import { decode, type Raw } from "./wire";

type Header = Pick<Extract<FromKernel, { type: "cells" }>, "counts" | "extras">;

const FAR = 255;
const LARGE = 15;
const WIDE = 65_535;

/** `order` holds positions in the model's gene list, in the order in which they stand in a cell. */
export function unpack({ counts: kind, extras }: Header, raw: readonly Raw[], order: Uint32Array): Cells {
  const own = kind === "nibbles" ? 5 : 4;
  if (raw.length !== own + extras.length) throw new RangeError(`${raw.length} buffers are not those of cells`);
  const buffer = (at: number) => raw[at] as Raw;
  const indptr = decode(buffer(0), "u4") as Uint32Array;
  const genes = spread(indptr, decode(buffer(1), "u1") as Uint8Array, decode(buffer(2), "u4") as Uint32Array, order);
  const counts =
    kind === "f4"
      ? (decode(buffer(3), "f4") as Float32Array)
      : halved(genes.length, decode(buffer(3), "u1") as Uint8Array, decode(buffer(4), "u2") as Uint16Array);
  const extra = (name: "total" | "uniform" | "batch") => raw[own + extras.indexOf(name)] as Raw;
  return {
    indptr,
    genes,
    counts,
    ...(extras.includes("total") && { total: decode(extra("total"), "f4") as Float32Array }),
    ...(extras.includes("uniform") && { uniform: decode(extra("uniform"), "f8") as Float64Array }),
    ...(extras.includes("batch") && { batch: decode(extra("batch"), "u4") as Uint32Array }),
  };
}

/** Genes from the gaps between them. */
function spread(indptr: Uint32Array, gaps: Uint8Array, far: Uint32Array, order: Uint32Array): Cells["genes"] {
  if (indptr.at(-1) !== gaps.length) throw new RangeError(`${gaps.length} genes are not ${indptr.at(-1)}`);
  const genes = order.some((gene) => gene > WIDE) ? new Uint32Array(gaps.length) : new Uint16Array(gaps.length);
  let next = 0;
  for (let cell = 1; cell < indptr.length; cell++) {
    let rank = -1;
    const end = indptr[cell]!;
    for (let at = indptr[cell - 1]!; at < end; at++) {
      const gap = gaps[at]!;
      rank += 1 + (gap === FAR ? far[next++]! : gap);
      genes[at] = order[rank]!;
    }
    // NaN, where a long gap is missing, is no rank either
    if (!(rank < order.length)) throw new RangeError(`a cell has gene ${rank} of ${order.length}`);
  }
  return genes;
}

/** Counts from half bytes. */
function halved(length: number, halves: Uint8Array, large: Uint16Array): Uint8Array | Uint16Array {
  const counts = large.some((count) => count > 255) ? new Uint16Array(length) : new Uint8Array(length);
  let next = 0;
  for (let at = 0; at < length; at++) {
    const both = halves[at >> 1]!;
    const less = at % 2 ? both >> 4 : both & 15;
    counts[at] = less === LARGE ? large[next++]! : less + 1;
  }
  return counts;
}
