import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { FromKernel, ToKernel } from "../protocol";
import { parseFromKernel } from "./parse";

interface Case<T> {
  name: string;
  valid: boolean;
  message: T;
}

function cases<T>(file: string): Case<T>[] {
  return JSON.parse(
    readFileSync(new URL(`../../../tests/data/messages/${file}`, import.meta.url), "utf8"),
  ) as Case<T>[];
}

describe("messages of the kernel", () => {
  test.each(cases<FromKernel>("from_kernel.json"))("$name", ({ message, valid }) => {
    expect(parseFromKernel(message)).toEqual(valid ? message : null);
  });
});

test("every kind of message to the kernel has a shared case", () => {
  const kinds: Record<ToKernel["type"], true> = {
    hello: true,
    ack: true,
    want: true,
    command: true,
    select: true,
    threshold: true,
    inspect: true,
    explain: true,
    cancel: true,
    equip: true,
    pull: true,
    results: true,
    gave_up: true,
    bye: true,
  };
  const covered = cases<ToKernel>("to_kernel.json").filter((one) => one.valid);
  expect(new Set(covered.map((one) => one.message.type))).toEqual(new Set(Object.keys(kinds)));
});
