import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright";
import send from "send";
import type { LazyImageViewer } from "../src/element.js";
import type { CrosshairDetail } from "../src/probe.js";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const hasChromium: boolean = existsSync(CHROMIUM);

export const PAGE: string = fileURLToPath(new URL("../dist/page/", import.meta.url));

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"],
  });

interface Entry {
  readonly path: string;
  /** Bytes that the request is for; 0 where it has no range. */
  readonly bytes: number;
  /** Whether the client went away before it had all. */
  aborted: boolean;
}

/** A server of a folder, on a port of its own. */
export interface FolderServer {
  /** With a slash at its end. */
  readonly url: string;
  /** What was asked for. */
  readonly log: readonly Entry[];
  /** Forgets what was asked for. */
  reset(): void;
  /** Lets requests wait once ranges of this many bytes have been asked for. */
  hold(bytes: number): void;
  /** Breaks every connection that is used, from now on. */
  vanish(): void;
  /** Answers all that wait, and all that is to come. */
  release(): void;
  /** Drops every connection and stops. */
  close(): Promise<void>;
}

/** Serves folders by name, with ranges, and to no other origin unless it says so. */
export async function serveFolders(folders: Readonly<Record<string, string>>): Promise<FolderServer> {
  let log: Entry[] = [];
  let most = Number.POSITIVE_INFINITY;
  let gone = false;
  let waiting: (() => void)[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    if (gone) {
      request.socket.destroy();
      return;
    }
    const [, first = "", ...rest] = new URL(request.url!, "http://host").pathname.split("/");
    const root = folders[first];
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    const entry: Entry = {
      path: rest.join("/"),
      bytes: from ? Number(to) + 1 - Number(from) : 0,
      aborted: false,
    };
    log.push(entry);
    response.once("close", () => {
      entry.aborted = !response.writableFinished;
    });
    const answer = (): void => {
      if (root === undefined) response.writeHead(404).end();
      else send(request, rest.join("/") || "/", { root, dotfiles: "allow" }).pipe(response);
    };
    if (log.reduce((sum, { bytes }) => sum + bytes, 0) <= most) answer();
    else waiting.push(answer);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    get log() {
      return log;
    },
    reset() {
      log = [];
    },
    hold(bytes) {
      most = bytes;
    },
    vanish() {
      gone = true;
    },
    release() {
      gone = false;
      most = Number.POSITIVE_INFINITY;
      for (const answer of waiting) answer();
      waiting = [];
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A page with the viewer, and what it complained of. */
export class ViewerPage {
  readonly page: Page;
  /** Errors on its console, and those that nobody caught. */
  readonly errors: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on("console", (message) => {
      if (message.type() === "error") this.errors.push(`${message.text()} (${message.location().url})`);
    });
    page.on("pageerror", (error) => this.errors.push(String(error)));
  }

  static async open(
    browser: Browser,
    url: string,
    options: Parameters<Browser["newPage"]>[0] = {},
  ): Promise<ViewerPage> {
    const page = await browser.newPage({ viewport: { width: 1000, height: 800 }, ...options });
    page.setDefaultTimeout(120_000);
    const viewer = new ViewerPage(page);
    await page.goto(url);
    return viewer;
  }

  /** Waits until the planes show what they are to show. */
  async settle(): Promise<void> {
    await this.page.waitForFunction(
      () => document.querySelector<LazyImageViewer>("lazy-image-viewer")!.isCurrent,
    );
  }

  /** Waits until the planes are drawn as they are now: with the next frame. */
  async drawn(): Promise<void> {
    await this.settle();
    await this.page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    );
  }

  /** Moves the crosshair; what is there. */
  async at(voxel: readonly number[]): Promise<CrosshairDetail> {
    return this.page.evaluate(async (place) => {
      const viewer = document.querySelector<LazyImageViewer>("lazy-image-viewer")!;
      return new Promise<CrosshairDetail>((resolve) => {
        viewer.addEventListener("crosshairchange", function told(event) {
          const { detail } = event as CustomEvent<CrosshairDetail>;
          // It may tell of where it was before.
          if (String(detail.voxel) !== String(place)) return;
          viewer.removeEventListener("crosshairchange", told);
          resolve(detail);
        });
        viewer.crosshair = place as unknown as CrosshairDetail["voxel"];
      });
    }, voxel);
  }

  async crosshair(): Promise<readonly number[] | null> {
    return this.page.evaluate(() => document.querySelector<LazyImageViewer>("lazy-image-viewer")!.crosshair);
  }

  async traffic(): Promise<LazyImageViewer["traffic"]> {
    return this.page.evaluate(() => document.querySelector<LazyImageViewer>("lazy-image-viewer")!.traffic);
  }

  /** What is shown in one of the viewer's places. */
  async text(name: string): Promise<string> {
    return (await this.page.locator(`[data-show=${name}]`).textContent()) ?? "";
  }

  /** The message that is shown; waits for one. */
  async message(): Promise<string> {
    const message = this.page.locator(".message");
    await message.waitFor({ state: "visible" });
    return (await message.textContent()) ?? "";
  }

  /** Drops files and folders of this machine, as from a file manager, onto a place of the viewer. */
  async drop(paths: readonly string[], target = "lazy-image-viewer"): Promise<void> {
    const client = await this.page.context().newCDPSession(this.page);
    const drag = async (type: "dragEnter" | "dragOver" | "drop", at: string): Promise<void> => {
      const box = (await this.page.locator(at).boundingBox())!;
      await client.send("Input.dispatchDragEvent", {
        type,
        x: box.x + box.width / 2,
        y: box.y + box.height / 2,
        data: { items: [], files: [...paths], dragOperationsMask: 1 },
      });
    };
    await drag("dragEnter", "lazy-image-viewer");
    await drag("dragOver", "lazy-image-viewer");
    await drag("dragOver", target);
    await drag("drop", target);
    await client.detach();
  }

  close(): Promise<void> {
    return this.page.close();
  }
}
