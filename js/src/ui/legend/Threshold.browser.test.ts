import { describe, expect, test } from "vitest";
import { userEvent } from "vitest/browser";
import { type Opened, open, textOf, until } from "../testing/open";

const slider = ({ one }: Opened) => one('[role="slider"].slide');
const unassigned = ({ all }: Opened) => all(".list > .lg").map(textOf)[0];
const shown = ({ one }: Opened) => textOf(one(".tbar"));

async function ready(width?: number): Promise<Opened> {
  const widget = await open({ width });
  await until(() => expect(widget.all(".cut svg rect").length).toBeGreaterThan(10));
  return widget;
}

function drag(widget: Opened, to: number): void {
  const element = slider(widget);
  const box = element.getBoundingClientRect();
  const at = { clientY: box.top + 5, pointerId: 1, bubbles: true, buttons: 1 };
  element.setPointerCapture = () => undefined;
  element.dispatchEvent(new PointerEvent("pointerdown", { ...at, clientX: box.left + 1 }));
  for (let i = 1; i <= 8; i++)
    element.dispatchEvent(new PointerEvent("pointermove", { ...at, clientX: box.left + (i / 8) * to * box.width }));
}

describe("threshold", () => {
  test("at nought nobody is unassigned, and there is no row for them", async () => {
    const widget = await ready();
    expect(unassigned(widget)).toBeUndefined();
    expect(textOf(widget.one(".cut"))).toContain("Every score has a label");
    expect(slider(widget).getAttribute("aria-valuetext")).toBe("0.00: 0 cells unassigned");
  });

  test("a drag moves cells out of their labels, in legend, table and filter alike, and tells the session", async () => {
    const widget = await ready();
    drag(widget, 0.8);
    await until(() => expect(unassigned(widget)).toMatch(/^unassigned[1-9]/));
    expect(widget.store.threshold.value).toBe(0.8);
    const count = Number(unassigned(widget)?.replace(/\D/g, ""));
    await until(() => expect(slider(widget).getAttribute("aria-valuetext")).toBe(`0.80: ${count} cells unassigned`));
    widget.all(".list > .lg")[0]?.click();
    await until(() => expect(shown(widget)).toContain(`${count} of 300`));
    await until(() => expect(widget.all(".tr").every((row) => textOf(row).includes("unassigned"))).toBe(true));
    await until(() => expect(widget.store.run.value?.threshold).toBe(0.8));
  });

  test("by keys, in steps and to both ends", async () => {
    const widget = await ready();
    slider(widget).focus();
    await userEvent.keyboard("{ArrowRight}{ArrowUp}{PageUp}");
    expect(widget.store.threshold.value).toBeCloseTo(0.12);
    await userEvent.keyboard("{ArrowLeft}{PageDown}");
    expect(widget.store.threshold.value).toBeCloseTo(0.01);
    await userEvent.keyboard("{End}");
    expect(widget.store.threshold.value).toBe(1);
    await until(() => expect(unassigned(widget)).toMatch(/^unassigned(\d+)/));
    await userEvent.keyboard("{Home}");
    await until(() => expect(unassigned(widget)).toBeUndefined());
  });

  test("a threshold that Python sets is shown", async () => {
    const widget = await ready();
    await widget.session.threshold(0.75);
    await until(() => expect(textOf(widget.one(".cut"))).toContain("Unassigned below0.75"));
    await until(() => expect(unassigned(widget)).toBeDefined());
  });

  test("only the legend of labels has it", async () => {
    const widget = await ready();
    widget.store.colorBy("obs:region");
    await until(() => expect(widget.all(".cut")).toHaveLength(0));
  });
});
