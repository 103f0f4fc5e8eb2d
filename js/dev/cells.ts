/** Made-up cells on a made-up map, the same at every call: twenty classes of a cortex. */
import type { CellDetail, ColumnSpec, EngineName, Explains, Schema } from "../src/protocol";
import type { MemoryData } from "../src/session/memory";
import { explain, expression, geneNames, MARKERS } from "./why";

/** Name, share, centre, spread along and across, turn. */
type Cluster = [name: string, share: number, x: number, y: number, along: number, across: number, turn: number];

const CLUSTERS: Cluster[] = [
  ["Astrocyte", 277, -3.9, -3.1, 0.42, 0.2, 0.35],
  ["Endothelial", 38, 1.05, -0.6, 0.12, 0.1, 0],
  ["Exclude", 172, -1.7, 0.3, 0.4, 0.18, -0.8],
  ["IT", 2364, 0.3, 0.75, 0.95, 0.6, 0.3],
  ["L4 IT", 695, -1.2, -1.2, 0.55, 0.3, 1.2],
  ["L5 ET", 44, 1.2, -0.4, 0.16, 0.12, 0.5],
  ["L5/6 IT Car3", 177, -2.9, -1.2, 0.34, 0.17, 0.5],
  ["L5/6 NP", 150, -3.0, 3.0, 0.35, 0.17, -0.3],
  ["L6 CT", 456, -2.1, 1.4, 0.6, 0.2, -0.9],
  ["L6b", 215, -2.0, 0.6, 0.45, 0.12, -0.2],
  ["LAMP5", 428, 5.0, -2.5, 0.5, 0.22, -0.8],
  ["Microglia", 120, -3.2, -3.4, 0.25, 0.16, 1.2],
  ["OPC", 181, -3.2, 0.15, 0.36, 0.14, 0.1],
  ["Oligodendrocyte", 436, -4.9, -2.1, 0.4, 0.2, 0],
  ["PAX6", 80, 4.3, -2.4, 0.22, 0.14, 0.3],
  ["PVALB", 534, 1.5, -4.1, 0.65, 0.2, -1.2],
  ["Pericyte", 24, -0.8, -1.7, 0.12, 0.1, 0],
  ["SST", 434, 0.5, -2.9, 0.45, 0.26, 1.2],
  ["VIP", 651, 4.7, -1.5, 0.42, 0.34, 0],
  ["VLMC", 20, 1.0, -0.8, 0.1, 0.1, 0],
];

const REGIONS = ["MTG", "V1C", "CgG", "M1lm", "S1ul", "A1C"];
const DONORS = ["H200.1023", "H200.1025", "H200.1030", "H16.24.010"];

/** A small generator of the mulberry family: good enough for a picture, and the same everywhere. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const SUM = CLUSTERS.reduce((sum, [, share]) => sum + share, 0);

function pick(at: number): number {
  let left = at * SUM;
  return Math.max(
    0,
    CLUSTERS.findIndex(([, share]) => {
      left -= share;
      return left < 0;
    }),
  );
}

function scatter(code: number, next: () => number): [number, number] {
  const [, , x, y, along, across, turn] = CLUSTERS[code] as Cluster;
  const radius = Math.sqrt(-2 * Math.log(next() + 1e-9));
  const angle = 2 * Math.PI * next();
  const [a, b] = [radius * Math.cos(angle) * along * 0.62, radius * Math.sin(angle) * across * 0.62];
  return [x + a * Math.cos(turn) - b * Math.sin(turn), y + a * Math.sin(turn) + b * Math.cos(turn)];
}

function reference(count: number, next: () => number): NonNullable<MemoryData["reference"]> {
  const xy = new Float32Array(count * 2);
  const labels = Uint16Array.from({ length: count }, (_, i) => {
    const code = pick(next());
    xy.set(scatter(code, next), i * 2);
    return code;
  });
  return { xy, labels };
}

const LIMIT = 1.2;
/** One cell in so many is unlike anything in training. */
const FOREIGN = 40;

/** Distances to training cells, small but for some. */
function distances(n: number): Float32Array {
  const next = random(5);
  return Float32Array.from({ length: n }, () =>
    next() < 1 / FOREIGN ? LIMIT * (1.02 + 2 * next()) : 0.9 * next() ** 2,
  );
}

const CATEGORY = { kind: "category", dtype: "u1" } as const;

function columnsOf(classes: string[], mapped: boolean): ColumnSpec[] {
  const columns: ColumnSpec[] = [
    { id: "cell", name: "cell", kind: "text", group: "name", dtype: "u4" },
    { id: "xy", name: "xy", kind: "xy", group: "layout", dtype: "f4" },
    {
      id: "label",
      name: "label",
      group: "result",
      categories: [...classes, "unassigned"],
      unassigned: true,
      ...CATEGORY,
    },
    { id: "score", name: "score", kind: "number", group: "result", dtype: "f4" },
    { id: "second", name: "second", group: "result", categories: classes, ...CATEGORY },
    { id: "second_score", name: "second score", kind: "number", group: "result", dtype: "f4" },
    { id: "margin", name: "margin", kind: "number", group: "result", dtype: "f4" },
    { id: "entropy", name: "entropy", kind: "number", group: "result", dtype: "f4" },
    { id: "distance", name: "distance", kind: "number", group: "result", dtype: "f4" },
    { id: "obs:region", name: "region", group: "obs", categories: REGIONS, ...CATEGORY },
    { id: "obs:donor", name: "donor", group: "obs", categories: DONORS, ...CATEGORY },
    { id: "obs:n_genes", name: "n_genes", kind: "number", group: "obs", dtype: "f4", integer: true },
    { id: "obs:n_counts", name: "n_counts", kind: "number", group: "obs", dtype: "f4", integer: true },
    { id: "obs:pct_mt", name: "pct_mt", kind: "number", group: "obs", dtype: "f4" },
    // The most categories a legend meets, and a hostile name.
    { id: "obs:cluster", name: "cluster", group: "obs", categories: clusters(), ...CATEGORY },
  ];
  return columns.filter(({ id }) => mapped || id !== "distance");
}

