/** What dragging with the first button does. */
export type Tool = "crosshair" | "scroll" | "window" | "pan";

/** What somebody wants of a plane. Places and distances are in CSS pixels from its top left corner. */
export interface Intents {
  /** Slices forward, or back. */
  scroll(steps: number): void;
  /** To the first slice, or the last. */
  scrollTo(end: "first" | "last"): void;
  /** Sets the crosshair. */
  place(x: number, y: number): void;
  /** Moves the crosshair by voxels of the screen's axes. */
  nudge(columns: number, rows: number): void;
  window(dx: number, dy: number): void;
  pan(dx: number, dy: number): void;
  /** What lies at the place stays there; without one, the crosshair. */
  zoom(factor: number, place?: readonly [x: number, y: number]): void;
  reset(): void;
}

/** Pixels of dragging or of fine wheel movement for one slice. */
const PER_SLICE = 8;
/** A wheel that moves by this much at once has notches: a slice each. */
const NOTCH = 50;
const ZOOM_STEP = 1.25;

/** Turns what pointer, wheel and keys do on `element` into intents. */
export function listen(element: HTMLElement, tool: () => Tool, intents: Intents): void {
  const pointers = new Map<number, { x: number; y: number }>();
  let dragging: Tool = "crosshair";
  let rest = 0;

  const placeOf = (event: MouseEvent): { x: number; y: number } => {
    const { left, top } = element.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  /** Whole slices out of pixels; what is left over counts next time. */
  const slices = (pixels: number): number => {
    rest += pixels / PER_SLICE;
    const steps = Math.trunc(rest);
    rest -= steps;
    return steps;
  };
  const toolOf = ({ button, shiftKey, pointerType }: PointerEvent): Tool => {
    if (button === 2) return "window";
    if (button === 1) return "pan";
    return shiftKey && pointerType === "mouse" ? "scroll" : tool();
  };

  element.addEventListener("pointerdown", (event) => {
    // Buttons on the plane are buttons.
    if (event.target instanceof Element && event.target.closest("button") !== null) return;
    element.setPointerCapture(event.pointerId);
    element.focus({ preventScroll: true });
    pointers.set(event.pointerId, placeOf(event));
    dragging = toolOf(event);
    rest = 0;
    const { x, y } = placeOf(event);
    if (pointers.size === 1 && dragging === "crosshair") intents.place(x, y);
    event.preventDefault();
  });
  element.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (before === undefined) return;
    const now = placeOf(event);
    pointers.set(event.pointerId, now);
    const [dx, dy] = [now.x - before.x, now.y - before.y];
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other !== undefined) {
      const distance = (point: typeof now): number => Math.hypot(point.x - other.x, point.y - other.y);
      intents.zoom(distance(now) / Math.max(1, distance(before)), [
        (now.x + other.x) / 2,
        (now.y + other.y) / 2,
      ]);
      intents.pan(dx / 2, dy / 2);
    } else if (dragging === "crosshair") intents.place(now.x, now.y);
    else if (dragging === "window") intents.window(dx, dy);
    else if (dragging === "pan") intents.pan(dx, dy);
    else intents.scroll(slices(-dy));
  });
  for (const type of ["pointerup", "pointercancel"] as const) {
    element.addEventListener(type, ({ pointerId }) => {
      pointers.delete(pointerId);
      // The finger that stays after a pinch is not to move the crosshair.
      if (pointers.size > 0) dragging = "pan";
    });
  }
  element.addEventListener("contextmenu", (event) => event.preventDefault());
  element.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const delta = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * NOTCH;
      if (event.ctrlKey || event.metaKey) {
        const { x, y } = placeOf(event);
        intents.zoom(Math.exp(-delta / 300), [x, y]);
      } else {
        const steps = Math.abs(delta) >= NOTCH ? -Math.sign(delta) : slices(-delta);
        if (steps !== 0) intents.scroll(steps);
      }
    },
    { passive: false },
  );
  element.addEventListener("keydown", (event) => {
    if (event.altKey || event.target !== element) return;
    const arrows: Readonly<Record<string, readonly [column: number, row: number]>> = {
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
    };
    const arrow = arrows[event.key];
    if (arrow !== undefined) {
      if (event.shiftKey) intents.nudge(...arrow);
      else intents.scroll(arrow[0] - arrow[1]);
    } else if (event.key === "PageUp") intents.scroll(10);
    else if (event.key === "PageDown") intents.scroll(-10);
    else if (event.key === "Home") intents.scrollTo("first");
    else if (event.key === "End") intents.scrollTo("last");
    else if (event.key === "+" || event.key === "=") intents.zoom(ZOOM_STEP);
    else if (event.key === "-") intents.zoom(1 / ZOOM_STEP);
    else if (event.key === "0") intents.reset();
    else return;
    event.preventDefault();
  });
}
