import type { Signal } from "@preact/signals";
import { describe, expect, test, vi } from "vitest";
import { userEvent } from "vitest/browser";
import type { Store } from "../store";
import { type Opened, type OpenOptions, open, textOf, until } from "./testing/open";

const BOTH: OpenOptions = { cells: { engines: ["kernel", "browser"] }, done: 150, status: "running" };

const button = ({ one }: Opened) => one<HTMLButtonElement>(".choice > button");
const items = ({ all }: Opened) => all('[role="menuitemradio"]');
const focused = ({ host }: Opened) => host.firstElementChild?.shadowRoot?.activeElement ?? null;
const shut = (widget: Opened) => until(() => expect(items(widget)).toHaveLength(0));

async function unfold(widget: Opened): Promise<void> {
  button(widget).click();
  await until(() => expect(items(widget)).toHaveLength(2));
}

describe("the engine in the run bar", () => {
  test("is a word where there is no choice", async () => {
    const widget = await open();
    expect(textOf(widget.one(".run .engine"))).toBe("Kernel");
    expect(widget.all(".choice")).toHaveLength(0);
  });

  test("says what runs, and with what", async () => {
    const widget = await open({ ...BOTH, engine: "browser" });
    expect(textOf(button(widget))).toBe("Browser2 workers · WASM");
    expect(button(widget).getAttribute("aria-label")).toBe("Where the model runs: Browser (2 workers, WASM)");
    await until(() => expect(textOf(widget.one(".pairs"))).toContain("enginebrowser · 2 workers · WASM"));
  });

  test("choosing the other one is a command, and the run goes on there", async () => {
    const widget = await open(BOTH);
    const command = vi.spyOn(widget.session, "command");
    await unfold(widget);
    items(widget)[1]?.click();
    expect(command).toHaveBeenCalledExactlyOnceWith("browser");
    await shut(widget);
    await until(() => expect(textOf(button(widget))).toContain("Browser"));
    expect(focused(widget)).toBe(button(widget));
    expect(textOf(widget.one(".st"))).toBe("Running");
    expect(textOf(widget.one('[aria-live="polite"]'))).toBe("Engine: Browser");
  });

  test("choosing the one that runs is no command", async () => {
    const widget = await open(BOTH);
    const command = vi.spyOn(widget.session, "command");
    await unfold(widget);
    items(widget)[0]?.click();
    await shut(widget);
    expect(command).not.toHaveBeenCalled();
  });

  test("by keys: arrows go round, enter takes, the focus comes back", async () => {
    const widget = await open(BOTH);
    button(widget).focus();
    await userEvent.keyboard("{ArrowDown}");
    await until(() => expect(focused(widget)).toBe(items(widget)[0]));
    await userEvent.keyboard("{ArrowUp}");
    expect(focused(widget)).toBe(items(widget)[1]);
    await userEvent.keyboard("{ArrowDown}{End}");
    expect(focused(widget)).toBe(items(widget)[1]);
    await userEvent.keyboard("{Home}{ArrowDown}{Enter}");
    await shut(widget);
    expect(focused(widget)).toBe(button(widget));
    await until(() => expect(textOf(button(widget))).toContain("Browser"));
  });

  test("escape changes nothing, and is not the plot's", async () => {
    const widget = await open(BOTH);
    widget.store.pinCell(3);
    button(widget).focus();
    await userEvent.keyboard("{Enter}");
    await until(() => expect(focused(widget)).toBe(items(widget)[0]));
    await userEvent.keyboard("{Escape}");
    await shut(widget);
    expect(focused(widget)).toBe(button(widget));
    expect(widget.store.pin.value?.row).toBe(3);
    expect(widget.store.run.value?.engine).toBe("kernel");
  });

  test("whoever leaves it, by Tab or by a click elsewhere, shuts it", async () => {
    const widget = await open(BOTH);
    await unfold(widget);
    await until(() => expect(focused(widget)).toBe(items(widget)[0]));
    await userEvent.keyboard("{Tab}");
    await shut(widget);
    await unfold(widget);
    await until(() => expect(focused(widget)).toBe(items(widget)[0]));
    await userEvent.click(widget.one(".plot"));
    await shut(widget);
  });

  test("a second click shuts it", async () => {
    const widget = await open(BOTH);
    await userEvent.click(button(widget));
    await until(() => expect(focused(widget)).toBe(items(widget)[0]));
    await userEvent.click(button(widget));
    await shut(widget);
    expect(button(widget).getAttribute("aria-expanded")).toBe("false");
  });

  test("the menu checks the current one and says why it was chosen, as text", async () => {
    const chosen = "the page has <b>three</b> cores";
    const widget = await open({ ...BOTH, engine: "browser", state: { chosen } });
    await unfold(widget);
    expect(items(widget).map((item) => item.ariaChecked)).toEqual(["false", "true"]);
    expect(textOf(widget.one(".why"))).toBe("The page has <b>three</b> cores.");
  });

  test.each([1400, 1100, 968, 760, 560, 400])("at %d px all is whole, the menu too", async (width) => {
    const widget = await open({ ...BOTH, width, engine: "browser", done: 300, status: "done" });
    await until(() => expect(widget.store.counts.value?.shown).toBe(300));
    await unfold(widget);
    const frame = widget.one(".cw").getBoundingClientRect();
    for (const part of widget.all(".run > *, .menu")) {
      const box = part.getBoundingClientRect();
      expect(box.left).toBeGreaterThanOrEqual(frame.left);
      expect(box.right).toBeLessThanOrEqual(frame.right);
    }
    for (const part of widget.all(".model .ell, .genes, .choice .name, .choice .detail"))
      expect(part.scrollWidth).toBeLessThanOrEqual(part.offsetWidth);
    const hit = widget.host.firstElementChild?.shadowRoot?.elementFromPoint(frame.right - 40, frame.top + 90);
    expect(hit?.closest(".menu")).not.toBeNull();
  });

  test.each([1100, 968, 760])("nothing jumps between the engines at %d px", async (width) => {
    const widget = await open({ ...BOTH, width });
    const boxes = () =>
      [".prog", ".words", ".choice > button"].map((part) => {
        const { left, right } = widget.one(`.run ${part}`).getBoundingClientRect();
        return [left, right];
      });
    const before = boxes();
    widget.session.command("browser");
    await until(() => expect(textOf(button(widget))).toContain("Browser"));
    expect(boxes()).toEqual(before);
  });
});

