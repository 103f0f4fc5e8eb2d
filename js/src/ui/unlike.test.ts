import { describe, expect, test } from "vitest";
import { isUnlike, unlikeShort, unlikeWords } from "./unlike";

describe("cells unlike training", () => {
  test("are those beyond the limit, where there is one", () => {
    expect(isUnlike(1.3, 1.2)).toBe(true);
    expect(isUnlike(1.2, 1.2)).toBe(false);
    expect(isUnlike(Number.NaN, 1.2)).toBe(false);
    expect(isUnlike(5, null)).toBe(false);
  });

  test("are told with as many digits as tell the distance from the limit", () => {
    expect(unlikeWords(3.0721, 1.2)).toBe("distance 3.1, limit 1.2");
    expect(unlikeWords(1.2049, 1.2)).toBe("distance 1.205, limit 1.2");
    expect(unlikeShort(1.2049, 1.2)).toBe("1.205 > 1.2");
    expect(unlikeWords(0.00123, 0.0011)).toBe("distance 0.0012, limit 0.0011");
  });
});
