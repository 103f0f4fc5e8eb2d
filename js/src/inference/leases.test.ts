import { expect, test } from "vitest";
import type { Lease } from "../session/session";
import type { Outcome, Piece } from "./api";
import { Leases } from "./leases";

/** Cell i has i % 3 + 1 genes, numbered on from the cell before. */
function lease(number: number, cells: number): Lease {
  const indptr = new Uint32Array(cells + 1);
  for (let cell = 0; cell < cells; cell++) indptr[cell + 1] = (indptr[cell] as number) + (cell % 3) + 1;
  const n = indptr[cells] as number;
  return {
    run: "r",
    lease: number,
    indptr,
    genes: Uint16Array.from({ length: n }, (_, i) => i),
    counts: Uint8Array.from({ length: n }, (_, i) => i % 250),
    total: Float32Array.from({ length: cells }, (_, i) => 10 * i),
    uniform: Float64Array.from({ length: 2 * cells }, (_, i) => i / 100),
    batch: Uint32Array.from({ length: cells }, (_, i) => i % 2),
  };
}

/** What a fake model makes of a piece: each cell's first gene, and its total. */
function run(piece: Piece, failed: number[] = []): Outcome {
  const good = Array.from({ length: piece.indptr.length - 1 }, (_, i) => i).filter((i) => !failed.includes(i));
  const values = good.flatMap((i) => [piece.genes[piece.indptr[i] as number] as number, piece.total?.[i] as number]);
  const outputs = good.length > 0 ? [{ name: "logits", width: 2, values: new Float32Array(values) }] : [];
  return { outputs, failed: failed.map((i): [number, string] => [i, "bad"]), ms: 1 };
}

function cutAll(leases: Leases, size: number) {
  const cuts = [];
  for (let cut = leases.next(size); cut; cut = leases.next(size)) cuts.push(cut);
  return cuts;
}

test.each([1, 4, 7, 100])("pieces of %i cells come together in the lease's order, whichever is done first", (size) => {
  const leases = new Leases();
  leases.add(lease(3, 20));
  const results = cutAll(leases, size)
    .reverse()
    .map((cut) => cut.done(run(cut.piece)));
  expect(results.slice(0, -1).every((result) => result === null)).toBe(true);
  const result = results.at(-1);
  const { indptr } = lease(3, 20);
  expect(result?.lease).toBe(3);
  expect([...(result?.outputs[0]?.values ?? [])]).toEqual(
    Array.from({ length: 20 }, (_, i) => [indptr[i] as number, 10 * i]).flat(),
  );
  expect(leases.held).toEqual([3]);
  leases.settle(3);
  expect(leases.held).toEqual([]);
});

test("a piece carries its own cells alone, from 0, in arrays of their own", () => {
  const leases = new Leases();
  const whole = lease(1, 9);
  leases.add(whole);
  leases.next(4);
  const piece = leases.next(4)?.piece as Piece;
  const [from, to] = [whole.indptr[4] as number, whole.indptr[8] as number];
  expect([...piece.indptr]).toEqual([...whole.indptr.slice(4, 9)].map((at) => at - from));
  expect([...piece.genes]).toEqual([...whole.genes.slice(from, to)]);
  expect([...piece.counts]).toEqual([...whole.counts.slice(from, to)]);
  expect([...(piece.uniform ?? [])]).toEqual([...(whole.uniform ?? [])].slice(8, 16));
  expect([...(piece.batch ?? [])]).toEqual([...(whole.batch ?? [])].slice(4, 8));
  expect(piece.genes.buffer).not.toBe(whole.genes.buffer);
});

test("cells that failed are told by their place in the lease", () => {
  const leases = new Leases();
  leases.add(lease(1, 6));
  const cuts = cutAll(leases, 3);
  expect(cuts[0]?.done(run(cuts[0].piece, [0, 1, 2]))).toBeNull();
  const result = cuts[1]?.done(run(cuts[1].piece, [1]));
  expect(result?.failed.map(([at]) => at)).toEqual([0, 1, 2, 4]);
  expect(result?.outputs[0]?.values.length).toBe(4);
});

test("what was dropped gives no result, and a lease that comes twice is run once", () => {
  const leases = new Leases();
  leases.add(lease(1, 4));
  const cut = leases.next(4);
  leases.add(lease(1, 4));
  expect(leases.next(4)).toBeNull();
  leases.clear();
  expect(cut?.done(run(cut.piece))).toBeNull();
  expect(leases.seen).toBe(1);
});
