import { type Browser, chromium } from "playwright";

/** Where Chromium is looked for, as in vitest.config.ts. */
export const CHROMIUM: string = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** A browser without a window, which has WebGL in software and asks nobody for anything. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--no-sandbox",
      "--use-angle=swiftshader",
      "--enable-unsafe-swiftshader",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
