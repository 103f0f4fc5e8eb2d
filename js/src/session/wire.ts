import type { DType } from "../protocol";
import type { Values } from "./session";

const ARRAYS = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array, f8: Float64Array } as const;

/** Raw little-endian bytes as they arrive: comm buffers are DataViews whose offset may not be aligned. */
export type Raw = DataView | ArrayBuffer | Uint8Array;

function bytesOf(raw: Raw): Uint8Array {
  if (raw instanceof Uint8Array) return raw;
  return raw instanceof ArrayBuffer ? new Uint8Array(raw) : new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
}

/** Copies a buffer into an array of its own: aligned, and free to be transferred to a worker. */
export function decode(raw: Raw, dtype: DType): Values {
  const bytes = bytesOf(raw);
  const Kind = ARRAYS[dtype];
  if (bytes.byteLength % Kind.BYTES_PER_ELEMENT !== 0)
    throw new RangeError(`${bytes.byteLength} bytes are not ${dtype}`);
  return new Kind(bytes.slice().buffer);
}

/** Buffers that came as base64 text in the header, where binary frames are slow. */
export function fromBase64(texts: readonly string[]): Uint8Array[] {
  return texts.map((text) => {
    const native = (Uint8Array as unknown as { fromBase64?: (text: string) => Uint8Array }).fromBase64;
    return native ? native(text) : Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  });
}

/** The other way round. */
export function toBase64(values: ArrayBufferView): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const native = (bytes as unknown as { toBase64?: () => string }).toBase64;
  if (native) return native.call(bytes);
  let text = "";
  for (let at = 0; at < bytes.length; at += 32_768) text += String.fromCharCode(...bytes.subarray(at, at + 32_768));
  return btoa(text);
}
