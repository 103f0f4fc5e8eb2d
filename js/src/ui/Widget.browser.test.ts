import { describe, expect, onTestFinished, test, vi } from "vitest";
import { userEvent } from "vitest/browser";
import { dressPage } from "../../dev/hosts";
import type { Rgb } from "../view/api";
import { mountWidget } from "./mount";
import { open, textOf, until } from "./testing/open";
import { contrast } from "./theme";

describe("run bar", () => {
  test.each([1100, 1000, 920, 760])("nothing jumps between running and done at %d px", async (width) => {
    const widget = await open({ width, done: 150, status: "running", state: { rate: 412, left: 10, elapsed: 10 } });
    const lefts = () =>
      [".ctl", ".st", ".prog", ".words > :nth-child(1)", ".words > :nth-child(2)", ".words > :nth-child(3)"].map(
        (part) => {
          const { left, right } = widget.one(`.run ${part}`).getBoundingClientRect();
          return [left, right];
        },
      );
    const running = lefts();
    widget.session.advance(150);
    await until(() => expect(textOf(widget.one(".st"))).toBe("Done"));
    expect(lefts()).toEqual(running);
  });

  test.each([1100, 968, 900])("at %d px the model's title and the genes matched are whole", async (width) => {
    const widget = await open({ width });
    await until(() => expect(textOf(widget.one(".genes"))).toContain("genes"));
    for (const part of widget.all(".model .ell, .genes"))
      expect(part.scrollWidth).toBeLessThanOrEqual(part.offsetWidth);
  });

  test("its buttons are the run's commands", async () => {
    const widget = await open({ done: 10, status: "running" });
    const words = () => textOf(widget.one(".st"));
    widget.one('[aria-label="Pause"]').click();
    await until(() => expect(words()).toBe("Paused"));
    widget.one('[aria-label="Resume"]').click();
    await until(() => expect(words()).toBe("Running"));
    widget.one('[aria-label="Stop"]').click();
    await until(() => expect(words()).toBe("Stopped"));
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
    await until(() => expect(widget.all(".strip")).toHaveLength(0));
    expect(widget.one(".cw").offsetHeight).toBe(height);
  });

  test("the corner makes it higher by keys, to a least height", async () => {
    const widget = await open();
    widget.one(".resize").focus();
    await userEvent.keyboard("{ArrowDown}");
    await until(() => expect(widget.one(".cw").offsetHeight).toBe(664));
    for (let i = 0; i < 20; i++) await userEvent.keyboard("{ArrowUp}");
    await until(() => expect(widget.one(".cw").offsetHeight).toBe(320));
  });

  test("below 420 px the table is behind a button", async () => {
    const widget = await open({ width: 400 });
    expect(widget.all('[role="grid"]')).toHaveLength(0);
    widget.one(".tabs .end").click();
    await until(() => expect(widget.all('[role="grid"]')).toHaveLength(1));
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
    await until(() => expect(widget.store.counts.value?.selected).toBe(2));
    widget.one(".plot").focus();
    await userEvent.keyboard("{Escape}");
    expect(widget.store.pin.value).toBeNull();
    expect(widget.store.counts.value?.selected).toBe(2);
    await userEvent.keyboard("{Escape}");
    await until(() => expect(widget.store.counts.value?.selected).toBe(0));
  });
});

/** Presses, draws a way and lets go, with the mouse in the plot's own pixels. */
function drag(plot: HTMLElement, way: [number, number][], keys: PointerEventInit = {}): void {
  const box = plot.getBoundingClientRect();
  const fire = (type: string, [x, y]: [number, number]) =>
    plot.dispatchEvent(
      new PointerEvent(type, { clientX: box.left + x, clientY: box.top + y, bubbles: true, pointerId: 1, ...keys }),
    );
  plot.setPointerCapture = () => undefined;
  fire("pointerdown", way[0] as [number, number]);
  for (const point of way) fire("pointermove", point);
  fire("pointerup", way[way.length - 1] as [number, number]);
}

const AROUND_ALL: [number, number][] = [
  [1, 1],
  [640, 1],
  [640, 380],
  [1, 380],
];

describe("the lasso", () => {
  test("Shift-drag selects, Alt-drag takes away, and the session hears of it", async () => {
    const widget = await open();
    await until(() => expect(widget.store.extent.value).not.toBeNull());
    const plot = widget.one(".plot");
    drag(plot, AROUND_ALL, { shiftKey: true });
    await until(() => expect(widget.store.counts.value?.selected).toBe(300));
    expect(widget.session.selected?.count).toBe(300);
    const left = AROUND_ALL.map(([x, y]): [number, number] => [x / 2, y]);
    drag(plot, left, { shiftKey: true, altKey: true });
    await until(() => expect(widget.store.counts.value?.selected).toBeLessThan(300));
    expect(widget.store.counts.value?.selected).toBeGreaterThan(0);
  });

  test("too short a way selects nothing and keeps what is selected", async () => {
    const widget = await open();
    await until(() => expect(widget.store.extent.value).not.toBeNull());
    widget.store.select({ by: "rows", rows: Uint32Array.of(1), mode: "replace" });
    await until(() => expect(widget.store.counts.value?.selected).toBe(1));
    const select = vi.spyOn(widget.store, "select");
    drag(widget.one(".plot"), [[10, 10]], { shiftKey: true });
    expect(select).not.toHaveBeenCalled();
  });
});

