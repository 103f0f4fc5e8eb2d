import type { Sort } from "../../view/api";
import { Icon } from "../parts/Icon";
import { CHECK_WIDTH, hintOf, type TableColumn } from "./columns";

export type Ticked = "none" | "some" | "all";

interface Props {
  columns: readonly TableColumn[];
  sort: Sort;
  ticked: Ticked;
  /** Column that has the grid's tab stop, -1 for none. */
  active: number;
  rows: string;
}

const TICKS = { none: "false", some: "mixed", all: "true" } as const;

function Tick({ ticked, active }: { ticked: Ticked; active: boolean }) {
  return (
    <div
      class="sortable"
      role="columnheader"
      tabIndex={active ? 0 : -1}
      aria-colindex={1}
      data-col={0}
      title={ticked === "all" ? "Select nothing" : "Select all"}
      style={{ width: `${CHECK_WIDTH}px`, paddingLeft: "12px" }}
    >
      {/* biome-ignore lint/a11y/useFocusableInteractive: the cell round it has the focus */}
      <span
        class={ticked === "none" ? "tick" : "tick on"}
        role="checkbox"
        aria-checked={TICKS[ticked]}
        aria-label="All"
      >
        {ticked !== "none" && <Icon name={ticked === "all" ? "check" : "dash"} />}
      </span>
    </div>
  );
}

export function HeadRow({ columns, sort, ticked, active, rows }: Props) {
  return (
    <div class="th" role="row" tabIndex={-1} aria-rowindex={1} data-row={-1}>
      <Tick ticked={ticked} active={active === 0} />
      {columns.map(({ spec, width, right, sticky }, c) => {
        const sorted = sort.column === spec.id;
        const arrow = sorted && <Icon name={sort.descending ? "dn" : "up"} />;
        return (
          <div
            key={spec.id}
            class={`sortable${right ? " right" : ""}${sticky ? " stick" : ""}`}
            role="columnheader"
            tabIndex={active === c + 1 ? 0 : -1}
            aria-colindex={c + 2}
            aria-sort={sorted ? (sort.descending ? "descending" : "ascending") : "none"}
            title={`${spec.name}: click to sort`}
            data-col={c + 1}
            style={{ width: `${width}px` }}
          >
            <span class="nm">
              {right && arrow}
              <span class="ell">{spec.name}</span>
              {!right && arrow}
            </span>
            <div class="hint s11 f2 ell">{hintOf(spec, rows)}</div>
          </div>
        );
      })}
    </div>
  );
}
