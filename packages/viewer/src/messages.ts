import { isLazyImageError } from "@lazyimg/core";

/** What servers answer who want to know first who asks (RFC 9110, section 15.5). */
const REFUSED = /the server answered (401|403)\b/;

const TITLES: Readonly<Record<string, string>> = {
  ERR_HTTP: "The server could not be read",
  ERR_NOT_FOUND: "There is no such file",
  ERR_TRUNCATED: "The file is damaged",
  ERR_CORRUPT: "The file is damaged",
  ERR_CHECKSUM: "The file is damaged",
  ERR_HEADER: "The file is damaged",
  ERR_PAIR: "Half of the image is missing",
  ERR_CHANGED: "The file has changed",
  ERR_NO_BACKEND: "This is no image that can be opened",
  ERR_PLUGIN: "The plugin cannot be used",
  ERR_LIMIT: "This image is too much",
  ERR_UNSUPPORTED: "This image cannot be shown",
  ERR_UNSUPPORTED_DTYPE: "This image cannot be shown",
  ERR_WORKER: "The viewer cannot run",
};

/** What to do, where the error itself says only what is wrong. */
const ADVICE: Readonly<Record<string, string>> = {
  ERR_HTTP: "Check the address and that the server runs, then try again.",
  ERR_NOT_FOUND: "Check the address.",
  ERR_NO_BACKEND: "A format of another package opens with lazyimg view --plugin PACKAGE.",
  ERR_TRUNCATED: "Get the file again: its copy may have broken off.",
  ERR_CORRUPT: "Get the file again, or open another.",
  ERR_CHECKSUM: "Get the file again: its copy is not what it was.",
  ERR_HEADER: "Open another, or have its header repaired.",
};

/** What went wrong, and what to do, for the one who looks at the image. */
export function describeError(error: unknown): { title: string; text: string } {
  const message = error instanceof Error ? error.message : String(error);
  const code = isLazyImageError(error) ? error.code : "";
  if (code === "ERR_HTTP" && REFUSED.test(message)) {
    const said = message.replace(/: pass headers.*$/, ".");
    return {
      title: "The server does not let everybody read this",
      text: `${said} Give the Authorization that it asks for, with URL… or with lazyimg view --header "Authorization: …"; one that was given may have expired, or may not be for this file.`,
    };
  }
  // What follows is for those who write programs.
  const said = code === "ERR_NO_BACKEND" ? message.replace(/; tried [\s\S]*$/, "") : message;
  const text = [said.replace(/[.]?$/, "."), ADVICE[code] ?? ""].join(" ").trim();
  return { title: TITLES[code] ?? "The image could not be read", text };
}
