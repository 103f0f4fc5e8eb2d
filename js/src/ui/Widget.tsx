import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Theme } from "../view/api";
import { useStore } from "./context";
import { Inspect } from "./inspect/Inspect";
import { LiveRegion } from "./LiveRegion";
import { defaultHeight, lowerHeight, type Width, widthClass } from "./layout";
import { Legend } from "./legend/Legend";
import { Icon } from "./parts/Icon";
import { type Tab, Tabs } from "./parts/Tabs";
import { Plot } from "./plot/Plot";
import { ResizeCorner } from "./ResizeCorner";
import { RunBar } from "./RunBar";
import { Strip } from "./Strip";
import { Table } from "./table/Table";
import { watchTheme } from "./theme";
import { TruthPanel } from "./truth/TruthPanel";

/** The width of a ruler that has no height; 0 until it has one (a hidden tab is 0 x 0). */
function useWidth(ruler: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = ruler.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      if (element.offsetWidth > 0) setWidth(element.offsetWidth);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [ruler]);
  return width;
}

/** How high the screen is while the widget fills it, else null. */
function useFullHeight(root: { current: HTMLElement | null }): number | null {
  const [height, setHeight] = useState<number | null>(null);
  useEffect(() => {
    const read = () => setHeight(root.current?.matches(":fullscreen") ? innerHeight : null);
    document.addEventListener("fullscreenchange", read);
    addEventListener("resize", read);
    return () => {
      document.removeEventListener("fullscreenchange", read);
      removeEventListener("resize", read);
    };
  }, [root]);
  return height;
}

/** The theme follows the host from the moment the widget stands in the page. */
function useTheme(root: { current: HTMLElement | null }, probe: { current: HTMLElement | null }, placed: boolean) {
  const { dark } = useStore();
  const [theme, setTheme] = useState<Theme | null>(null);
  useLayoutEffect(() => {
    if (!placed || !root.current || !probe.current) return;
    return watchTheme(root.current, probe.current, (next) => {
      dark.value = next.dark;
      setTheme(next);
    });
  }, [root, probe, placed, dark]);
  return theme;
}

const PANELS = { colours: Legend, inspect: Inspect, truth: TruthPanel };

type TabId = "table" | keyof typeof PANELS;

const TABLE: Tab = { id: "table", label: "Table" };
const COLOURS: Tab = { id: "colours", label: "Colours" };

/** What there is to ask, in tabs: the truth only where some is known. */
function useAsked(): Tab[] {
  const truth = useStore().schema.value?.truth;
  return [{ id: "inspect", label: "Inspect" }, ...(truth ? [{ id: "truth", label: "Truth" }] : [])];
}

function Panel({ tab }: { tab: TabId }) {
  if (tab === "table") return <Table narrow />;
  const Shown = PANELS[tab];
  return (
    <div class="side grow" role="tabpanel">
      <Shown />
    </div>
  );
}

/** Beside the map: a single panel needs no tab. */
function Asked({ tab, onTab }: { tab: TabId; onTab(tab: TabId): void }) {
  const tabs = useAsked();
  if (tabs.length === 1) return <Inspect />;
  const current = tab === "truth" ? tab : "inspect";
  return (
    <>
      <Tabs tabs={tabs} current={current} onSelect={(id) => onTab(id as TabId)} />
      <Panel tab={current} />
    </>
  );
}

function Lower({ width, height, tab, onTab }: { width: Width; height: number; tab: TabId; onTab(tab: TabId): void }) {
  const asked = useAsked();
  if (width === "wide" || width === "mid")
    return (
      <div class="bottom" style={{ height: `${height}px` }}>
        <Table />
      </div>
    );
  const tiny = width === "tiny";
  const side = [COLOURS, ...asked];
  return (
    <div class="low" style={{ height: `${height}px` }}>
      <Tabs tabs={tiny ? side : [TABLE, ...side]} current={tab} onSelect={(id) => onTab(id as TabId)}>
        {tiny && (
          <button
            type="button"
            class="end"
            aria-pressed={tab === "table"}
            onClick={() => onTab(tab === "table" ? "colours" : "table")}
          >
            <Icon name="table" />
            Table
          </button>
        )}
      </Tabs>
      <Panel tab={tab} />
    </div>
  );
}

function Main({ width, theme, tab, onTab }: { width: Width; theme: Theme; tab: TabId; onTab(tab: TabId): void }) {
  const asked = useAsked();
  const plot = (
    <Plot theme={theme} compact={width === "narrow" || width === "tiny"} onInspect={() => onTab("inspect")} />
  );
  if (width === "wide")
    return (
      <div class="main">
        <div class="side">
          <Legend />
        </div>
        {plot}
        <div class="side">
          <Asked tab={tab} onTab={onTab} />
        </div>
      </div>
    );
  if (width !== "mid") return <div class="main">{plot}</div>;
  return (
    <div class="main">
      {plot}
      <div class="side">
        <Tabs tabs={[COLOURS, ...asked]} current={tab} onSelect={(id) => onTab(id as TabId)} />
        <Panel tab={tab} />
      </div>
    </div>
  );
}

/** Where a tab is not offered at this width, or there is no truth, the colours stand in. */
function offered(tab: TabId | null, width: Width, truth: boolean): TabId {
  const wanted = tab === "truth" && !truth ? null : tab;
  if (width === "narrow") return wanted ?? "table";
  if (width === "tiny") return wanted ?? "colours";
  return wanted === "table" ? "colours" : (wanted ?? "colours");
}

export function Widget({ height: asked }: { height: number | null }) {
  const { schema, pin } = useStore();
  const root = useRef<HTMLElement>(null);
  const probe = useRef<HTMLSpanElement>(null);
  const wide = useWidth(probe);
  const full = useFullHeight(root);
  const theme = useTheme(root, probe, wide > 0);
  const [height, setHeight] = useState(asked);
  const [tab, setTab] = useState<TabId | null>(null);

  // Before anything is drawn in it: a plot that grows afterwards would be fitted to less than it has.
  useLayoutEffect(() => {
    if (wide > 0 && height === null) setHeight(defaultHeight(wide));
  }, [wide, height]);

  const width = widthClass(wide);
  const current = offered(tab, width, Boolean(schema.value?.truth));
  const pinned = pin.value?.row ?? null;

  // Who clicks a cell wants to know about it, unless they are at the table that stands in its place.
  useEffect(() => {
    if (pinned !== null && current !== "table") setTab("inspect");
  }, [pinned]);

  return (
    <section
      ref={root}
      class="cw"
      data-width={width}
      style={{ height: height === null ? "480px" : `${height}px` }}
      aria-label={schema.value ? `cellwidget: ${schema.value.model.title}` : "cellwidget"}
    >
      <span ref={probe} class="ruler" />
      {theme && height !== null && (
        <>
          <RunBar tiny={width === "tiny"} />
          <Strip />
          <Main width={width} theme={theme} tab={current} onTab={setTab} />
          <Lower width={width} height={lowerHeight(width, full ?? height)} tab={current} onTab={setTab} />
          <ResizeCorner root={root} onHeight={setHeight} />
        </>
      )}
      <LiveRegion />
    </section>
  );
}
