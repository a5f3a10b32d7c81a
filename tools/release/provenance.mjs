// Where a package was built is signed by the service that built it, and there is no such service here. What can be shown is
// that the release workflow's settings make pnpm ask for the identity to sign with, and publish nothing without it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { ROOT, run } from "./sandbox.mjs";

const WORKFLOW = join(ROOT, ".github", "workflows", "release.yml");

/** Publishes the package in `cwd` as the workflow would; it must fail for want of an identity. */
export async function provenanceIsAskedFor(cwd, env) {
  const workflow = readFileSync(WORKFLOW, "utf8");
  assert.match(workflow, /^ +id-token: write$/m);
  // pnpm takes no notice of publishConfig.provenance, nor of npm's own variable.
  const [, name, value] = /^ +(PNPM_CONFIG_PROVENANCE): "(true)"$/m.exec(workflow) ?? [];
  assert.ok(name, `${WORKFLOW} does not turn provenance on`);
  const audiences = [];
  const service = createServer(({ url }, response) => {
    audiences.push(new URL(url, "http://localhost").searchParams.get("audience"));
    response.writeHead(403).end();
  }).listen(0, "127.0.0.1");
  await once(service, "listening");
  const actions = {
    CI: "true",
    GITHUB_ACTIONS: "true",
    ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${service.address().port}/token?api-version=2.0`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: "none",
    GITHUB_REPOSITORY: "lazyimg/lazyimg",
  };
  const options = { cwd, env: { ...env, ...actions, [name]: value } };
  const { code, stderr } = await run(["pnpm", "publish", "--no-git-checks"], options);
  service.close();
  assert.notEqual(code, 0, "was published without provenance");
  assert.ok(audiences.includes("sigstore"), `no identity was asked for: ${stderr}`);
}
