import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";

const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Tests of the viewer look at how long its page is busy: nothing else runs beside them. */
const pages = ["packages/viewer/test/**/*.test.ts", "packages/lazyimg/test/view-page.test.ts"];

/** Guards against what hangs, and nothing else: many times what anything takes on a slow and busy machine. */
const patience = {
  testTimeout: 300_000,
  hookTimeout: 300_000,
  expect: { poll: { timeout: 120_000, interval: 20 } },
};

const node = {
  test: {
    name: "node",
    include: ["packages/*/test/**/*.test.ts", "tests/**/*.test.ts"],
    exclude: ["**/*.browser.test.ts", ...pages],
    // Half of their time they wait for servers and processes of their own.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    sequence: { groupOrder: 0 },
    ...patience,
  },
};

const alone = {
  test: {
    name: "pages",
    include: pages,
    exclude: ["**/*.browser.test.ts"],
    maxWorkers: 1,
    sequence: { groupOrder: 1 },
    ...patience,
  },
};

const browser = {
  test: {
    name: "browser",
    include: ["packages/*/test/**/*.browser.test.ts", "tests/**/*.browser.test.ts"],
    maxWorkers: 1,
    sequence: { groupOrder: 2 },
    ...patience,
    browser: {
      enabled: true,
      connectTimeout: 300_000,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: {
          executablePath: chromium,
          args: [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
          ],
        },
      }),
      instances: [{ browser: "chromium" as const }],
    },
  },
};

export default defineConfig({
  test: {
    projects: existsSync(chromium) ? [node, alone, browser] : [node, alone],
  },
});
