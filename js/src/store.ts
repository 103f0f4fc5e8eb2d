/**
 * What all views of a widget share, as signals: small state and no columns (the view holds those), no DOM.
 * The store passes on what the session brings, and turns what people do into commands for session and view.
 */
import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { Genes } from "./genes";
import { type OpenModel, Runner } from "./inference/runner";
import { paletteOf, rampOf } from "./palette";
import { type CellDetail, type ColumnSpec, geneColumn, type Problem, type RunState, type Schema } from "./protocol";
import type { Session, Sink } from "./session/session";
import { Threshold } from "./threshold";
import type { Counts, DataEvents, Extent, Filter, Look, Select, Show, Sort, ViewData } from "./view/api";
import { Whys } from "./why";

/** A pinned cell: what the kernel says of it, once it answered. */
export interface Pin {
  row: number;
  detail: CellDetail | null;
  /** Why there is no detail, in words. */
  trouble: string | null;
}

export type Hidden = ReadonlyMap<string, ReadonlySet<number>>;

export interface Store {
  readonly session: Pick<Session, "can" | "command" | "want">;
  readonly view: Pick<ViewData, "attach" | "table" | "locate" | "place">;

  readonly schema: ReadonlySignal<Schema | null>;
  readonly run: ReadonlySignal<RunState | null>;
  readonly connection: ReadonlySignal<"live" | "lost">;
  /** Something to tell that is not the run's own failure; null once dismissed. */
  readonly notice: Signal<Problem | null>;

  readonly counts: ReadonlySignal<Counts | null>;
  readonly extent: ReadonlySignal<Extent | null>;
  readonly gl: ReadonlySignal<"none" | "lost" | "ok">;
  /** `version` grows whenever what the table shows may have changed. */
  readonly table: ReadonlySignal<{ version: number; total: number }>;

  readonly color: ReadonlySignal<ColumnSpec | null>;
  readonly look: ReadonlySignal<Look | null>;
  readonly hidden: ReadonlySignal<Hidden>;
  readonly domain: Signal<[number, number] | null>;
  readonly show: Signal<Show>;
  /** Only cells unlike anything in training. */
  readonly onlyUnlike: Signal<boolean>;
  /** Category pointed at in the legend, -1 for none. */
  readonly focus: Signal<number>;
  readonly dark: Signal<boolean>;
  /** Cells whose score is below are unassigned. */
  readonly threshold: ReadonlySignal<number>;
  readonly sort: Signal<Sort>;
  readonly pin: ReadonlySignal<Pin | null>;
  /** The polygon that made the selection, in data space. */
  readonly lasso: ReadonlySignal<Float32Array | null>;
  /** Bytes of runtime and model that have come, while the page loads them to run the model itself; else null. */
  readonly download: ReadonlySignal<{ loaded: number; total: number } | null>;
  readonly genes: Pick<Genes, "has" | "find" | "count">;
  readonly whys: Pick<Whys, "look" | "method">;
  /** Grows with each change of the selection, wherever it was made. */
  readonly selection: ReadonlySignal<number>;

  column(id: string): ColumnSpec | undefined;
  colorBy(id: string): void;
  hide(column: string, off: ReadonlySet<number>): void;
  moveThreshold(to: number): void;
  select(select: Select): void;
  pinCell(row: number | null): void;
  /** Lets go of the pinned cell, else of the selection; returns whether there was either. */
  release(): boolean;
  dispose(): void;
}

const UNSORTED: Sort = { column: null, descending: false, selectionFirst: false };
/** Drawn around, or chosen for what they are: what people want to know about, before a cell that they clicked earlier. */
const GROUPS: ReadonlySet<Select["by"]> = new Set(["lasso", "category", "pair", "above"]);
const NO_FILTERS: Hidden = new Map();

function filtersOf(hidden: Hidden, above: number | null): Filter[] {
  const filters: Filter[] = [...hidden].map(([column, off]) => ({ column, off: [...off] }));
  return above === null ? filters : [...filters, { column: "distance", above }];
}

/** Signals of the store that only the store itself writes. */
function makeState() {
  return {
    schema: signal<Schema | null>(null),
    run: signal<RunState | null>(null),
    connection: signal<"live" | "lost">("live"),
    notice: signal<Problem | null>(null),
    counts: signal<Counts | null>(null),
    extent: signal<Extent | null>(null),
    gl: signal<"none" | "lost" | "ok">("ok"),
    table: signal({ version: 0, total: 0 }),
    colorId: signal<string | null>(null),
    hidden: signal<Hidden>(NO_FILTERS),
    domain: signal<[number, number] | null>(null),
    show: signal<Show>("both"),
    onlyUnlike: signal(false),
    focus: signal(-1),
    dark: signal(false),
    sort: signal<Sort>(UNSORTED),
    pin: signal<Pin | null>(null),
    lasso: signal<Float32Array | null>(null),
    download: signal<{ loaded: number; total: number } | null>(null),
    genes: new Genes(),
    selection: signal(0),
  };
}

type State = ReturnType<typeof makeState>;

const columnOf = (schema: Schema | null, id: string | null) =>
  schema?.columns.find((column) => column.id === id) ?? geneColumn(id ?? "") ?? undefined;
const has = (schema: Schema, id: string | null) => columnOf(schema, id) !== undefined;

/** A new run voids what was said about the old one; what people look at stays where the columns still exist. */
function begin(state: State, schema: Schema, run: RunState): void {
  state.schema.value = schema;
  state.run.value = run;
  state.counts.value = null;
  state.extent.value = null;
  state.notice.value = null;
  state.hidden.value = NO_FILTERS;
  state.onlyUnlike.value = false;
  state.domain.value = null;
  state.focus.value = -1;
  state.pin.value = null;
  state.lasso.value = null;
  state.genes.clear();
  if (schema.layout.reference === 0) state.show.value = "both";
  if (!has(schema, state.colorId.value)) state.colorId.value = schema.color;
  if (!has(schema, state.sort.value.column)) state.sort.value = UNSORTED;
  state.table.value = { version: state.table.value.version + 1, total: schema.n };
}

