import { useEffect, useState } from "preact/hooks";

/** Whether something has lasted: what is over in a moment needs no words. */
export function useLater(lasting: boolean, milliseconds: number): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    setLate(false);
    if (!lasting) return;
    const timer = setTimeout(() => setLate(true), milliseconds);
    return () => clearTimeout(timer);
  }, [lasting, milliseconds]);
  return lasting && late;
}
