/** How values cross, as arrays and as what stands for a missing one. */
import type { DType } from "../protocol";

export const ARRAYS = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array, f8: Float64Array } as const;

/** A code with all bits set is missing. */
export const MISSING: Record<DType, number> = { u1: 0xff, u2: 0xffff, u4: 0xffffffff, f4: NaN, f8: NaN };
