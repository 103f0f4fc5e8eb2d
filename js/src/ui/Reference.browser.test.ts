/** The reference map and the cells that are unlike it, as people meet them. */
import { describe, expect, test } from "vitest";
import { userEvent } from "vitest/browser";
import { type Opened, open, textOf, until } from "./testing/open";

const LIMIT = 1.2;
const radio = ({ all }: Opened, name: string) => all('[role="radio"]').find((one) => textOf(one) === name)!;
const foot = ({ one }: Opened) => textOf(one(".foot"));
const ready = (widget: Opened) => until(() => expect(widget.store.counts.value?.unlike).toBeGreaterThan(0));
const unlike = ({ store }: Opened) => store.counts.value?.unlike ?? 0;

describe("which cells are shown", () => {
  test("training cells alone: their counts in the legend, their number in the caption", async () => {
    const widget = await open();
    await ready(widget);
    radio(widget, "Training").click();
    await until(() => expect(foot(widget)).toBe("training cells500"));
    const counts = widget.all('[role="listbox"] .n').map((n) => Number(textOf(n)));
    expect(Math.max(...counts)).toBe(Math.max(...(widget.store.counts.value?.training ?? [])));
    await until(() => expect(textOf(widget.one(".cap"))).toBe("500 training cells"));
    radio(widget, "Yours").click();
    await until(() => expect(widget.all(".cap")).toHaveLength(0));
    expect(foot(widget)).toContain("20 labels");
  });

  test("training cells all have labels, whatever the threshold", async () => {
    const widget = await open();
    await ready(widget);
    widget.store.moveThreshold(0.9);
    await until(() => expect(textOf(widget.one(".list"))).toContain("unassigned"));
    radio(widget, "Training").click();
    await until(() => expect(foot(widget)).toBe("training cells500"));
    expect(textOf(widget.one(".list"))).not.toContain("unassigned");
  });

  test("is chosen with arrow keys, one tab stop", async () => {
    const widget = await open();
    await ready(widget);
    radio(widget, "Both").focus();
    await userEvent.keyboard("{ArrowRight}");
    expect(widget.store.show.value).toBe("reference");
    await until(() => expect(radio(widget, "Training").getAttribute("aria-checked")).toBe("true"));
    expect(widget.all('[role="radio"][tabindex="0"]').map(textOf)).toEqual(["Training"]);
    await userEvent.keyboard("{ArrowLeft}{ArrowLeft}");
    await until(() => expect(widget.store.show.value).toBe("query"));
  });

  test("there is nothing to choose without a reference map", async () => {
    const widget = await open({ cells: { reference: 0 } });
    expect(widget.all('[role="radiogroup"]')).toHaveLength(0);
    expect(widget.all(".unlike")).toHaveLength(0);
  });
});

describe("cells unlike training", () => {
  test("are counted in the legend; a click selects them", async () => {
    const widget = await open();
    await ready(widget);
    const row = await until(() => widget.one(".unlike button"));
    expect(foot(widget)).toContain(`unlike training${unlike(widget)}`);
    row.click();
    await until(() => expect(widget.session.selected?.count).toBe(unlike(widget)));
    await until(() => expect(textOf(widget.one(".tbar"))).toContain(`${unlike(widget)} selected`));
  });

  test("alone: a filter, and a chip that takes it away", async () => {
    const widget = await open();
    await ready(widget);
    widget.one('.unlike [aria-pressed="false"]').click();
    await until(() => expect(textOf(widget.one(".tbar"))).toMatch(new RegExp(`^${unlike(widget)} of 300`)));
    const distances = () => widget.all(".tr .far").map((one) => Number(textOf(one)));
    await until(() => expect(distances().length).toBeGreaterThan(0));
    expect(Math.min(...distances())).toBeGreaterThanOrEqual(LIMIT);
    widget.one('.tbar [aria-label="Show all again"]').click();
    await until(() => expect(textOf(widget.one(".tbar"))).toBe("300 of 300 cells"));
  });

  test("are told of in Inspect, and others are not", async () => {
    const widget = await open();
    await ready(widget);
    const slice = await widget.store.view.table(0, 300, ["distance"]);
    const distances = slice.columns.distance as Float64Array;
    const far = distances.findIndex((distance) => distance > LIMIT);
    widget.store.pinCell(slice.rows[far] as number);
    await until(() => expect(textOf(widget.one(".sec.far"))).toMatch(/^Unlike training: distance [\d.]+, limit 1\.2$/));
    const near = distances.findIndex((distance) => distance < LIMIT);
    widget.store.pinCell(slice.rows[near] as number);
    await until(() => expect(widget.all(".sec.far")).toHaveLength(0));
  });
});
