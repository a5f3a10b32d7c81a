import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** nginx, where this machine has it: `$NGINX`, or where Debian puts it. */
export const NGINX: string | undefined = [process.env.NGINX, "/usr/sbin/nginx"].find(
  (path) => path !== undefined && existsSync(path),
);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** An nginx of the tests' own, with two origins. */
export interface Nginx {
  /** `http://127.0.0.1:PORT/`; its locations are below. */
  readonly url: string;
  /** Another origin with the same files, at `/plain/`. */
  readonly other: string;
  /** What it was asked: path, status, and the Authorization that came with it. */
  log(): { path: string; status: number; authorization: string; range: string }[];
  /** Ends it at once, connections and all. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

/**
 * Serves `files` from `scratch`, differently below each location:
 * `plain/`, `few/` (two requests a connection), `brief/` (a connection each), `whole/` (no ranges), `slow/`, `packed/` (gzip),
 * `untagged/` (no ETag), `private/` (a password, user:secret), `away/` (redirects to the other origin), `here/` (to
 * `private/`), `signed/` (needs `?sig=good`), `busy/` (503), `gone/` (410).
 */
export async function startNginx(files: string, scratch: string): Promise<Nginx> {
  const [port, second] = [await freePort(), await freePort()];
  const at = (name: string): string => join(scratch, name);
  mkdirSync(at("temp"), { recursive: true });
  // user:secret, as `htpasswd -p` writes it.
  writeFileSync(at("passwords"), "user:{PLAIN}secret\n");
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${at("temp")}/${kind};`,
  );
  writeFileSync(
    at("nginx.conf"),
    `daemon off; pid ${at("nginx.pid")}; error_log ${at("error.log")}; worker_processes 2;
    ${process.getuid?.() === 0 ? "user root;" : ""}
    events { worker_connections 256; }
    http {
      ${temp.join("\n")}
      default_type application/octet-stream;
      log_format asked '$uri $status "$http_authorization" "$http_range"';
      access_log ${at("access.log")} asked;
      server {
        listen 127.0.0.1:${port};
        location /plain/ { alias ${files}/; }
        location /few/ { alias ${files}/; keepalive_requests 2; }
        location /brief/ { alias ${files}/; keepalive_timeout 0; }
        location /whole/ { alias ${files}/; max_ranges 0; }
        location /slow/ { alias ${files}/; limit_rate 1m; }
        location /packed/ { alias ${files}/; gzip on; gzip_min_length 1; gzip_types *; gzip_http_version 1.0; }
        location /untagged/ { alias ${files}/; etag off; }
        location /private/ { alias ${files}/; auth_basic here; auth_basic_user_file ${at("passwords")}; }
        location /away/ { rewrite ^/away/(.*)$ http://127.0.0.1:${second}/plain/$1 redirect; }
        location /here/ { rewrite ^/here/(.*)$ http://127.0.0.1:${port}/private/$1 redirect; }
        location /signed/ { if ($arg_sig != good) { return 403; } alias ${files}/; }
        location /busy/ { return 503; }
        location /gone/ { return 410; }
      }
      server { listen 127.0.0.1:${second}; location /plain/ { alias ${files}/; } }
    }`,
  );
  const url = `http://127.0.0.1:${port}/`;
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    child = spawn(NGINX!, ["-p", scratch, "-c", at("nginx.conf")], { stdio: "ignore" });
    for (let tries = 0; ; tries++) {
      const up = await fetch(`${url}gone/`, { headers: { connection: "close" } }).then(
        () => true,
        () => false,
      );
      if (up) return;
      if (tries === 1200) throw new Error(`nginx does not answer: ${readFileSync(at("error.log"), "utf8")}`);
      await sleep(100);
    }
  }

  async function kill(): Promise<void> {
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child!.once("exit", resolve));
    // The workers have the connections; they are children of the one that is started here.
    const workers = execFileSync("ps", ["-o", "pid=", "--ppid", String(child.pid)], { encoding: "utf8" });
    child.kill("SIGKILL");
    for (const pid of workers.split(/\s+/).filter((word) => word !== ""))
      process.kill(Number(pid), "SIGKILL");
    await ended;
    child = undefined;
  }

  await start();
  return {
    url,
    other: `http://127.0.0.1:${second}/`,
    log: () =>
      readFileSync(at("access.log"), "utf8")
        .split("\n")
        .flatMap((line) => {
          const [, path, status, authorization, range] = /^(\S+) (\d+) "([^"]*)" "([^"]*)"$/.exec(line) ?? [];
          return path === undefined
            ? []
            : [{ path, status: Number(status), authorization: authorization!, range: range! }];
        }),
    kill,
    start,
  };
}
