// A real registry on this machine: Verdaccio. What is ours is published to it and comes from nowhere else; everything else
// comes through it from the registry that this machine's npm is set up with.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { output, ROOT, temporaryFolder } from "./sandbox.mjs";

/** The last line of versions that runs on Node 20. */
const VERSION = "6.8.0";

/** Installs Verdaccio, unless an earlier rehearsal did; its main file. It is no devDependency: only releases need it. */
async function verdaccio() {
  const folder = join(ROOT, "node_modules", ".cache", `verdaccio-${VERSION}`);
  const done = join(folder, "installed");
  if (!existsSync(done)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const manifest = {
      private: true,
      dependencies: { verdaccio: VERSION },
      // One of its plugins asks for node-fetch by a tag, which mirrors of the registry may not have.
      overrides: { "node-fetch": "2.7.0" },
    };
    writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
    await output(["npm", "install", ...flags], { cwd: folder });
    writeFileSync(done, "");
  }
  return join(folder, "node_modules", "verdaccio", "bin", "verdaccio");
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/**
 * Starts a registry that is empty.
 *
 * @param ours names of the packages, or patterns, that never come from elsewhere
 * @returns its address, and the token of a user who may publish
 */
export async function startRegistry(ours) {
  const main = await verdaccio();
  const uplink = (await output(["npm", "config", "get", "registry"], { cwd: ROOT })).trim();
  const folder = temporaryFolder("registry");
  const url = `http://127.0.0.1:${await freePort()}/`;
  const config = {
    storage: join(folder, "storage"),
    auth: { htpasswd: { file: join(folder, "htpasswd") } },
    uplinks: { machine: { url: uplink, timeout: "60s", max_fails: 10 } },
    packages: {
      ...Object.fromEntries(ours.map((name) => [name, { access: "$all", publish: "$authenticated" }])),
      "**": { access: "$all", proxy: "machine" },
    },
    web: { enable: false },
    log: { type: "stdout", format: "pretty", level: "warn" },
  };
  // YAML is a superset of JSON.
  writeFileSync(join(folder, "config.yaml"), JSON.stringify(config));
  const child = spawn(process.execPath, [main, "--config", join(folder, "config.yaml"), "--listen", url], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  process.on("exit", () => child.kill());
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      log += text;
    });
  }
  const user = { name: "rehearsal", password: crypto.randomUUID() };
  for (let tries = 0; ; tries++) {
    const response = await fetch(`${url}-/user/org.couchdb.user:${user.name}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(user),
    }).catch(() => null);
    if (response?.ok) return { url, token: (await response.json()).token, stop: () => child.kill() };
    if (tries === 1000 || child.exitCode !== null) throw new Error(`Verdaccio did not start:\n${log}`);
    await sleep(300);
  }
}

/** What the registry has of a package: its versions, and the manifest of each. */
export async function published({ url }, name) {
  const response = await fetch(`${url}${name.replace("/", "%2f")}`);
  return response.ok ? (await response.json()).versions : {};
}
