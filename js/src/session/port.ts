/** The engine's side of a kernel session: files and cells come from the kernel, results go back and are kept until they are there. */
import type { Answer, AssetName, Demand, Equipment, FromKernel, OutputSpec, ToKernel, Transport } from "../protocol";
import type { EnginePort, Lease, LeaseResult } from "./session";
import { unpack } from "./unpack";
import { decode, type Raw, toBase64 } from "./wire";

type Body<T> = T extends { page: string } ? Omit<T, "page"> : never;
type Asked = Exclude<Extract<ToKernel, { id: number }>, { type: "select" | "cancel" }>;
export type Question = Body<Asked> extends infer B ? (B extends { id: number } ? Omit<B, "id"> : never) : never;

type Lent = Extract<FromKernel, { type: "cells" }>;

/** The kernel answered, and will not have it. */
export class Refused extends Error {}

export interface Link {
  readonly transport: Transport;
  send(body: Body<ToKernel>): void;
  ask(body: Question, buffers?: ArrayBuffer[]): Promise<Answer>;
  want(column: string): void;
}

/** Milliseconds after which what was not answered is said again, longer each time: a kernel may be busy for minutes. */
const AGAIN = 2_000;
const MOST_PATIENT = 60_000;

interface Download {
  bytes: Uint8Array;
  progress(bytes: number): void;
  resolve(bytes: Uint8Array): void;
  reject(error: Error): void;
}

export const ASSET = "asset:";

export class KernelPort implements EnginePort {
  readonly #link: Link;
  readonly #downloads = new Map<string, Download>();
  #take: ((lease: Lease) => void) | null = null;
  /** In which genes come: of this run's data and model. */
  #order: Uint32Array | null = null;
  readonly #waiting: [Lent, Raw[]][] = [];
  #learning: Promise<void> | null = null;
  #closed = false;

  constructor(link: Link) {
    this.#link = link;
  }

  async equip(): Promise<Equipment> {
    return (await this.#insist({ type: "equip" })) as Equipment;
  }

  asset(name: AssetName | "order", progress: (bytes: number) => void): Promise<Uint8Array> {
    const column = `${ASSET}${name}`;
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(closed());
      this.#downloads.set(column, { bytes: new Uint8Array(0), progress, resolve, reject });
      this.#link.want(column);
    });
  }

  pull(demand: Demand): void {
    this.#link.send({ type: "pull", ...demand });
  }

  async results({ run, lease, outputs, failed }: LeaseResult): Promise<void> {
    const raw = outputs.map(({ values }) => narrowed(values));
    const specs = outputs.map(({ name, width }, at): OutputSpec => ({ name, width, dtype: dtypeOf(raw[at]) }));
    const body = { type: "results", run, lease, outputs: specs, failed } as const;
    if (this.#link.transport === "base64") await this.#insist({ ...body, b64: raw.map(toBase64) });
    else await this.#insist(body, raw.map(copied));
  }

  async gaveUp(run: string, title: string, detail: string): Promise<void> {
    await this.#insist({ type: "gave_up", run, title, detail });
  }

  serve(take: (lease: Lease) => void): () => void {
    this.#take = take;
    return () => {
      this.#take = null;
    };
  }

  /* ── from the session ────────────────────────────────────────────────────────────────────────── */

  piece(column: string, bytes: Uint8Array, start: number, total: number): void {
    const download = this.#downloads.get(column);
    if (!download) return;
    if (download.bytes.length !== total) download.bytes = new Uint8Array(total);
    download.bytes.set(bytes, start);
    download.progress(start + bytes.length);
    if (start + bytes.length < total) return;
    this.#downloads.delete(column);
    download.resolve(download.bytes);
  }

  /** Cells that came before the order of their genes wait for it. */
  cells(message: Lent, raw: Raw[]): void {
    if (this.#order) return this.#lend(message, raw, this.#order);
    this.#waiting.push([message, raw]);
    this.#learning ??= this.#learn().catch(() => {});
  }

  #lend(message: Lent, raw: Raw[], order: Uint32Array): void {
    try {
      this.#take?.({ run: message.run, lease: message.lease, ...unpack(message, raw, order) });
    } catch {
      // They are not whole. The kernel hears what the page holds, and lends them again.
    }
  }

  async #learn(): Promise<void> {
    const order = decode(await this.asset("order", () => {}), "u4") as Uint32Array;
    this.#order = order;
    this.#learning = null;
    for (const [message, raw] of this.#waiting.splice(0)) this.#lend(message, raw, order);
  }

  /** Another run began, and what was under way is void; files are the model's, and asked for again. */
  restart(): void {
    this.#order = null;
    this.#waiting.length = 0;
    for (const column of this.#downloads.keys()) this.#link.want(column);
  }

  close(): void {
    this.#closed = true;
    for (const { reject } of this.#downloads.values()) reject(closed());
    this.#downloads.clear();
    this.#take = null;
  }

  /** Ask until there is an answer. Rejects with `Refused`, or once the session is closed. */
  async #insist(body: Question, buffers?: ArrayBuffer[]): Promise<Answer> {
    for (let wait = AGAIN; !this.#closed; wait = Math.min(2 * wait, MOST_PATIENT)) {
      try {
        return await this.#link.ask(body, buffers);
      } catch (error) {
        if (error instanceof Refused) throw error;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
    throw closed();
  }
}

const closed = () => new Error("the session is closed");

type Numbers = Float32Array | Int32Array | Uint16Array;

/** Positions of genes nearly always fit into half the bytes. */
function narrowed(values: Float32Array | Int32Array): Numbers {
  if (values instanceof Float32Array || values.some((value) => value < 0 || value > 0xffff)) return values;
  return Uint16Array.from(values);
}

function dtypeOf(values: Numbers | undefined): OutputSpec["dtype"] {
  return values instanceof Int32Array ? "i4" : values instanceof Uint16Array ? "u2" : "f4";
}

function copied(values: Numbers): ArrayBuffer {
  return values.slice().buffer as ArrayBuffer;
}
