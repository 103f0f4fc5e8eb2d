import { useRef, useState } from "preact/hooks";

/** What opens below a control: closed when the focus goes elsewhere, and by Escape. */
export function usePopover<E extends HTMLElement>(onOpen: () => void = () => {}) {
  /** Both the control and what opened. */
  const whole = useRef<E>(null);
  const [open, setOpen] = useState(false);
  const show = () => {
    if (open) return;
    onOpen();
    setOpen(true);
  };
  const hide = () => setOpen(false);
  const onFocusOut = (event: FocusEvent) => {
    if (!whole.current?.contains(event.relatedTarget as Node | null)) hide();
  };
  return { whole, open, show, hide, onFocusOut };
}

/** For keys that were taken: nobody else hears them. */
export function taken(event: KeyboardEvent): void {
  event.preventDefault();
  event.stopPropagation();
}
