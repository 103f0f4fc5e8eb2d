/** One family: 16 px box, 1.4 px stroke, round ends, no fill. */
const PATHS = {
  model: "M8 1.8 13.6 5v6L8 14.2 2.4 11V5zM2.6 5.1 8 8.2l5.4-3.1M8 8.2v6",
  down: "m4.5 6.5 3.5 3.5 3.5-3.5",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3.2v9.6l7.6-4.8z",
  stop: "M4 4h8v8H4z",
  lasso: "M8 2.5c3.3 0 6 1.7 6 3.9s-2.7 3.9-6 3.9-6-1.7-6-3.9 2.7-3.9 6-3.9zM4.6 9.6c-.9.7-1 2 .2 2.3 1 .2 1.3 1 .6 2",
  hand: "M8 1.8v12.4M1.8 8h12.4M6.2 3.6 8 1.8l1.8 1.8M6.2 12.4 8 14.2l1.8-1.8M3.6 6.2 1.8 8l1.8 1.8M12.4 6.2 14.2 8l-1.8 1.8",
  fit: "M2.5 5.5v-3h3M10.5 2.5h3v3M13.5 10.5v3h-3M5.5 13.5h-3v-3M6 6h4v4H6z",
  full: "M9.5 2.5h4v4M13.3 2.7l-4 4M6.5 13.5h-4v-4M2.7 13.3l4-4",
  unfull: "M13.3 6.5h-4v-4M9.5 6.3l4-4M2.7 9.5h4v4M6.5 9.7l-4 4",
  layers: "m8 2.2 6 3.2-6 3.2-6-3.2zM2.4 8.7 8 11.7l5.6-3M2.4 11.3 8 14.3l5.6-3",
  tag: "M2.5 2.8h5l6 6-4.7 4.7-6-6zM5.3 5.6h.01",
  x: "m4 4 8 8M12 4l-8 8",
  check: "m3 8.5 3.3 3.3L13 4.8",
  dash: "M4 8h8",
  alert: "M8 2.2 14.3 13H1.7zM8 6.5v3M8 11.3h.01",
  info: "M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2zM8 7.4v3.4M8 5h.01",
  unplug: "M6 2.5v3M10 2.5v3M4.5 5.5h7v2.2a3.5 3.5 0 0 1-7 0zM8 11.2v2.6M2.5 13.8l11-11.6",
  up: "M8 12.5v-9M4.5 7 8 3.5 11.5 7",
  dn: "M8 3.5v9M4.5 9 8 12.5 11.5 9",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.3V2.5h-8v8h2.8",
  spin: "M8 2.2a5.8 5.8 0 1 1-5.8 5.8",
  clock: "M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2zM8 4.8V8l2.2 1.6",
  drop: "M8 2.2c2.4 2.9 4 4.9 4 7.1a4 4 0 0 1-8 0c0-2.2 1.6-4.2 4-7.1z",
  top: "M3 3h10M8 13V6M5 9l3-3 3 3",
  table: "M2.5 3h11v10h-11zM2.5 6.3h11M6.2 6.3V13",
  chip: "M4.5 4.5h7v7h-7zM6.5 2v2.3M9.5 2v2.3M6.5 11.7V14M9.5 11.7V14M2 6.5h2.3M2 9.5h2.3M11.7 6.5H14M11.7 9.5H14",
  page: "M2.5 3h11v10h-11zM2.5 6h11M4.6 4.5h.01M6.4 4.5h.01",
  gene: "M5 1.8c0 4.2 6 4.4 6 8.2 0 1.8-.7 3-1.4 4.2M11 1.8c0 4.2-6 4.4-6 8.2 0 1.8.7 3 1.4 4.2M5.4 4h5.2M5.6 12h4.8M6.8 6h2.4",
  filter: "M2.5 3.2h11L9.4 8.4v3.8l-2.8 1.4V8.4z",
  none: "",
  map: "M2.5 3h11v10h-11zM6 6.5h.01M9.5 8.5h.01M7 10.5h.01M11 5.5h.01",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class={name === "spin" ? "i spin" : "i"} viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

interface ButtonProps {
  icon: IconName;
  label: string;
  onClick: (event: MouseEvent) => void;
  disabled?: boolean;
  pressed?: boolean;
}

/** A button of 24 px that is only an icon; its label is its tooltip and its name. */
export function IconButton({ icon, label, onClick, disabled, pressed }: ButtonProps) {
  return (
    <button
      type="button"
      class="ib"
      title={label}
      aria-label={label}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
