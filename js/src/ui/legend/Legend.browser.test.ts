import { describe, expect, test } from "vitest";
import { userEvent } from "vitest/browser";
import { type Opened, open, textOf, until } from "../testing/open";

const LIST = '[role="listbox"]';
const rows = ({ all }: Opened) => all(`${LIST} .lg`);
const row = (widget: Opened, name: string) => rows(widget).find((r) => r.querySelector(".nm")?.textContent === name)!;
const ready = (widget: Opened) => until(() => expect(textOf(row(widget, "IT"))).toMatch(/\d/));
const off = ({ store }: Opened) => store.hidden.value.get("label")?.size ?? 0;
const shown = ({ one }: Opened) => textOf(one(".tbar"));

describe("legend", () => {
  test("a click isolates, a second click brings all back, and the table says so", async () => {
    const widget = await open();
    await ready(widget);
    row(widget, "IT").click();
    await until(() => expect(shown(widget)).toContain("only IT"));
    await until(() => expect(widget.all(".tr").every((r) => textOf(r).includes("IT"))).toBe(true));
    row(widget, "IT").click();
    await until(() => expect(shown(widget)).toBe("300 of 300 cells"));
  });

  test("a control-click hides one, struck through and hollow", async () => {
    const widget = await open();
    await ready(widget);
    row(widget, "VIP").dispatchEvent(new MouseEvent("click", { bubbles: true, ctrlKey: true }));
    await until(() => expect(row(widget, "VIP").getAttribute("aria-selected")).toBe("false"));
    expect(row(widget, "VIP").querySelector(".dot.ring")).not.toBeNull();
    await until(() => expect(shown(widget)).toContain("without VIP"));
    await until(() => expect(textOf(widget.one(".foot"))).toContain("filtered out"));
  });

  test("by keys: arrows point, space toggles, enter isolates, escape shows all", async () => {
    const widget = await open();
    await ready(widget);
    widget.one(LIST).focus();
    await userEvent.keyboard("{ArrowDown}{ArrowDown}");
    expect(widget.one(LIST).getAttribute("aria-activedescendant")).toBe(rows(widget)[1]?.id);
    expect(widget.store.focus.value).toBeGreaterThanOrEqual(0);
    await userEvent.keyboard(" ");
    await until(() => expect(off(widget)).toBe(1));
    await userEvent.keyboard("{Enter}");
    await until(() => expect(off(widget)).toBe(20));
    await userEvent.keyboard("{Escape}");
    await until(() => expect(off(widget)).toBe(0));
  });

  test("leaving the list ends the highlight", async () => {
    const widget = await open();
    await ready(widget);
    await userEvent.hover(row(widget, "IT"));
    await until(() => expect(widget.store.focus.value).toBeGreaterThanOrEqual(0));
    await userEvent.hover(widget.one(".run"));
    await until(() => expect(widget.store.focus.value).toBe(-1));
  });

  test("rows do not move under the mouse while counts tick up", async () => {
    const widget = await open({ done: 20, status: "running" });
    await ready(widget);
    const order = () =>
      rows(widget)
        .slice(0, 10)
        .map((r) => r.querySelector(".nm")?.textContent);
    const before = order();
    await userEvent.hover(rows(widget)[3]!);
    widget.session.advance(280);
    await until(() => expect(textOf(widget.one(".foot"))).toContain("300"));
    expect(order()).toEqual(before);
    await userEvent.hover(widget.one(".run"));
    await until(() => expect(order()).not.toEqual(before));
  });

  test("another colour's numbers are never shown, and its rows are in order under a mouse too", async () => {
    const widget = await open();
    await ready(widget);
    await userEvent.hover(rows(widget)[3]!);
    widget.store.colorBy("second");
    await until(() => expect(widget.one(LIST).getAttribute("aria-label")).toContain("second"));
    if (widget.store.counts.value?.color === "label")
      expect(
        rows(widget)
          .map((r) => textOf(r.querySelector(".n")!))
          .join(""),
      ).toBe("");
    const numbers = () => rows(widget).map((r) => Number(r.querySelector(".n")?.textContent || NaN));
    await until(() => expect(numbers()[0]).toBeGreaterThan(0));
    expect(numbers()).toEqual(numbers().toSorted((a, b) => b - a));
  });

  test("pointing at a hidden one highlights nothing", async () => {
    const widget = await open();
    await ready(widget);
    row(widget, "VIP").dispatchEvent(new MouseEvent("click", { bubbles: true, ctrlKey: true }));
    await until(() => expect(off(widget)).toBe(1));
    await userEvent.hover(row(widget, "IT"));
    await until(() => expect(widget.store.focus.value).toBeGreaterThanOrEqual(0));
    await userEvent.hover(row(widget, "VIP"));
    await until(() => expect(widget.store.focus.value).toBe(-1));
  });

  test("many categories scroll: only those in sight are in the page", async () => {
    const widget = await open();
    await ready(widget);
    widget.store.colorBy("obs:cluster");
    await until(() => expect(textOf(widget.one(".foot"))).toContain("40 categories"));
    expect(rows(widget).length).toBeLessThan(30);
    expect(widget.one(`${LIST} .scroll`).scrollHeight).toBe(40 * 24);
  });
});

describe("colour by", () => {
  const field = ({ one }: Opened) => one<HTMLInputElement>('[role="combobox"]');

  test("typing finds a column, enter takes it", async () => {
    const widget = await open();
    await ready(widget);
    field(widget).focus();
    await userEvent.keyboard("n_c");
    expect(widget.all('.menu [role="option"]').map(textOf)).toEqual(["n_counts"]);
    await userEvent.keyboard("{Enter}");
    expect(widget.store.color.value?.id).toBe("obs:n_counts");
    await until(() => expect(widget.all('[role="slider"]')).toHaveLength(2));
    expect(field(widget).getAttribute("aria-expanded")).toBe("false");
  });

  test("arrows move from what is chosen, escape changes nothing", async () => {
    const widget = await open();
    await ready(widget);
    field(widget).focus();
    await userEvent.keyboard("{ArrowDown}{ArrowDown}");
    const active = field(widget).getAttribute("aria-activedescendant");
    expect(active).toMatch(/score$/);
    expect(widget.one(".opt.on").id).toBe(active);
    await userEvent.keyboard("{Escape}");
    expect(widget.store.color.value?.id).toBe("label");
    expect(widget.all(".menu")).toHaveLength(0);
  });

  test("the ramp's handles move by keys and stay apart", async () => {
    const widget = await open();
    await ready(widget);
    widget.store.colorBy("score");
    await until(() => expect(widget.all('[role="slider"]')).toHaveLength(2));
    widget.all('[role="slider"]')[0]?.focus();
    await userEvent.keyboard("{ArrowRight}{ArrowRight}");
    const [low, high] = widget.store.domain.value ?? [0, 0];
    const whole = widget.store.counts.value?.numbers;
    expect(low).toBeCloseTo((whole?.min ?? 0) + (2 / 50) * ((whole?.max ?? 0) - (whole?.min ?? 0)));
    await userEvent.keyboard("{End}");
    expect(widget.store.domain.value?.[0]).toBeLessThan(high);
  });
});
