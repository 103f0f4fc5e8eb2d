import { describe, expect, test, vi } from "vitest";
import { userEvent } from "vitest/browser";
import { open, textOf } from "./testing/open";

describe("run bar", () => {
  test("nothing jumps: what stands in running and in done stands at the same place", async () => {
    const widget = await open({ done: 150, status: "running", state: { rate: 412, left: 10, elapsed: 10 } });
    const lefts = () =>
      [".ctl", ".st", ".prog", ".words > :nth-child(1)", ".words > :nth-child(2)", ".words > :nth-child(3)"].map(
        (part) => {
          const { left, right } = widget.one(`.run ${part}`).getBoundingClientRect();
          return [left, right];
        },
      );
    const running = lefts();
    widget.session.advance(150);
    await vi.waitFor(() => expect(textOf(widget.one(".st"))).toBe("Done"));
    expect(lefts()).toEqual(running);
  });

  test("its buttons are the run's commands", async () => {
    const widget = await open({ done: 10, status: "running" });
    const words = () => textOf(widget.one(".st"));
    widget.one('[aria-label="Pause"]').click();
    await vi.waitFor(() => expect(words()).toBe("Paused"));
    widget.one('[aria-label="Resume"]').click();
    await vi.waitFor(() => expect(words()).toBe("Running"));
    widget.one('[aria-label="Stop"]').click();
    await vi.waitFor(() => expect(words()).toBe("Stopped"));
    expect(widget.one<HTMLButtonElement>('[aria-label="Stop"]').disabled).toBe(true);
  });
});

describe("the frame", () => {
  test.each([
    [1100, "wide", 640],
    [760, "mid", 480],
    [560, "narrow", 480],
    [400, "tiny", 480],
  ])("%d px wide is %s and %d px high, and nothing hangs out", async (width, name, height) => {
    const widget = await open({ width });
    const frame = widget.one(".cw");
    expect(frame.dataset.width).toBe(name);
    expect(frame.offsetHeight).toBe(height);
    const outside = widget
      .all(".run > *, .main > *, .tbar > *, .tabs > *")
      .filter((part) => part.getBoundingClientRect().right > frame.getBoundingClientRect().right + 0.5);
    expect(outside.map((part) => part.className)).toEqual([]);
  });

  test("the outer height stays when a strip comes and goes", async () => {
    const widget = await open({ done: 0, status: "idle" });
    const height = widget.one(".cw").offsetHeight;
    expect(textOf(widget.one(".strip"))).toContain("300 cells, ready to label.");
    widget.one(".strip .pri").click();
    await vi.waitFor(() => expect(widget.all(".strip")).toHaveLength(0));
    expect(widget.one(".cw").offsetHeight).toBe(height);
  });

  test("the corner makes it higher by keys, to a least height", async () => {
    const widget = await open();
    widget.one(".resize").focus();
    await userEvent.keyboard("{ArrowDown}");
    await vi.waitFor(() => expect(widget.one(".cw").offsetHeight).toBe(664));
    for (let i = 0; i < 20; i++) await userEvent.keyboard("{ArrowUp}");
    await vi.waitFor(() => expect(widget.one(".cw").offsetHeight).toBe(320));
  });

  test("below 420 px the table is behind a button", async () => {
    const widget = await open({ width: 400 });
    expect(widget.all('[role="grid"]')).toHaveLength(0);
    widget.one(".tabs .end").click();
    await vi.waitFor(() => expect(widget.all('[role="grid"]')).toHaveLength(1));
  });

  test("keys pressed in it are no commands of the notebook", async () => {
    const widget = await open();
    expect(widget.host.firstElementChild?.getAttribute("data-lm-suppress-shortcuts")).toBe("true");
  });
});

describe("the plot", () => {
  test("a wheel belongs to the page until the plot has the focus", async () => {
    const widget = await open();
    const plot = widget.one(".plot");
    const wheel = () => {
      const event = new WheelEvent("wheel", { deltaY: -100, cancelable: true, bubbles: true, composed: true });
      plot.dispatchEvent(event);
      return event.defaultPrevented;
    };
    expect(wheel()).toBe(false);
    plot.focus();
    expect(wheel()).toBe(true);
  });

  test("escape lets go of the pinned cell first, then of the selection", async () => {
    const widget = await open();
    widget.store.pinCell(3);
    widget.store.select({ by: "rows", rows: Uint32Array.of(1, 2), mode: "replace" });
    await vi.waitFor(() => expect(widget.store.counts.value?.selected).toBe(2));
    widget.one(".plot").focus();
    await userEvent.keyboard("{Escape}");
    expect(widget.store.pin.value).toBeNull();
    expect(widget.store.counts.value?.selected).toBe(2);
    await userEvent.keyboard("{Escape}");
    await vi.waitFor(() => expect(widget.store.counts.value?.selected).toBe(0));
  });
});

describe("what is read aloud", () => {
  const said = (widget: Awaited<ReturnType<typeof open>>) => textOf(widget.one('[aria-live="polite"]'));

  test("the end of a run, and a selection", async () => {
    const widget = await open({ done: 299, status: "running" });
    widget.session.advance(1);
    await vi.waitFor(() => expect(said(widget)).toMatch(/^Done: 300 cells/));
    widget.store.select({ by: "rows", rows: Uint32Array.of(1, 2), mode: "replace" });
    await vi.waitFor(() => expect(said(widget)).toBe("2 cells selected"));
  });
});

describe("themes", () => {
  test("VS Code's colours win over the light ones that its manager sets for Jupyter", async () => {
    const style = document.documentElement.style;
    style.setProperty("--jp-layout-color0", "#ffffff");
    style.setProperty("--vscode-editor-background", "#1f1f1f");
    style.setProperty("--vscode-foreground", "#cccccc");
    const widget = await open();
    const frame = widget.one(".cw");
    await vi.waitFor(() => expect(frame.dataset.dark).toBe("true"));
    expect(getComputedStyle(frame).backgroundColor).toBe("rgb(31, 31, 31)");
    for (const name of ["--vscode-editor-background", "--vscode-foreground"]) style.removeProperty(name);
    await vi.waitFor(() => expect([frame.dataset.host, frame.dataset.dark]).toEqual(["jupyter", "false"]));
    style.removeProperty("--jp-layout-color0");
  });
});
