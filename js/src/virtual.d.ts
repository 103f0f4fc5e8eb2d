/** What the build puts in (see `build.mjs`). */

/** The text of the view worker, a classic script. */
declare module "virtual:view-worker" {
  const text: string;
  export default text;
}

declare module "*.css" {
  const text: string;
  export default text;
}

/** The hash of this build: page-wide singletons hang on `globalThis` under it, since every widget evaluates the module. */
declare const __BUILD__: string;
