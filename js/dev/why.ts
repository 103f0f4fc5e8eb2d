/** Made-up genes and reasons for the made-up cells, the same at every call. */
import type { ExplainedGroup, Explanation, WhyQuestion } from "../src/protocol";

export const MARKERS = [
  "RORB",
  "IL1RAPL2",
  "CUX2",
  "TRPC3",
  "PLCXD2",
  "SLC17A7",
  "SATB2",
  "NRGN",
  "GAD1",
  "<i>PVALB</i>",
];

/** As many names as a model has, hostile and alike ones among them. */
export const geneNames = (count: number): string[] => [
  ...MARKERS,
  ...Array.from({ length: count - MARKERS.length }, (_, i) => `LINC${String(i).padStart(5, "0")}`),
];

/** Where each marker is expressed: one class, and its neighbours a little. */
export function expression(label: Uint8Array, gene: number, classes: number): Float32Array {
  return Float32Array.from(label, (code, row) => {
    const far = Math.abs(code - ((4 + 3 * gene) % classes));
    const noise = ((row * 2654435761) >>> 0) / 4294967296;
    if (far === 0) return 1.2 + 3.4 * noise;
    return far < 3 && noise > 0.55 ? 1.6 * noise : 0;
  });
}

function group(seed: number, cells: number, total: number, code: number | null, single: boolean): ExplainedGroup {
  const genes = MARKERS.map((_, i) => MARKERS[(i + seed) % MARKERS.length] as string).map((gene, i) => ({
    gene,
    weight: (i % 4 === 3 ? -0.4 : 0.9) / (i + 1),
    share: 0.3 / (i + 1),
    expressed: single ? Number(i !== 2) : 0.92 / (1 + i / 3),
    count: single ? (i === 2 ? 0 : 412 - 38 * i) : null,
  }));
  return { code, cells, total, genes };
}

export function explain(question: WhyQuestion, selected: number, cellsOf: number[]): Explanation {
  const { of, method, code, row } = question;
  const most = method === "occlusion" ? 100 : 2_000;
  const attention = (groups: ExplainedGroup[]): ExplainedGroup[] =>
    method === "occlusion"
      ? groups
      : groups.map((each) => ({ ...each, genes: each.genes.map((g) => ({ ...g, weight: Math.abs(g.weight) })) }));
  if (of === "cell") return { of, method, groups: attention([group((row ?? 0) % 5, 1, 1, null, true)]) };
  if (of === "selection")
    return { of, method, groups: attention([group(1, Math.min(most, selected), selected, null, false)]) };
  const codes = code === null ? cellsOf.flatMap((n, i) => (n > 0 ? [i] : [])) : [code];
  const groups = codes.map((each) => {
    const n = cellsOf[each] ?? 0;
    return group(each, method === "occlusion" ? Math.min(most, n) : n, n, each, false);
  });
  return { of, method, groups: attention(groups) };
}
