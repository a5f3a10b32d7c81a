import { filesChosen, type LazyImageViewer, type Openable } from "../index.js";

const find = <E extends HTMLElement>(selector: string): E => document.querySelector<E>(selector)!;

const viewer = find<LazyImageViewer>("lazy-image-viewer");
const dialog = find<HTMLDialogElement>("#dialog");
const address = find<HTMLInputElement>("#address");
const authorization = find<HTMLInputElement>("#authorization");

/** A button that has files chosen. */
function choose(button: string, open: (files: Map<string, Blob>) => void): void {
  const input = find<HTMLInputElement>(`${button}-input`);
  find(button).addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    if (input.files !== null && input.files.length > 0) open(filesChosen(input.files));
    // The same file may be chosen again.
    input.value = "";
  });
}

const show = (name: string): void => {
  find("#empty").hidden = true;
  find("#overlay").hidden = false;
  find("#name").textContent = name;
  document.title = name === "" ? "lazyimg" : `${name} · lazyimg`;
};

choose("#files", (files) => void viewer.openFiles(files));
choose("#folder", (files) => void viewer.openFiles(files));
choose("#overlay", (files) => void viewer.openFiles(files, true));
// What is opened, or what went wrong, is told where the image will be.
for (const event of ["loadstart", "error"]) {
  viewer.addEventListener(event, () => {
    find("#empty").hidden = true;
  });
}
viewer.addEventListener("load", () => show(viewer.name));

find("#url").addEventListener("click", () => dialog.showModal());
find("#cancel").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => {
  if (dialog.returnValue !== "open") return;
  dialog.returnValue = "";
  const value = authorization.value.trim();
  const source: Openable = {
    kind: "url",
    url: address.value,
    ...(value !== "" && { headers: { Authorization: value } }),
  };
  authorization.value = "";
  void viewer.open(source);
});

// Beside the page lies what it fetches of ITK, when a file needs that.
viewer.readerOptions = { pipelinesBaseUrl: new URL("itk/", document.baseURI).href };

/** What the server of this page keeps out of its address; `otherwise` where the address does not say that there is some. */
async function besides<T>(query: URLSearchParams, name: string, otherwise: T): Promise<T> {
  const answer = query.has(name) ? await fetch(`${name}.json`) : null;
  return answer?.ok ? ((await answer.json()) as T) : otherwise;
}

/** Opens what the address of this page names. */
async function openAddressed(): Promise<void> {
  const query = new URLSearchParams(location.search);
  const convention = query.get("convention");
  if (convention !== null) viewer.setAttribute("convention", convention);
  // By origin. The browser's history has the address.
  const headers = await besides<Record<string, Record<string, string>>>(query, "headers", {});
  // Not from the address itself, which anybody may have written.
  viewer.plugins = await besides<string[]>(query, "plugins", []);
  const named = (name: "src" | "overlay"): Openable | null => {
    const url = query.get(name);
    if (url === null) return null;
    const { origin = "" } = URL.canParse(url, document.baseURI) ? new URL(url, document.baseURI) : {};
    return { kind: "url", url, headers: headers[origin] };
  };
  const [src, overlay] = [named("src"), named("overlay")];
  if (src !== null) await viewer.open(src);
  if (overlay !== null) await viewer.openOverlay(overlay);
}
void openAddressed();
