import type { ComponentChildren } from "preact";
import { useStore } from "../context";
import { count } from "../format";

export interface Tab {
  id: string;
  label: string;
}

interface Props {
  tabs: readonly Tab[];
  current: string;
  onSelect(id: string): void;
  children?: ComponentChildren;
}

/** Tabs; the selection's size stands on Inspect's. Arrow keys move, as people expect of tabs. */
export function Tabs({ tabs, current, onSelect, children }: Props) {
  const selected = useStore().counts.value?.selected ?? 0;
  const key = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = tabs.findIndex((tab) => tab.id === current);
    const next = by === undefined ? undefined : tabs[(at + by + tabs.length) % tabs.length];
    if (!next) return;
    event.preventDefault();
    onSelect(next.id);
    const list = event.currentTarget as HTMLElement;
    list.querySelectorAll<HTMLElement>('[role="tab"]')[tabs.indexOf(next)]?.focus();
  };
  const reachable = tabs.some((tab) => tab.id === current) ? current : tabs[0]?.id;
  return (
    <div class="tabs" role="tablist" tabIndex={-1} onKeyDown={key}>
      {tabs.map(({ id, label }) => (
        <button
          key={id}
          type="button"
          role="tab"
          data-tab={id}
          aria-selected={id === current}
          tabIndex={id === reachable ? 0 : -1}
          onClick={() => onSelect(id)}
        >
          {label}
          {id === "inspect" && selected > 0 && <span class="n"> {count(selected)}</span>}
        </button>
      ))}
      {children}
    </div>
  );
}