describe("the page loads the model", () => {
  const state: OpenOptions["state"] = { backend: null, workers: 0 };
  const load = ({ store }: Opened, loaded: number) => {
    (store.download as Signal<Store["download"]["value"]>).value = { loaded, total: 7_130_000 };
  };

  test("the bar says how much has come, and can be stopped", async () => {
    const widget = await open({ ...BOTH, engine: "browser", done: 0, status: "waiting", state });
    load(widget, 4_210_000);
    await until(() => expect(textOf(widget.one(".run"))).toContain("Loading4.2 of 7.1 MB"));
    const bar = widget.one('[role="progressbar"]');
    expect([bar.ariaLabel, bar.ariaValueNow, bar.ariaValueMax]).toEqual(["Bytes loaded", "4210000", "7130000"]);
    expect(textOf(widget.one('[aria-live="polite"]'))).toBe("Loading the model onto this page");
    widget.one('[aria-label="Stop"]').click();
    await until(() => expect(textOf(widget.one(".st"))).toBe("Stopped"));
  });

  test("where there is no map yet, it says so in its place", async () => {
    const cells = { ...BOTH.cells, source: "umap", reference: 0 } as const;
    const widget = await open({ ...BOTH, cells, engine: "browser", done: 0, status: "waiting", state });
    await until(() => expect(textOf(widget.one(".mid"))).toBe("Waiting for a page to run the model300 cells"));
    load(widget, 2_000_000);
    await until(() => expect(textOf(widget.one(".mid"))).toBe("Loading the model onto this page2.0 of 7.1 MB"));
  });

  test("nothing jumps when it has come", async () => {
    const widget = await open({ ...BOTH, engine: "browser", done: 0, status: "waiting", state });
    const boxes = () =>
      [".ctl", ".st", ".prog", ".choice"].map((part) => widget.one(`.run ${part}`).getBoundingClientRect().left);
    load(widget, 4_210_000);
    await until(() => expect(textOf(widget.one(".st"))).toBe("Loading"));
    const before = boxes();
    widget.session.command("resume");
    widget.session.advance(10);
    await until(() => expect(textOf(widget.one(".run"))).toContain("Running10 of 300"));
    expect(boxes()).toEqual(before);
  });
});

describe("the browser engine's troubles", () => {
  const problem = { title: "The tab has no memory left", detail: "2.1 GB", remedy: "Run it in the kernel." };

  test("a failure offers the kernel beside another try", async () => {
    const widget = await open({ ...BOTH, engine: "browser", done: 0, status: "failed", state: { problem } });
    expect(widget.all(".strip .btn").map(textOf)).toEqual(["Run in the kernel", "Try again"]);
    widget.one(".strip .pri").click();
    await until(() => expect(widget.store.run.value).toMatchObject({ engine: "kernel", status: "running" }));
    await until(() => expect(widget.all(".strip")).toHaveLength(0));
  });

  test("no kernel is offered where the model has none, or where it is the kernel that failed", async () => {
    const alone = await open({
      cells: { engines: ["browser"] },
      engine: "browser",
      status: "failed",
      state: { problem },
    });
    expect(alone.all(".strip .btn").map(textOf)).toEqual(["Resume"]);
    const waiting = await open({ cells: { engines: ["browser"] }, engine: "browser", done: 9, status: "waiting" });
    await until(() => expect(textOf(waiting.one(".strip"))).toMatch(/Reload this page\.$/));
    const kernel = await open({ ...BOTH, status: "failed", state: { problem } });
    expect(kernel.all(".strip .btn").map(textOf)).toEqual(["Resume"]);
  });

  test.each([760, 560, 400])("the waiting strip leaves its words their width at %d px", async (width) => {
    const widget = await open({ ...BOTH, width, engine: "browser", status: "waiting" });
    const words = await until(() => widget.one(".strip .tx"));
    expect(words.offsetWidth).toBeGreaterThan(0.75 * width);
  });

  test("a run that no page computes says what to do, and goes on in the kernel from there", async () => {
    const widget = await open({ ...BOTH, engine: "browser", status: "waiting" });
    expect(textOf(widget.one(".st"))).toBe("Waiting");
    await until(() => expect(textOf(widget.one(".strip"))).toContain("No page is running the model."));
    widget.one(".strip .pri").click();
    await until(() => expect(textOf(widget.one(".st"))).toBe("Running"));
    expect(widget.store.run.value).toMatchObject({ engine: "kernel", done: 150 });
  });
});
