import type * as ort from "onnxruntime-web/wasm";
import { expect, test } from "vitest";
import { chained, type Stage, valuesOf } from "./chain";
import { pieceOf } from "./testing";

const piece = pieceOf([
  [
    [3, 2],
    [1, 5],
  ],
  [[0, 7]],
]);

/** A tensor that notes when it is let go. */
function tensor(dims: number[], data: number[], disposed: string[] = [], name = ""): ort.Tensor {
  const values = Float32Array.from(data);
  return { dims, type: "float32", getData: async () => values, dispose: () => disposed.push(name) } as never;
}

/** A graph that says what it was fed, and gives two numbers a cell under each name. */
function stage(inputs: Stage["inputs"], outputs: Stage["outputs"], seen: unknown[], disposed: string[] = []): Stage {
  const run = async (feed: object, names: string[]) => {
    seen.push([Object.keys(feed), names]);
    return Object.fromEntries(names.map((name) => [name, tensor([2, 2], [1, 2, 3, 4], disposed, name)]));
  };
  return { session: { run } as never, inputs, outputs };
}

test("each graph takes values by its own names, and gives others to those behind it", async () => {
  const [seen, disposed]: [unknown[], string[]] = [[], []];
  const stages = [
    stage({ genes: "genes", counts: "counts" }, { dense: "dense" }, seen, disposed),
    stage({ dense: "input" }, { logits: "logits", embedding: "encoding" }, seen, disposed),
    stage({ embedding: "x" }, { xy: "y" }, seen, disposed),
  ];
  const given = await chained(stages, valuesOf(piece), ["logits", "xy"], 2);
  expect(seen).toEqual([
    [["genes", "counts"], ["dense"]],
    [["input"], ["logits", "encoding"]],
    [["x"], ["y"]],
  ]);
  expect(given).toEqual([
    { name: "logits", width: 2, values: Float32Array.of(1, 2, 3, 4) },
    { name: "xy", width: 2, values: Float32Array.of(1, 2, 3, 4) },
  ]);
  expect(disposed).toEqual(["dense", "logits", "encoding", "y"]);
});

test("an input that cells do not carry is named, and what there was is let go", async () => {
  const disposed: string[] = [];
  const stages = [
    stage({ genes: "genes" }, { dense: "dense" }, [], disposed),
    stage({ total: "t" }, { logits: "l" }, []),
  ];
  await expect(chained(stages, valuesOf(piece), ["logits"], 2)).rejects.toThrow('needs the input "total"');
  expect(disposed).toEqual(["dense"]);
});

test("a graph that gives another number of cells is refused", async () => {
  await expect(chained([stage({}, { logits: "l" }, [])], valuesOf(piece), ["logits"], 3)).rejects.toThrow(
    "2 results for 3 cells",
  );
});

test("cells carry what they were given", () => {
  const more = { total: Float32Array.of(7, 8), batch: Uint32Array.of(1, 2), uniform: Float64Array.of(0.1, 0.2) };
  const shapes = [...valuesOf({ ...piece, ...more })].map(([name, { type, dims }]) => [name, type, dims]);
  expect(shapes).toEqual([
    ["genes", "int32", [2, 2]],
    ["counts", "float32", [2, 2]],
    ["total", "float32", [2]],
    ["uniform", "float64", [2, 1]],
    ["batch", "int64", [2]],
  ]);
});
