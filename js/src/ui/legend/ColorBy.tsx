import { useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ColumnSpec } from "../../protocol";
import type { Store } from "../../store";
import { useStore } from "../context";
import { Icon } from "../parts/Icon";
import { taken, usePopover } from "../parts/usePopover";
import { colorGroups, type Group, groupHint } from "./options";

const MOST = 280;

/** The menu hangs in the widget's own frame, which clips: on the side with more room, no higher than that room. */
function placeMenu(menu: HTMLElement, field: HTMLElement): void {
  const frame = field.closest(".cw")?.getBoundingClientRect();
  const at = field.getBoundingClientRect();
  if (!frame) return;
  const below = frame.bottom - at.bottom - 8;
  const above = at.top - frame.top - 8;
  const down = below >= Math.min(MOST, menu.scrollHeight) || below >= above;
  menu.style.maxHeight = `${Math.min(MOST, down ? below : above)}px`;
  menu.style.top = down ? `${field.offsetTop + field.offsetHeight + 2}px` : "auto";
  menu.style.bottom = down ? "auto" : `${(field.offsetParent?.clientHeight ?? 0) - field.offsetTop + 2}px`;
}

const groupsFor = ({ schema, genes }: Store, query: string): Group[] =>
  colorGroups(schema.value?.columns ?? [], query, genes.find(query), genes.count);

interface MenuProps {
  id: string;
  groups: Group[];
  active: ColumnSpec | undefined;
  current: ColumnSpec | null;
  field: { current: HTMLElement | null };
  onPick(column: ColumnSpec): void;
}

function Menu({ id, groups, active, current, field, onPick }: MenuProps) {
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (ref.current && field.current) placeMenu(ref.current, field.current);
    ref.current?.querySelector(".on")?.scrollIntoView({ block: "nearest" });
  });
  return (
    <div ref={ref} id={id} class="menu" role="listbox" aria-label="Colour by" style={{ left: "12px", right: "8px" }}>
      {groups.length === 0 && <div class="opt f2">No such column or gene</div>}
      {groups.map((group) => (
        <div key={group.title} role="group" aria-label={group.title}>
          <h4>{group.title}</h4>
          {group.columns.map((column) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the focus and the keys
            <div
              key={column.id}
              id={`${id}-${column.id}`}
              class={column.id === active?.id ? "opt on" : "opt"}
              role="option"
              tabIndex={-1}
              aria-selected={column.id === current?.id}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => onPick(column)}
            >
              <span class="ell grow">{column.name}</span>
              {column.id === current?.id && <Icon name="check" />}
            </div>
          ))}
          {group.more && <div class="opt f2">{group.more}</div>}
        </div>
      ))}
    </div>
  );
}

/** Chooses the column or the gene to colour by: a combobox that filters as one types. */
export function ColorBy() {
  const store = useStore();
  const id = useId();
  const field = useRef<HTMLLabelElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const current = store.color.value;
  const { whole, open, show, hide, onFocusOut } = usePopover<HTMLDivElement>(() => {
    const all = groupsFor(store, "").flatMap((group) => group.columns);
    setQuery("");
    setAt(Math.max(0, current ? all.indexOf(current) : 0));
  });
  // Not for every count that ticks up: there are tens of thousands of genes.
  const groups = useMemo(() => (open ? groupsFor(store, query) : []), [open, query, store.schema.value]);
  const flat = groups.flatMap((group) => group.columns);
  const active = open ? flat[Math.min(at, flat.length - 1)] : undefined;

  const pick = (column: ColumnSpec) => {
    store.colorBy(column.id);
    hide();
  };
  const key = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by !== undefined) {
      if (open) setAt((Math.min(at, flat.length - 1) + by + flat.length) % Math.max(1, flat.length));
      else show();
    } else if (event.key === "Enter" && open) {
      if (active) pick(active);
    } else if (event.key === "Escape" && open) hide();
    else if (event.key === "Enter" || event.key === " ") {
      if (open) return;
      show();
    } else return;
    taken(event);
  };

  return (
    <div ref={whole} class="hd" onFocusOut={onFocusOut}>
      <label ref={field} class="fld" onMouseDown={() => (open ? undefined : show())}>
        <Icon name={current?.group === "gene" ? "gene" : "drop"} />
        <input
          ref={input}
          role="combobox"
          aria-label="Colour by"
          aria-expanded={open}
          aria-controls={id}
          aria-autocomplete="list"
          aria-activedescendant={active ? `${id}-${active.id}` : undefined}
          autocomplete="off"
          spellcheck={false}
          value={open ? query : (current?.name ?? "")}
          placeholder={current?.name}
          title={current?.name}
          disabled={!store.schema.value}
          onInput={(event) => {
            show();
            setQuery(event.currentTarget.value);
            setAt(0);
          }}
          onFocus={(event) => event.currentTarget.select()}
          onKeyDown={key}
        />
        <span class="f2 s11">{current && groupHint(current)}</span>
        <Icon name="down" />
      </label>
      {open && <Menu id={id} groups={groups} active={active} current={current} field={field} onPick={pick} />}
    </div>
  );
}
