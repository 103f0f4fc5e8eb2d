import { describe, expect, test } from "vitest";
import type { ExplainedGene } from "../../protocol";
import { absentNote, fromCells, geneText, geneTitle } from "./genes";

const gene = (more: Partial<ExplainedGene> = {}): ExplainedGene => ({
  gene: "CD4",
  weight: 0.25,
  share: 0.1,
  expressed: 0.5,
  count: null,
  ...more,
});

describe("words beside genes", () => {
  test("of one cell its counts, of several how many express it", () => {
    expect(geneText(gene({ count: 1_412, expressed: 1 }))).toBe("1,412");
    expect(geneText(gene())).toBe("50%");
    expect(geneText(gene({ expressed: 0.001 }))).toBe("<1%");
  });

  test("one that is not there is told by words, once below the list", () => {
    const absent = gene({ count: 0, expressed: 0 });
    expect(geneText(absent)).toBe("absent");
    expect(geneTitle(absent, "attention")).toContain("not expressed: its absence counts");
    expect(absentNote([gene(), absent], true)).toContain("not expressed in this cell");
    expect(absentNote([gene()], true)).toBe("");
  });

  test("what a removal does has a direction", () => {
    expect(geneTitle(gene(), "occlusion")).toBe("CD4, the label loses 0.25 without it");
    expect(geneTitle(gene({ weight: -0.1 }), "occlusion")).toBe("CD4, the label is 0.10 likelier without it");
  });

  test("how many cells it is from", () => {
    const group = { code: null, genes: [] };
    expect(fromCells({ ...group, cells: 2_000, total: 13_400 })).toBe("from 2,000 of 13,400 cells");
    expect(fromCells({ ...group, cells: 21, total: 21 })).toBe("from 21 cells");
  });
});
