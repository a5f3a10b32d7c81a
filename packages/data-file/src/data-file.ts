import { openSibling } from "@lazyimg/byte-source";
import { type BackendRequest, describeRequest, LazyImageError } from "@lazyimg/core";
import type { DataFile } from "./open-file.js";

/** No system has longer ones. */
const MOST_PATH = 4096;

/**
 * Opens the file that a header names as the one with its voxels: beside the header, or in a folder below.
 *
 * A header comes from anywhere, so a path that leads out of the header's folder is refused, whatever lies there. Where the
 * request has a `sibling`, that is asked, with the whole path.
 *
 * @param path as it is in the header, with `/` between folders
 * @throws LazyImageError `ERR_HEADER` for a path that is absolute, a URL, or has `..` in it; `ERR_PAIR` when there is no
 * such file
 */
export async function openDataFile(
  request: BackendRequest,
  path: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<DataFile> {
  const what = describeRequest(request);
  const shown = JSON.stringify(path.length > 80 ? `${path.slice(0, 80)}...` : path);
  const steps = path.split("/").filter((step) => step !== ".");
  const name = steps.pop() ?? "";
  // A backslash and a colon lead out on Windows; a colon makes URLs, too.
  const leadsOut = [...steps, name].some((step) => step === "" || step === "..") || /[\\:\0]/.test(path);
  if (leadsOut || path.length > MOST_PATH) {
    throw new LazyImageError(
      "ERR_HEADER",
      `${what} names the data file ${shown}; only files in its own folder or below are opened. Move it there, and name it so.`,
    );
  }
  const isBelow = steps.length > 0;
  const source = await (request.sibling !== undefined && isBelow
    ? request.sibling([...steps, name].join("/"))
    : openSibling(inFolder(request, steps), name, options));
  if (source !== null) return { source, name: isBelow ? undefined : name };
  throw new LazyImageError(
    "ERR_PAIR",
    `${what} has its voxels in ${shown}, which is not beside it; copy both, or give \`sibling\`.`,
  );
}

/** The request for a file in a folder below; `openSibling` looks beside it. */
function inFolder(request: BackendRequest, steps: readonly string[]): BackendRequest {
  const { path } = request;
  if (path === undefined || steps.length === 0) return request;
  if (!/^(https?|file):/i.test(path)) {
    return { ...request, path: path.replace(/[^/\\]*$/, [...steps, "header"].join("/")) };
  }
  const url = new URL(path);
  url.pathname = url.pathname.replace(/[^/]*$/, [...steps, "header"].map(encodeURIComponent).join("/"));
  return { ...request, path: url.href };
}
