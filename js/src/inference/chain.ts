/** A model's graphs, run one after the other: each takes values by name and adds others, as in the kernel. */
// The worker for WebGPU has "onnxruntime-web/webgpu" in its place (see `worker.mjs`).
import * as ort from "onnxruntime-web/wasm";
import type { Output, Piece, StageFile } from "./api";
import { padded } from "./feed";

export interface Stage extends Omit<StageFile, "graph"> {
  session: ort.InferenceSession;
}

type Values = Map<string, ort.Tensor>;

/** Run a chain; nothing of its tensors is left behind, on no device. */
export async function chained(stages: Stage[], values: Values, wanted: string[], cells: number): Promise<Output[]> {
  try {
    for (const stage of stages) await run(stage, values);
    const there = wanted.filter((name) => values.has(name));
    return await Promise.all(there.map((name) => output(name, values.get(name) as ort.Tensor, cells)));
  } finally {
    for (const tensor of values.values()) tensor.dispose();
  }
}

async function run({ session, inputs, outputs }: Stage, values: Values): Promise<void> {
  const feed: Record<string, ort.Tensor> = {};
  for (const [ours, its] of Object.entries(inputs)) {
    const tensor = values.get(ours);
    if (!tensor) throw new Error(`the model needs the input "${ours}", which these cells do not carry`);
    feed[its] = tensor;
  }
  const made = await session.run(feed, Object.values(outputs));
  for (const [ours, its] of Object.entries(outputs)) values.set(ours, made[its] as ort.Tensor);
}

/** What cells carry. */
export function valuesOf(piece: Piece): Values {
  const { cells, width, genes, counts } = padded(piece);
  const { total, uniform, batch } = piece;
  const values: Values = new Map();
  values.set("genes", new ort.Tensor("int32", genes, [cells, width]));
  values.set("counts", new ort.Tensor("float32", counts, [cells, width]));
  if (total) values.set("total", new ort.Tensor("float32", total, [cells]));
  if (uniform) values.set("uniform", new ort.Tensor("float64", uniform, [cells, uniform.length / cells]));
  if (batch) values.set("batch", new ort.Tensor("int64", BigInt64Array.from(batch, BigInt), [cells]));
  return values;
}

async function output(name: string, tensor: ort.Tensor, cells: number): Promise<Output> {
  if (tensor.dims[0] !== cells) throw new Error(`the engine gave ${tensor.dims[0]} results for ${cells} cells`);
  const data = (await tensor.getData()) as ArrayLike<number>;
  const values = tensor.type === "int32" ? new Int32Array(data) : new Float32Array(data);
  return { name, width: data.length / cells, values };
}
