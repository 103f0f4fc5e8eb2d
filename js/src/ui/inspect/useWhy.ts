import { useLayoutEffect, useState } from "preact/hooks";
import type { WhyQuestion } from "../../protocol";
import type { Why } from "../../why";
import { useStore } from "../context";

/** What is known of a question, asked when somebody looks; null for no question. `about`: what else the answer depends on. */
export function useWhy(question: WhyQuestion | null, about: string): { why: Why | null; again(): void } {
  const { whys, schema } = useStore();
  const [tries, setTries] = useState(0);
  const [why, setWhy] = useState<Why | null>(null);
  const asked = question && JSON.stringify(question);
  const run = schema.value?.run ?? "";
  // The question is new with every render; its words are not.
  useLayoutEffect(() => {
    setWhy(null);
    if (!question) return;
    const { why: known, leave } = whys.look(question, `${run} ${about}`);
    const stop = known.subscribe(setWhy);
    return () => {
      stop();
      leave();
    };
  }, [whys, asked, run, about, tries]);
  return { why, again: () => setTries(tries + 1) };
}
