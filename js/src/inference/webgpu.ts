/** Which graphics adapters are worth a try. */

interface AdapterInfo {
  isFallbackAdapter?: boolean;
  vendor: string;
  architecture: string;
  device: string;
  description: string;
}

interface Gpu {
  requestAdapter(options?: object): Promise<{ isFallbackAdapter?: boolean; info?: AdapterInfo } | null>;
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|warp|software|basic render/i;

/** Why WebGPU cannot be used here, or null where it can. */
export async function refuse(software: boolean): Promise<string | null> {
  const gpu = (navigator as unknown as { gpu?: Gpu }).gpu;
  const adapter = await gpu?.requestAdapter().catch(() => null);
  if (!adapter) return "there is no graphics adapter";
  return software || !isSoftware(adapter) ? null : "the graphics adapter is made of software";
}

function isSoftware({ isFallbackAdapter, info }: { isFallbackAdapter?: boolean; info?: AdapterInfo }): boolean {
  const names = info ? [info.vendor, info.architecture, info.device, info.description].join(" ") : "";
  return Boolean(isFallbackAdapter || info?.isFallbackAdapter) || SOFTWARE.test(names);
}
