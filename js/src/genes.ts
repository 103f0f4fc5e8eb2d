/** The genes that one can colour by, searched by name. No DOM. */
import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type { ColumnPiece } from "./session/session";

/** As many as anybody reads in a menu. */
const MOST = 50;

export interface Found {
  genes: string[];
  /** All that fit, those left out included. */
  count: number;
}

const NOTHING: Found = { genes: [], count: 0 };

/** Names that begin with what was typed, then those that hold it; equal ones in their own order. */
export function findGenes(names: readonly string[], folded: readonly string[], query: string): Found {
  const wanted = query.trim().toLowerCase();
  if (wanted === "") return NOTHING;
  const [exact, begin, within]: [string[], string[], string[]] = [[], [], []];
  let count = 0;
  for (let i = 0; i < folded.length; i++) {
    const at = (folded[i] as string).indexOf(wanted);
    if (at < 0) continue;
    count++;
    const list = at > 0 ? within : folded[i] === wanted ? exact : begin;
    if (list.length < MOST) list.push(names[i] as string);
  }
  return { genes: [...exact, ...begin, ...within].slice(0, MOST), count };
}

/** Names as they come from the session, piece by piece. */
export class Genes {
  readonly #names = signal<readonly string[]>([]);
  readonly #folded = computed(() => this.#names.value.map((name) => name.toLowerCase()));
  readonly #known: ReadonlySignal<ReadonlySet<string>> = computed(() => new Set(this.#names.value));

  take({ start, count, values, bytes }: ColumnPiece): void {
    const before = this.#names.peek();
    if (start !== before.length || !bytes) return;
    const decoder = new TextDecoder();
    const names = Array.from({ length: count }, (_, i) => decoder.decode(bytes.subarray(values[i], values[i + 1])));
    this.#names.value = [...before, ...names];
  }

  clear(): void {
    this.#names.value = [];
  }

  has(gene: string): boolean {
    return this.#known.value.has(gene);
  }

  /** How many are here. */
  get count(): number {
    return this.#names.value.length;
  }

  find(query: string): Found {
    return findGenes(this.#names.value, this.#folded.value, query);
  }
}
