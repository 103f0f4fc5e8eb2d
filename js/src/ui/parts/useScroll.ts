import { useLayoutEffect, useRef, useState } from "preact/hooks";

export interface Scroll {
  ref: { current: HTMLDivElement | null };
  top: number;
  left: number;
  width: number;
  height: number;
  /** Scrolls now, and says so at once: what the next drawing shows is what is in sight. */
  to(top: number): void;
}

/** How far an element is scrolled and how large it is. */
export function useScroll(): Scroll {
  const ref = useRef<HTMLDivElement | null>(null);
  const [state, setState] = useState({ top: 0, left: 0, width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const read = () => {
      const { scrollTop: top, scrollLeft: left, clientWidth: width, clientHeight: height } = element;
      setState((old) =>
        old.top === top && old.left === left && old.width === width && old.height === height
          ? old
          : { top, left, width, height },
      );
    };
    const observer = new ResizeObserver(read);
    observer.observe(element);
    element.addEventListener("scroll", read, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", read);
    };
  }, []);
  const to = (top: number) => {
    if (ref.current) ref.current.scrollTop = top;
    setState((old) => ({ ...old, top }));
  };
  return { ref, ...state, to };
}
