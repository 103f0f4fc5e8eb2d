import { describe, expect, test } from "vitest";
import { userEvent } from "vitest/browser";
import { type TruthOptions, withTruth } from "../../../dev/truth";
import { type Opened, type OpenOptions, open, textOf, until } from "../testing/open";

const tabs = ({ all }: Opened) => all('[role="tab"]').map(textOf);
const openTab = async (widget: Opened) => {
  await until(() => expect(tabs(widget)).toContain("Truth"));
  widget.one('[data-tab="truth"]').click();
};
const withKnown = (truth: TruthOptions, more: OpenOptions = {}) =>
  open({ ...more, change: (data) => withTruth(data, truth) });
const selected = ({ store }: Opened) => store.counts.value?.selected ?? 0;
const figure = (widget: Opened, name: string) =>
  widget.all(".figures > div").find((each) => textOf(each).endsWith(name))?.firstElementChild?.textContent;

describe("truth", () => {
  test("without known labels there is no such tab", async () => {
    const widget = await open();
    await until(() => expect(widget.all(".tr").length).toBeGreaterThan(0));
    expect(tabs(widget)).not.toContain("Truth");
  });

  test.each([1100, 760, 560, 400])("at %d px it is a tab that says how often the model is right", async (width) => {
    const widget = await withKnown({}, { width });
    await openTab(widget);
    await until(() => expect(figure(widget, "accuracy")).toMatch(/^9\d\.\d%$/));
    expect(widget.all(".cm .beside > span").length).toBeGreaterThan(10);
    expect(widget.all(".classes tbody tr").length).toBeGreaterThan(10);
  });

  test("disagreements are one click away, and so is seeing them alone", async () => {
    const widget = await withKnown({});
    await openTab(widget);
    await until(() => widget.one(".disagreements .btn"));
    const wrong = Number(textOf(widget.one(".disagreements .btn")).replace(/\D/g, ""));
    widget.one(".disagreements .btn").click();
    await until(() => expect(selected(widget)).toBe(wrong));
    expect(widget.session.selected?.count).toBe(wrong);
    expect(tabs(widget)).toContain("Truth");
    widget.one('.disagreements [aria-label^="Only"]').click();
    await until(() => expect(textOf(widget.one(".tbar"))).toContain(`${wrong} of 300 cells`));
    expect(textOf(widget.one(".tbar"))).toContain("only disagrees");
    widget.one('.disagreements [aria-label^="Only"]').click();
    await until(() => expect(textOf(widget.one(".tbar"))).toContain("300 of 300 cells"));
  });

  test("a cell that is clicked takes its place", async () => {
    const widget = await withKnown({});
    await openTab(widget);
    await until(() => widget.one(".truth .figures"));
    widget.store.pinCell(3);
    await until(() => expect(textOf(widget.one('[role="tabpanel"]'))).toMatch(/^Cell/));
    expect(widget.one('[data-tab="inspect"]').getAttribute("aria-selected")).toBe("true");
  });

  test("fields are reached by keys, say what they hold, and select it", async () => {
    const widget = await withKnown({});
    await openTab(widget);
    await until(() => widget.one(".cm"));
    widget.one(".cm").focus();
    await userEvent.keyboard("{ArrowDown}");
    const said = textOf(widget.one(".truth .said"));
    expect(said).toMatch(/^Astrocyte labelled Astrocyte\d+ cells?, [\d.]+% of \d+/);
    await userEvent.keyboard("{Enter}");
    await until(() => expect(selected(widget)).toBe(Number(/(\d+) cell/.exec(said)?.[1])));
    await userEvent.keyboard("{ArrowRight}{ArrowRight}{ArrowDown}");
    expect(widget.all(".cm .on")).toHaveLength(2);
  });

  test("a click in the map of counts selects these cells", async () => {
    const widget = await withKnown({});
    await openTab(widget);
    await until(() => widget.one(".cm canvas"));
    await userEvent.click(widget.one(".cm canvas"), { position: { x: 3, y: 3 } });
    await until(() => expect(selected(widget)).toBeGreaterThan(0));
  });

  test("all follows the threshold", async () => {
    const widget = await withKnown({});
    await openTab(widget);
    await until(() => expect(figure(widget, "accuracy")).toBeDefined());
    expect(figure(widget, "assigned")).toBeUndefined();
    widget.store.moveThreshold(0.8);
    await until(() => expect(figure(widget, "assigned")).toMatch(/%$/));
    expect(textOf(widget.one(".truth"))).toMatch(/\d% of the assigned cells are right/);
    expect(widget.all(".cm .over > span").map(textOf)).toContain("unassigned");
  });

  test("names that the model does not know are a row, names that no cell has are none, and markup is text", async () => {
    const widget = await withKnown({});
    await openTab(widget);
    await until(() => expect(textOf(widget.one(".truth"))).toContain("names that the model does not know"));
    const names = widget.all(".cm .beside > span").map(textOf);
    expect(names).toContain("<i>odd</i> type");
    expect(widget.all(".cm .beside i")).toHaveLength(0);
    expect(names).not.toContain("Exclude");
  });

  test("nothing but such names", async () => {
    const widget = await withKnown({ strange: true });
    await openTab(widget);
    await until(() => expect(textOf(widget.one(".truth"))).toContain("None of the names in cell_type is a class"));
    expect(widget.all(".disagreements, .classes")).toHaveLength(0);
    expect(widget.all(".cm .beside > span")).toHaveLength(3);
  });

  test("before anything was run", async () => {
    const widget = await withKnown({}, { done: 0, status: "idle" });
    await openTab(widget);
    await until(() => expect(textOf(widget.one(".truth"))).toContain("Nothing to compare yet"));
    widget.session.advance(200);
    await until(() => expect(figure(widget, "accuracy")).toBeDefined());
  });
});
