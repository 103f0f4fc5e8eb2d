import { describe, expect, test, vi } from "vitest";
import { userEvent } from "vitest/browser";
import { isolated } from "../legend/hide";
import { type Opened, open, textOf, until } from "../testing/open";

const genes = ({ all }: Opened) => all(".why .bullet");
const names = (widget: Opened) => genes(widget).map((row) => textOf(row.firstElementChild!));
const method = ({ all }: Opened, name: string) => all(".methods button").find((b) => textOf(b) === name)!;

async function pinned(options: Parameters<typeof open>[0] = {}) {
  const widget = await open(options);
  widget.store.pinCell(4);
  await until(() => widget.one(".why"));
  return widget;
}

describe("why", () => {
  test("a cell's genes, weighed in another way on a click", async () => {
    const widget = await pinned();
    await until(() => expect(genes(widget)).toHaveLength(10));
    expect(method(widget, "weighted").getAttribute("aria-pressed")).toBe("true");
    expect(textOf(widget.one(".why"))).toContain("Absent: not expressed in this cell");
    const explain = vi.spyOn(widget.session, "explain");
    method(widget, "plain").click();
    await until(() => expect(explain).toHaveBeenCalledOnce());
    expect(explain.mock.calls[0]?.[0]).toEqual({ of: "cell", code: null, row: 4, method: "attention" });
    await until(() => expect(method(widget, "plain").getAttribute("aria-pressed")).toBe("true"));
  });

  test("a click on a gene colours the map by it, a second one takes that back", async () => {
    const widget = await pinned();
    await until(() => expect(genes(widget).length).toBeGreaterThan(0));
    const button = () => widget.all<HTMLButtonElement>(".why .gene").find((b) => textOf(b) === "<i>PVALB</i>")!;
    button().click();
    await until(() => expect(widget.store.color.value?.id).toBe("gene:<i>PVALB</i>"));
    expect(button().getAttribute("aria-pressed")).toBe("true");
    expect(widget.all(".why i:not(.track i)"), "names are no markup").toHaveLength(0);
    await until(() => expect(textOf(widget.one(".side"))).toContain("not detected"));
    await until(() => expect(textOf(widget.one(".side"))).toContain("Mean by label"));
    button().click();
    await until(() => expect(widget.store.color.value?.id).toBe("label"));
  });

  test("a model that does not say what it looks at is asked by removing genes, when people want it", async () => {
    const widget = await pinned({ cells: { explains: ["occlusion"] } });
    const explain = vi.spyOn(widget.session, "explain");
    const button = widget.one<HTMLButtonElement>(".why .btn");
    expect(textOf(button)).toBe("Explain by removing genes");
    expect(explain).not.toHaveBeenCalled();
    button.click();
    await until(() => expect(genes(widget)).toHaveLength(10));
    expect(widget.all(".why .against").length).toBeGreaterThan(0);
  });

  test("what takes long says how far it is, and can be stopped", async () => {
    const widget = await open({ slow: 60_000 });
    widget.store.whys.method.value = "occlusion";
    widget.store.select({ by: "rows", rows: Uint32Array.of(1, 2, 3), mode: "replace" });
    await until(() => expect(textOf(widget.one(".why"))).toContain("Removing genes, 40%"));
    widget.one(".why .lk").click();
    await until(() => expect(genes(widget)).toHaveLength(10));
    expect(method(widget, "weighted").getAttribute("aria-pressed")).toBe("true");
  });

  test("a failure is told, and can be asked again", async () => {
    const widget = await open();
    const explain = vi.spyOn(widget.session, "explain").mockRejectedValueOnce(new Error("the file is gone"));
    widget.store.pinCell(4);
    await until(() => expect(textOf(widget.one(".why"))).toContain("The file is gone."));
    widget.one(".why .lk").click();
    await until(() => expect(genes(widget)).toHaveLength(10));
    expect(explain).toHaveBeenCalledTimes(2);
  });

  test("a label that stands alone has its own panel; the run's lists every label", async () => {
    const widget = await open();
    await until(() => expect(widget.all(".lgenes").length).toBeGreaterThan(5));
    const codes = widget.store.color.value?.categories?.length ?? 0;
    widget.store.hide("label", isolated(new Set(), 3, codes));
    await until(() => expect(textOf(widget.one(".why"))).toContain("Genes behind this label"));
    await until(() => expect(textOf(widget.one(".why"))).toMatch(/From \d+ cells\./));
    widget
      .all<HTMLButtonElement>(".hd button")
      .find((b) => b.title === "Show all labels")!
      .click();
    await until(() => expect(widget.all(".lgenes").length).toBeGreaterThan(5));
  });
});

describe("searching genes", () => {
  test("is in the menu of what to colour by", async () => {
    const widget = await open();
    const field = widget.one<HTMLInputElement>('[role="combobox"]');
    await until(() => expect(widget.store.genes.count).toBe(31_204));
    field.focus();
    await userEvent.keyboard("{ArrowDown}");
    expect(textOf(widget.one(".menu"))).toContain("Type to find one of 31,204");
    await userEvent.keyboard("linc000");
    await until(() => expect(widget.all('.menu [role="option"]')).toHaveLength(50));
    expect(textOf(widget.one(".menu"))).toContain("and 50 more that fit");
    await userEvent.keyboard("{Control>}a{/Control}rorb{Enter}");
    await until(() => expect(widget.store.color.value?.id).toBe("gene:RORB"));
    expect(field.value).toBe("RORB");
    expect(names(widget)).toEqual([]);
  });
});
