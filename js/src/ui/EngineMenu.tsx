import { useEffect, useId, useRef } from "preact/hooks";
import type { EngineName, RunState } from "../protocol";
import { useStore } from "./context";
import { ENGINES, engineDetails, enginesOf } from "./engines";
import { sentence } from "./format";
import { Icon } from "./parts/Icon";
import { taken, usePopover } from "./parts/usePopover";

interface ItemProps {
  engine: EngineName;
  run: RunState;
  onPick(engine: EngineName): void;
}

function Item({ engine, run, onPick }: ItemProps) {
  const { name, line } = ENGINES[engine];
  const current = run.engine === engine;
  const detail = current ? engineDetails(run).join(" · ") : "";
  return (
    <button
      type="button"
      class="opt"
      role="menuitemradio"
      aria-checked={current}
      tabIndex={-1}
      onClick={() => onPick(engine)}
    >
      <Icon name={current ? "check" : "none"} />
      <span class="grow">
        <span class="b">{name}</span> <span class="f2">{detail}</span>
        <span class="f2 line">{line}</span>
      </span>
    </button>
  );
}

interface MenuProps {
  id: string;
  engines: EngineName[];
  run: RunState;
  onPick(engine: EngineName): void;
  onClose(): void;
}

/** Both engines, one under the other; the keys of a menu move between them. */
function Menu({ id, engines, run, onPick, onClose }: MenuProps) {
  const ref = useRef<HTMLDivElement>(null);
  const items = () => [...(ref.current?.querySelectorAll<HTMLElement>('[role="menuitemradio"]') ?? [])];
  useEffect(() => {
    const all = items();
    (all.find((item) => item.ariaChecked === "true") ?? all[0])?.focus();
  }, []);

  const move = (to: (at: number, count: number) => number) => {
    const all = items();
    const at = all.findIndex((item) => item.matches(":focus"));
    all.at(to(at, all.length))?.focus();
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") move((at, count) => (at + 1) % count);
    else if (event.key === "ArrowUp") move((at) => at - 1);
    else if (event.key === "Home") move(() => 0);
    else if (event.key === "End") move(() => -1);
    else if (event.key === "Escape") onClose();
    else return;
    taken(event);
  };
  return (
    <div ref={ref} id={id} class="menu engines" role="menu" aria-label="Where the model runs" onKeyDown={key}>
      {engines.map((engine) => (
        <Item key={engine} engine={engine} run={run} onPick={onPick} />
      ))}
      {run.chosen && <div class="f2 s11 why">{sentence(run.chosen)}</div>}
    </div>
  );
}

/** A button that says where the model runs, and opens a menu of where it could. */
function Choice({ engines, run, disabled }: { engines: EngineName[]; run: RunState; disabled: boolean }) {
  const { session } = useStore();
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const { whole, open, show, hide, onFocusOut } = usePopover<HTMLSpanElement>();
  const { name, icon } = ENGINES[run.engine];
  const detail = engineDetails(run);

  const close = () => {
    hide();
    button.current?.focus();
  };
  const pick = (engine: EngineName) => {
    if (engine !== run.engine) session.command(engine);
    close();
  };
  const key = (event: KeyboardEvent) => {
    if (open || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
    show();
    taken(event);
  };
  const says = ["Where the model runs:", name, detail.length > 0 && `(${detail.join(", ")})`].filter(Boolean).join(" ");
  return (
    <span ref={whole} class="engine choice s12" onFocusOut={onFocusOut}>
      <span class="sep" />
      <button
        ref={button}
        type="button"
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-label={says}
        title={says}
        disabled={disabled}
        onClick={open ? hide : show}
        onKeyDown={key}
      >
        <Icon name={icon} />
        <span class="name">{name}</span>
        <span class="f2 ell detail">
          {detail[0]}
          {detail[1] && <span class="backend"> · {detail[1]}</span>}
        </span>
        <Icon name="down" />
      </button>
      {open && <Menu id={id} engines={engines} run={run} onPick={pick} onClose={close} />}
    </span>
  );
}

/** Where the model runs; a choice where there is one. */
export function Engine() {
  const { session, schema, run, connection } = useStore();
  const state = run.value;
  if (!state) return null;
  const engines = enginesOf(schema.value, session.can.engines);
  if (engines.length > 1) return <Choice engines={engines} run={state} disabled={connection.value === "lost"} />;
  return (
    <span class="engine f2 s12" title="Where the model runs">
      {ENGINES[state.engine].name}
    </span>
  );
}