describe("two views of one widget", () => {
  test("share what is chosen, and go away one by one", async () => {
    const widget = await open();
    const second = document.createElement("div");
    second.style.width = "1100px";
    document.body.append(second);
    const unmount = mountWidget(second, widget.store);
    const words = () => textOf(second.firstElementChild?.shadowRoot?.querySelector(".tbar") as Element);
    await until(() => expect(words()).toContain("300 of 300"));
    widget.store.hide("label", new Set([3]));
    await until(() => expect(words()).toContain("without IT"));
    unmount();
    second.remove();
    widget.store.hide("label", new Set());
    await until(() => expect(textOf(widget.one(".tbar"))).toBe("300 of 300 cells"));
  });
});

describe("what is read aloud", () => {
  const said = (widget: Awaited<ReturnType<typeof open>>) => textOf(widget.one('[aria-live="polite"]'));

  test("the end of a run, and a selection", async () => {
    const widget = await open({ done: 299, status: "running" });
    widget.session.advance(1);
    await until(() => expect(said(widget)).toMatch(/^Done: 300 cells/));
    widget.store.select({ by: "rows", rows: Uint32Array.of(1, 2), mode: "replace" });
    await until(() => expect(said(widget)).toBe("2 cells selected"));
  });
});

/** What a token looks like on the frame's ground. */
function seen(frame: HTMLElement, token: string): Rgb {
  const context = new OffscreenCanvas(1, 1).getContext("2d")!;
  const probe = document.createElement("span");
  frame.append(probe);
  for (const name of ["--bg", token]) {
    probe.style.color = `var(${name})`;
    context.fillStyle = getComputedStyle(probe).color;
    context.fillRect(0, 0, 1, 1);
  }
  probe.remove();
  return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3) as Rgb;
}

describe("themes", () => {
  test.each(["light", "dark", "vscode-dark", "plain"])("text is legible in %s", async (name) => {
    onTestFinished(() => document.documentElement.removeAttribute("style"));
    dressPage(name);
    const frame = (await open()).one(".cw");
    await until(() => expect(frame.dataset.dark).toBe(String(name.endsWith("dark"))));
    const ground = seen(frame, "--bg");
    for (const token of ["--fg", "--fg2", "--err"]) expect(contrast(seen(frame, token), ground)).toBeGreaterThan(4.5);
    expect(contrast(seen(frame, "--btnfg"), seen(frame, "--btn"))).toBeGreaterThanOrEqual(4.5);
  });

  test("VS Code's colours win over the light ones that its manager sets for Jupyter", async () => {
    const style = document.documentElement.style;
    style.setProperty("--jp-layout-color0", "#ffffff");
    style.setProperty("--vscode-editor-background", "#1f1f1f");
    style.setProperty("--vscode-foreground", "#cccccc");
    const widget = await open();
    const frame = widget.one(".cw");
    await until(() => expect(frame.dataset.dark).toBe("true"));
    expect(getComputedStyle(frame).backgroundColor).toBe("rgb(31, 31, 31)");
    for (const name of ["--vscode-editor-background", "--vscode-foreground"]) style.removeProperty(name);
    await until(() => expect([frame.dataset.host, frame.dataset.dark]).toEqual(["jupyter", "false"]));
    style.removeProperty("--jp-layout-color0");
  });
});

describe("the strip", () => {
  test("says one thing after another, each until it is dismissed", async () => {
    const widget = await open({ state: { notes: ["nothing was written", "two names are the same"] } });
    expect(textOf(widget.one(".strip"))).toBe("Nothing was written.");
    widget.one('[aria-label="Dismiss"]').click();
    await until(() => expect(textOf(widget.one(".strip"))).toBe("Two names are the same."));
    widget.one('[aria-label="Dismiss"]').click();
    await until(() => expect(widget.all(".strip")).toHaveLength(0));
  });

  test("a failure has a remedy and a button that goes on from there", async () => {
    const problem = { title: "Memory ran out", detail: "1.2 GB", remedy: "Choose a smaller batch_size." };
    const widget = await open({ done: 100, status: "failed", state: { problem } });
    expect(textOf(widget.one('[role="alert"]'))).toBe("Memory ran out. 1.2 GB.Choose a smaller batch_size.Resume");
    const command = vi.spyOn(widget.session, "command");
    widget.one(".strip .pri").click();
    expect(command).toHaveBeenCalledWith("resume");
  });
});
