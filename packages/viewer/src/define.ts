import { LazyImageViewer } from "./element.js";

declare global {
  interface HTMLElementTagNameMap {
    "lazy-image-viewer": LazyImageViewer;
  }
}

// Where there are no elements (Node), the package can be imported all the same; twice in a page, the first counts.
if (globalThis.customElements?.get("lazy-image-viewer") === undefined) {
  globalThis.customElements?.define("lazy-image-viewer", LazyImageViewer);
}
