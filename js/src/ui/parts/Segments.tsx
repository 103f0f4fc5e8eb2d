interface Segment<T extends string> {
  id: T;
  label: string;
  /** What it means, in a sentence. */
  hint: string;
}

interface Props<T extends string> {
  label: string;
  segments: readonly Segment<T>[];
  current: T;
  onSelect(id: T): void;
}

/** One of a few, all in sight: a radio group whose arrow keys choose. */
export function Segments<T extends string>({ label, segments, current, onSelect }: Props<T>) {
  const key = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const at = segments.findIndex(({ id }) => id === current);
    const next = by === undefined ? undefined : segments[(at + by + segments.length) % segments.length];
    if (!next) return;
    event.preventDefault();
    // Arrows pan the map that this lies on.
    event.stopPropagation();
    onSelect(next.id);
    const group = event.currentTarget as HTMLElement;
    group.querySelectorAll<HTMLElement>('[role="radio"]')[segments.indexOf(next)]?.focus();
  };
  return (
    <div class="segs" role="radiogroup" tabIndex={-1} aria-label={label} onKeyDown={key}>
      {segments.map(({ id, label: words, hint }) => (
        <button
          key={id}
          type="button"
          role="radio"
          class="seg"
          title={hint}
          aria-checked={id === current}
          tabIndex={id === current ? 0 : -1}
          onClick={() => onSelect(id)}
        >
          {words}
        </button>
      ))}
    </div>
  );
}
