import { filesDropped } from "./dropped.js";

/**
 * Shows where to drop files while they are dragged over `element`: to be opened, or, where there is an image, to be laid
 * over it.
 *
 * @param zone has two spans, the second for overlays
 */
export function listenToDrops(
  element: HTMLElement,
  zone: HTMLElement,
  canOverlay: () => boolean,
  dropped: (files: ReadonlyMap<string, Blob>, asOverlay: boolean) => void,
): void {
  const [open, overlay] = zone.querySelectorAll<HTMLElement>("span");
  const isOverlay = (event: DragEvent): boolean => canOverlay() && event.composedPath().includes(overlay!);
  element.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    zone.hidden = false;
    overlay!.hidden = !canOverlay();
    overlay!.classList.toggle("over", isOverlay(event));
    open!.classList.toggle("over", !isOverlay(event));
  });
  element.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null || !element.contains(event.relatedTarget as Node)) zone.hidden = true;
  });
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.hidden = true;
    const asOverlay = isOverlay(event);
    void filesDropped(event.dataTransfer!).then((files) => dropped(files, asOverlay));
  });
}
