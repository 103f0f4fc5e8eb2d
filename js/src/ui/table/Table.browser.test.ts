import { describe, expect, test } from "vitest";
import { userEvent } from "vitest/browser";
import { type Opened, open, textOf, until } from "../testing/open";

const names = ({ all }: Opened) => all('.tr [data-col="1"]').map(textOf);
const ready = (widget: Opened) => until(() => expect(names(widget)[0]).toMatch(/^F2S4/));
const focused = ({ host }: Opened) => host.firstElementChild?.shadowRoot?.activeElement as HTMLElement | null;
const place = (widget: Opened) => {
  const cell = focused(widget);
  return [cell?.closest<HTMLElement>("[data-row]")?.dataset.row, cell?.dataset.col];
};
const selected = ({ store }: Opened) => store.counts.value?.selected ?? 0;

async function enter(widget: Opened): Promise<void> {
  await ready(widget);
  widget.one('[role="grid"] [tabindex="0"]').focus();
}

describe("table", () => {
  test("only rows in sight are in the page, and scrolling shows others", async () => {
    const widget = await open({ cells: { n: 5000 } });
    await ready(widget);
    expect(widget.all(".tr").length).toBeLessThan(20);
    expect(widget.one('[role="grid"]').getAttribute("aria-rowcount")).toBe("5001");
    const first = names(widget)[0];
    const scroller = widget.one(".tb .scroll");
    scroller.scrollTop = scroller.scrollHeight;
    await until(() => expect(widget.one('[data-row="4999"] [data-col="1"]').textContent).toMatch(/^F2S4/));
    expect(names(widget)).not.toContain(first);
  });

  test("has one tab stop, which arrows move", async () => {
    const widget = await open();
    await enter(widget);
    expect(widget.all('[role="grid"] [tabindex="0"]')).toHaveLength(1);
    expect(place(widget)).toEqual(["-1", "1"]);
    await userEvent.keyboard("{ArrowDown}{ArrowDown}{ArrowRight}");
    expect(place(widget)).toEqual(["1", "2"]);
    await userEvent.keyboard("{Control>}{End}{/Control}");
    expect(place(widget)[0]).toBe("299");
    expect(widget.all('[role="grid"] [tabindex="0"]')).toHaveLength(1);
    await userEvent.keyboard("{Control>}{Home}{/Control}");
    expect(place(widget)).toEqual(["0", "0"]);
  });

  test("keeps the focus when it is scrolled out of sight", async () => {
    const widget = await open();
    await enter(widget);
    await userEvent.keyboard("{ArrowDown}");
    const scroller = widget.one(".tb .scroll");
    scroller.scrollTop = scroller.scrollHeight;
    await until(() => expect(widget.all('[data-row="299"]')).toHaveLength(1));
    expect(place(widget)).toEqual(["0", "1"]);
  });

  test("space selects, shift extends, escape lets go", async () => {
    const widget = await open();
    await enter(widget);
    await userEvent.keyboard("{ArrowDown} ");
    await until(() => expect(selected(widget)).toBe(1));
    await userEvent.keyboard("{Shift>}{ArrowDown}{ArrowDown}{/Shift}");
    await until(() => expect(selected(widget)).toBe(3));
    expect(widget.session.selected?.count).toBe(3);
    expect([...(widget.session.selected?.bits ?? [])].slice(0, 1)).toEqual([0b111]);
    await userEvent.keyboard("{Escape}");
    await until(() => expect(selected(widget)).toBe(0));
  });

  test("clicks: the box, control and shift select, a plain click pins", async () => {
    const widget = await open();
    await ready(widget);
    widget.one('[data-row="1"] [data-col="0"]').click();
    await until(() => expect(widget.one('[data-row="1"]').getAttribute("aria-selected")).toBe("true"));
    const third = widget.one('[data-row="3"] [data-col="2"]');
    third.dispatchEvent(new MouseEvent("click", { bubbles: true, ctrlKey: true }));
    await until(() => expect(selected(widget)).toBe(2));
    const sixth = widget.one('[data-row="6"] [data-col="2"]');
    sixth.dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey: true }));
    await until(() => expect(selected(widget)).toBe(4));
    widget.one('[data-row="0"] [data-col="2"]').click();
    await until(() => expect(widget.store.pin.value?.detail?.row).toBe(0));
    expect(selected(widget)).toBe(4);
  });

  test("heads sort: up, down, as it came", async () => {
    const widget = await open();
    await ready(widget);
    const before = names(widget);
    const head = widget.all('[role="columnheader"]').find((cell) => textOf(cell).startsWith("cell"))!;
    head.click();
    await until(() => expect(names(widget)).not.toEqual(before));
    expect(names(widget)).toEqual([...names(widget)].sort());
    expect(head.getAttribute("aria-sort")).toBe("ascending");
    head.click();
    head.click();
    await until(() => expect(names(widget)).toEqual(before));
    expect(head.getAttribute("aria-sort")).toBe("none");
  });

  test("the head's box selects all and nothing", async () => {
    const widget = await open();
    await ready(widget);
    const box = widget.one('.th [data-col="0"]');
    box.click();
    await until(() => expect(selected(widget)).toBe(300));
    await until(() => expect(widget.one('.th [role="checkbox"]').getAttribute("aria-checked")).toBe("true"));
    box.click();
    await until(() => expect(selected(widget)).toBe(0));
  });

  test("rows fill in place while a run goes on", async () => {
    const widget = await open({ done: 0, status: "running" });
    await ready(widget);
    const label = () => textOf(widget.one('[data-row="2"] [data-col="2"]'));
    expect(label()).toBe("not run");
    const name = names(widget)[2];
    widget.session.advance(100);
    await until(() => expect(label()).not.toBe("not run"));
    expect(names(widget)[2]).toBe(name);
  });

  test("names from the data are text, whatever they look like", async () => {
    const widget = await open({ width: 1500 });
    await ready(widget);
    const scroller = widget.one(".tb .scroll");
    scroller.scrollLeft = scroller.scrollWidth;
    await until(() => expect(widget.all(".tr").some((row) => textOf(row).includes("<b>bold</b>"))).toBe(true));
    expect(widget.all(".tr b")).toHaveLength(0);
  });
});
