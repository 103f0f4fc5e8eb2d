import type { FromKernel } from "../protocol";

type Check = (value: unknown) => boolean;

const text: Check = (v) => typeof v === "string";
const textOrNull: Check = (v) => v === null || typeof v === "string";
const whole: Check = (v) => Number.isSafeInteger(v) && (v as number) >= 0;
const wholeOrNull: Check = (v) => v === null || whole(v);
const share: Check = (v) => typeof v === "number" && v >= 0 && v <= 1;
const object: Check = (v) => typeof v === "object" && v !== null && !Array.isArray(v);
const list: Check = (v) => Array.isArray(v);
const dtype: Check = (v) => v === "u1" || v === "u2" || v === "u4" || v === "f4" || v === "f8";

const one =
  (...allowed: unknown[]): Check =>
  (v) =>
    allowed.includes(v);
const extra = one("total", "uniform", "batch");
const extras: Check = (v) => Array.isArray(v) && v.every(extra);

const FIELDS: { [K in FromKernel["type"]]: Record<string, Check> } = {
  schema: { to: textOrNull, schema: object, state: object, selection: whole },
  state: { to: textOrNull, state: object },
  rows: { to: text, seq: whole, run: text, from: whole, to_position: whole, columns: list },
  column: { to: text, seq: whole, run: text, column: text, dtype, start: whole, count: whole, total: whole },
  cells: {
    to: text,
    seq: whole,
    run: text,
    lease: whole,
    n: whole,
    counts: one("nibbles", "f4"),
    extras,
  },
  selection: { to: textOrNull, version: whole, page: textOrNull, count: whole },
  reply: { to: text, id: whole, value: () => true },
  progress: { to: text, id: whole, share },
  error: { to: text, id: wholeOrNull, message: text },
};

/** A header as it came, checked; null for anything that is not one of ours. */
export function parseFromKernel(content: unknown): FromKernel | null {
  if (!object(content)) return null;
  const message = content as Record<string, unknown>;
  const type = message.type;
  if (typeof type !== "string" || !Object.hasOwn(FIELDS, type)) return null;
  const fields = FIELDS[type as FromKernel["type"]];
  for (const name in fields) if (!fields[name]?.(message[name])) return null;
  return message as unknown as FromKernel;
}