interface Around {
  session: Session;
  view: ViewData;
  runner: Runner | null;
  threshold: Threshold;
  whys: Whys;
}

function sinkOf(state: State, { session, view, runner, threshold, whys }: Around): Sink {
  return {
    schema: (schema, run) => {
      threshold.hear(run.threshold);
      view.open(schema, run);
      whys.clear();
      batch(() => begin(state, schema, run));
      runner?.state(run);
      session.want("cell");
      if (schema.genes.count > 0) session.want("genes");
      if (schema.layout.reference > 0) session.want("reference");
      if (schema.layout.source === "obsm") session.want("xy");
      if (schema.truth) session.want(schema.truth.column);
    },
    state: (run) => {
      threshold.hear(run.threshold);
      view.state(run);
      state.run.value = run;
      runner?.state(run);
    },
    rows: (rows) => view.rows(rows),
    column: (piece) => (piece.column === "genes" ? state.genes.take(piece) : view.column(piece)),
    selection: (bits) => {
      state.lasso.value = null;
      state.selection.value++;
      view.select({ by: "bits", bits });
    },
    problem: (problem) => {
      state.notice.value = problem;
    },
    connection: (connection) => {
      state.connection.value = connection;
    },
  };
}

function eventsOf(state: State, session: Session): DataEvents {
  return {
    extent: (extent) => {
      state.extent.value = extent;
    },
    counts: (counts) => {
      state.counts.value = counts;
    },
    selected: (bits, count) => {
      session.select(bits, count);
      state.selection.value++;
    },
    tableChanged: (total) => {
      state.table.value = { version: state.table.value.version + 1, total };
    },
    gl: (gl) => {
      state.gl.value = gl;
    },
  };
}

async function inspect(state: State, session: Session, row: number): Promise<void> {
  const pin: Pin = { row, detail: null, trouble: null };
  state.pin.value = pin;
  if (!session.can.inspect) return;
  const answer = await session.inspect(row).then(
    (detail) => ({ ...pin, detail }),
    (error: Error) => ({ ...pin, trouble: error.message }),
  );
  if (state.pin.peek() === pin) state.pin.value = answer;
}

/** `open` runs models on the page, for sessions that can be served so. */
export function createStore(session: Session, view: ViewData, open?: OpenModel): Store {
  const state = makeState();
  const runner =
    session.port && open
      ? new Runner(session.port, open, (download) => {
          state.download.value = download;
        })
      : null;
  const threshold = new Threshold((value) => session.threshold(value));
  const whys = new Whys(session);
  const { schema, colorId, hidden, dark, domain, focus, show, onlyUnlike, sort } = state;
  const select = (what: Select) => {
    state.lasso.value = what.by === "lasso" && what.mode === "replace" ? what.polygon : null;
    // What is selected are the dataset's cells: they are to be seen.
    if (what.by !== "none" && show.peek() === "reference") show.value = "both";
    if (GROUPS.has(what.by)) state.pin.value = null;
    view.select(what);
  };
  const column = (id: string) => columnOf(schema.value, id);
  // Training cells have a label and nothing else to be coloured by.
  const color = computed(() => {
    const id = show.value === "reference" && column("label") ? "label" : colorId.value;
    return id === null ? null : (column(id) ?? null);
  });

  const look = computed<Look | null>(() => {
    if (!color.value) return null;
    return {
      color: color.value.id,
      palette: paletteOf(color.value, dark.value),
      ramp: rampOf(color.value.group, dark.value),
      domain: domain.value,
      focus: focus.value,
      show: show.value,
      filters: filtersOf(hidden.value, onlyUnlike.value ? (schema.value?.layout.distance_limit ?? null) : null),
      threshold: threshold.value.value,
    };
  });

  view.listen(eventsOf(state, session));
  const stops = [
    session.listen(sinkOf(state, { session, view, runner, threshold, whys })),
    effect(() => {
      if (look.value) view.look(look.value);
    }),
    effect(() => {
      if (schema.value) view.sort(sort.value);
    }),
    effect(() => {
      // A column that does not stream is fetched when it is first needed; a new run asks anew.
      const group = color.value?.group;
      if (schema.value && (group === "obs" || group === "gene")) session.want(color.value?.id ?? "");
    }),
  ];

  return {
    ...state,
    session: {
      can: session.can,
      command: (name) => {
        runner?.command(name);
        session.command(name);
      },
      want: (column) => session.want(column),
    },
    view,
    whys,
    color,
    look,
    column,
    colorBy: (id) =>
      batch(() => {
        colorId.value = id;
        if (id !== "label" && show.peek() === "reference") show.value = "both";
        domain.value = null;
        focus.value = -1;
      }),
    hide: (id, off) => {
      const next = new Map(hidden.peek());
      if (off.size > 0) next.set(id, off);
      else next.delete(id);
      hidden.value = next;
    },
    threshold: threshold.value,
    moveThreshold: (to) => threshold.move(to),
    select,
    pinCell: (row) => {
      if (row === null) state.pin.value = null;
      else inspect(state, session, row);
    },
    release: () => {
      if (state.pin.peek()) state.pin.value = null;
      else if ((state.counts.peek()?.selected ?? 0) > 0) select({ by: "none" });
      else return false;
      return true;
    },
    dispose: () => {
      for (const stop of stops) stop();
      runner?.close();
      session.close();
      view.close();
    },
  };
}