const clusters = () => Array.from({ length: 40 }, (_, i) => (i === 3 ? "<b>bold</b>" : `cluster ${i + 1}`));

export interface CellOptions {
  n: number;
  source: Schema["layout"]["source"];
  reference: number;
  engines?: EngineName[];
  explains?: Explains[];
  genes?: number;
}

const ATTENTION: Explains[] = ["attention_weighted", "attention", "occlusion"];

export function makeCells({
  n,
  source,
  reference: mapped,
  engines = ["kernel"],
  explains = ATTENTION,
  genes = 31_204,
}: CellOptions): MemoryData {
  const next = random(11);
  const classes = CLUSTERS.map(([name]) => name);
  const label = new Uint8Array(n);
  const second = new Uint8Array(n);
  const numbers = { score: new Float32Array(n), second_score: new Float32Array(n), pct_mt: new Float32Array(n) };
  const counts = { n_genes: new Float32Array(n), n_counts: new Float32Array(n) };
  const entropy = new Float32Array(n);
  const codes = { region: new Uint8Array(n), donor: new Uint8Array(n), cluster: new Uint8Array(n) };
  const xy = new Float32Array(n * 2);
  const names: string[] = [];
  for (let i = 0; i < n; i++) {
    const code = pick(next());
    label[i] = code;
    second[i] = (code + 1 + Math.floor(3 * next())) % classes.length;
    numbers.score[i] = Math.max(0.3, 1 - next() ** 2 * 0.6);
    entropy[i] = 0.9 * (1 - (numbers.score[i] as number) ** 2);
    numbers.second_score[i] = (1 - (numbers.score[i] as number)) * 0.7;
    numbers.pct_mt[i] = 0.4 + 2 * next() ** 2;
    counts.n_genes[i] = Math.round(1200 + 9000 * next());
    counts.n_counts[i] = Math.round((counts.n_genes[i] as number) * (150 + 90 * next()));
    codes.region[i] = Math.floor(next() ** 1.6 * REGIONS.length);
    codes.donor[i] = Math.floor(next() ** 1.4 * DONORS.length);
    codes.cluster[i] = Math.floor(next() ** 2 * 40);
    xy.set(scatter(code, next), i * 2);
    const [plate, well] = [16 + Math.floor(4 * next()), 1 + Math.floor(96 * next())];
    names.push(`F2S4_${plate}${String(100 + (i % 900))}_${String(well).padStart(3, "0")}_${"ABCDEFGH"[i % 8]}01`);
  }
  const obs = { ...numbers, ...counts, ...codes };
  const columns = columnsOf(classes, mapped > 0);
  const detail = (row: number): CellDetail => ({
    row,
    name: names[row] ?? "",
    labels: [
      { code: label[row] ?? 0, score: numbers.score[row] ?? 0 },
      { code: second[row] ?? 0, score: numbers.second_score[row] ?? 0 },
      { code: ((label[row] ?? 0) + 7) % classes.length, score: 0.02 },
    ],
    obs: Object.keys(obs)
      .filter((name) => columns.some(({ id }) => id === `obs:${name}`))
      .map((name) => ({ name, value: String(obs[name as keyof typeof obs][row]) })),
    failure: null,
  });
  return {
    schema: {
      run: "demo",
      n,
      key: "cellwidget",
      model: { name: "cortex", title: "Human cortex", family: "SIMS", version: "1.0", genes: 48118, classes, explains },
      report: {
        cells: n,
        matrix: "X",
        values: "raw counts",
        trained_on: "log1p_10k",
        genes_matched: 31204,
        genes_model: 48118,
        genes_data: 36601,
        id_type: "symbol",
        ids_in: "var_names",
        duplicates_summed: 12,
        empty_cells: 0,
        total: null,
        notes: [],
      },
      columns,
      color: "label",
      layout: {
        source,
        name: source === "obsm" ? "X_umap" : "",
        reference: mapped,
        distance_limit: mapped > 0 ? LIMIT : null,
      },
      genes: { count: genes, values: "log1p of counts per 10,000 of all genes" },
      engines,
      truth: null,
    },
    columns: {
      cell: names,
      xy,
      label,
      second,
      score: numbers.score,
      second_score: numbers.second_score,
      entropy,
      distance: distances(n),
      ...Object.fromEntries(MARKERS.map((gene, i) => [`gene:${gene}`, expression(label, i, classes.length)])),
      ...Object.fromEntries(Object.entries(obs).map(([name, values]) => [`obs:${name}`, values])),
    },
    reference: mapped > 0 ? reference(mapped, next) : undefined,
    detail,
    genes: geneNames(genes),
    explain: (question, selected) => explain(question, selected, tallies(label, classes.length)),
  };
}

const tallies = (label: Uint8Array, classes: number): number[] =>
  Array.from({ length: classes }, (_, code) => label.filter((each) => each === code).length);
