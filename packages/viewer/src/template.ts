import type { PlaneName } from "./geometry.js";

const ICONS = {
  crosshair: '<path d="M8 1v5M8 10v5M1 8h5M10 8h5"/>',
  scroll: '<path d="M8 1.5v13M5 4.5l3-3 3 3M5 11.5l3 3 3-3"/>',
  window: '<circle cx="8" cy="8" r="6"/><path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor"/>',
  pan: '<path d="M8 1.5v13M1.5 8h13M6 3.5l2-2 2 2M6 12.5l2 2 2-2M3.5 6l-2 2 2 2M12.5 6l2 2-2 2"/>',
};
const TOOLS = [
  ["crosshair", "Crosshair", "Drag to move the crosshair"],
  ["scroll", "Slices", "Drag up and down to move through slices (or the wheel, or Shift and drag)"],
  ["window", "Contrast", "Drag to change window and level (or drag with the right button)"],
  ["pan", "Pan", "Drag to move a zoomed picture (or drag with the middle button)"],
] as const;

const tool = ([value, label, title]: (typeof TOOLS)[number], n: number): string => `
  <label title="${title}">
    <input type="radio" name="tool" value="${value}"${n === 0 ? " checked" : ""}>
    <svg viewBox="0 0 16 16" aria-hidden="true">${ICONS[value]}</svg><span>${label}</span>
  </label>`;

const plane = (name: PlaneName): string => `
  <div class="plane" data-plane="${name}" role="slider" tabindex="0" aria-orientation="vertical"
    aria-label="${name} plane" aria-describedby="help" aria-valuemin="1" aria-valuemax="1" aria-valuenow="1">
    <canvas aria-hidden="true"></canvas>
    <div class="letters" aria-hidden="true">
      <b data-edge="left"></b><b data-edge="right"></b><b data-edge="top"></b><b data-edge="bottom"></b>
      <i>${name} <span class="slice"></span></i>
    </div>
    <div class="note"></div>
  </div>`;

/** What is inside of the element. */
export const TEMPLATE: string = `
<div class="viewer">
  <div class="bar" role="group" aria-label="View">
    <fieldset class="tools"><legend class="hidden">What dragging does</legend>${TOOLS.map(tool).join("")}</fieldset>
    <label><span class="caption">Window</span> <select name="preset" aria-label="Window"></select></label>
    <label class="number"><span class="hidden">Black at</span><input name="low" type="number" step="any" title="Shown as black"></label>
    <label class="number"><span class="hidden">White at</span><input name="high" type="number" step="any" title="Shown as white"></label>
    <label><span class="caption">View</span> <select name="convention" aria-label="View" title="Radiological: the patient's right is on the left of the screen. Neurological: on the right">
      <option value="radiological">Radiological</option><option value="neurological">Neurological</option>
    </select></label>
    <button name="reset" title="Whole planes, crosshair in the middle, automatic window">Reset</button>
  </div>
  <div class="planes">
    ${(["axial", "coronal", "sagittal"] as const).map(plane).join("")}
    <aside class="panel" aria-label="At the crosshair">
      <dl>
        <div><dt>World</dt><dd data-show="world">–</dd></div>
        <div><dt>Voxel</dt><dd data-show="voxel">–</dd></div>
        <div class="value"><dt>Value</dt><dd data-show="value">–</dd></div>
        <div class="label" hidden><dt>Label</dt><dd><i class="swatch"></i><span data-show="label">–</span></dd></div>
      </dl>
      <label class="channel" hidden>Volume <output data-show="channel"></output>
        <input name="channel" type="range" min="0" step="1" value="0"></label>
      <label class="overlay" hidden><span data-show="overlay">Overlay</span>
        <input name="opacity" type="range" min="0" max="1" step="0.05" aria-label="Opacity of the overlay">
        <button name="remove" title="Remove the overlay">Remove</button></label>
      <dl class="facts" data-show="facts"></dl>
    </aside>
  </div>
  <footer class="status" data-show="status"></footer>
  <div class="message" role="alert" hidden>
    <h2></h2><p></p><button name="again">Try again</button> <button name="dismiss">Close</button>
  </div>
  <div class="drop" hidden><span data-drop="open">Open</span><span data-drop="overlay">Lay over as labels</span></div>
  <p class="hidden" id="help">Arrow keys, page up and page down move through slices; with Shift they move the crosshair.
    Plus and minus zoom, 0 resets.</p>
  <div class="hidden" aria-live="polite" data-show="live"></div>
</div>`;

/** Light and dark as the page has it; planes are black in both. */
export const STYLE = `
:host { display: block; min-height: 20rem; container: viewer / size; color-scheme: light dark;
  --back: light-dark(#f4f5f7, #14161a); --card: light-dark(#fff, #1d2026); --line: light-dark(#d5d9df, #343943);
  --text: light-dark(#1a1d23, #e8eaee); --soft: light-dark(#5b6270, #9aa3b2); --accent: light-dark(#0b6bcb, #56ccff);
  font: 14px/1.45 system-ui, sans-serif; color: var(--text); background: var(--back); }
:host([hidden]) { display: none; }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.viewer { position: relative; display: flex; flex-direction: column; height: 100%; }
.bar { display: flex; flex-wrap: wrap; gap: .5rem .9rem; align-items: center; padding: .5rem .75rem;
  border-bottom: 1px solid var(--line); background: var(--card); }
.bar label, .panel label { display: flex; align-items: center; gap: .4rem; color: var(--soft); }
select, input[type=number], button { font: inherit; color: var(--text); background: var(--back);
  border: 1px solid var(--line); border-radius: 6px; padding: .25rem .5rem; min-height: 2rem; }
input[type=number] { width: 6.5rem; font-variant-numeric: tabular-nums; }
button { cursor: pointer; }
button:hover, select:hover { border-color: var(--accent); }
input { accent-color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.tools { display: flex; margin: 0; padding: 0; border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
.tools label { position: relative; gap: .35rem; padding: .25rem .6rem; min-height: 2rem; cursor: pointer; }
.tools label + label { border-left: 1px solid var(--line); }
.tools input { position: absolute; inset: 0; opacity: 0; margin: 0; cursor: pointer; }
.tools label:has(:checked) { color: light-dark(#fff, #10151c); background: var(--accent); }
.tools label:has(:focus-visible) { outline: 2px solid var(--accent); outline-offset: -3px; outline-color: var(--text); }
.tools svg { width: 1rem; height: 1rem; fill: none; stroke: currentColor; stroke-width: 1.5; }
.planes { flex: 1; min-height: 0; display: grid; grid-template: 1fr 1fr / 1fr 1fr; gap: 2px; background: var(--line); }
.plane { position: relative; overflow: hidden; background: #000; touch-action: none; cursor: crosshair;
  min-width: 0; min-height: 0; user-select: none; -webkit-user-select: none; }
.plane:focus { outline: none; }
.plane:focus::after { content: ""; position: absolute; inset: 0; border: 1px solid #56ccff99; pointer-events: none; }
.plane:focus-visible::after { border: 2px solid #56ccff; }
.plane canvas { position: absolute; inset: 0; width: 100%; height: 100%; }
.letters { position: absolute; inset: 0; pointer-events: none; color: #ffc45c; text-shadow: 0 0 3px #000, 0 0 2px #000; }
.letters b { position: absolute; font-weight: 600; font-size: 13px; }
.letters [data-edge=left] { left: .5rem; top: 50%; translate: 0 -50%; }
.letters [data-edge=right] { right: .5rem; top: 50%; translate: 0 -50%; }
.letters [data-edge=top] { top: .3rem; left: 50%; translate: -50% 0; }
.letters [data-edge=bottom] { bottom: .3rem; left: 50%; translate: -50% 0; }
.letters i { position: absolute; left: .5rem; top: .3rem; font-style: normal; font-size: 12px; color: #c9ced6;
  text-transform: capitalize; font-variant-numeric: tabular-nums; }
.note { position: absolute; left: 50%; bottom: 1.6rem; translate: -50% 0; max-width: 90%; color: #e8eaee; font-size: 12px;
  text-shadow: 0 0 3px #000; white-space: nowrap; }
.note button { background: #1d2026; color: #e8eaee; border-color: #56ccff; font-size: 13px; }
.panel { padding: .9rem 1rem; background: var(--card); overflow: auto; display: flex; flex-direction: column; gap: .9rem; }
dl { margin: 0; display: grid; gap: .3rem; }
dl div { display: flex; gap: .75rem; align-items: baseline; }
dt { color: var(--soft); flex: 0 0 5rem; }
dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; min-width: 0; }
.value dd { font-size: 1.35rem; font-weight: 600; }
.swatch { display: inline-block; width: .8rem; height: .8rem; border-radius: 3px; margin-right: .4rem; border: 1px solid var(--line); }
.facts { font-size: 13px; border-top: 1px solid var(--line); padding-top: .8rem; }
.panel label { flex-wrap: wrap; }
.panel input[type=range] { flex: 1; min-width: 8rem; }
.status { padding: .3rem .75rem; font-size: 12px; color: var(--soft); background: var(--card); border-top: 1px solid var(--line);
  font-variant-numeric: tabular-nums; min-height: 1.8rem; }
.message { position: absolute; left: 50%; top: 50%; translate: -50% -50%; width: min(34rem, 92%); padding: 1rem 1.25rem 1.2rem;
  background: var(--card); border: 1px solid var(--line); border-left: 4px solid light-dark(#c62828, #ff6f61); border-radius: 8px;
  box-shadow: 0 8px 40px #0006; }
.message h2 { margin: 0 0 .4rem; font-size: 1.05rem; }
.message p { margin: 0 0 .9rem; overflow-wrap: anywhere; }
.drop { position: absolute; inset: 0; display: flex; gap: 1rem; padding: 1rem; background: light-dark(#fffc, #000a); }
.drop span { flex: 1; display: grid; place-items: center; border: 2px dashed var(--accent); border-radius: 12px;
  font-size: 1.2rem; background: var(--card); opacity: .92; }
.drop span.over { border-style: solid; color: var(--accent); }
@container viewer (width < 720px) {
  .viewer { overflow: auto; }
  .tools span, .caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .tools label { padding: .25rem .8rem; }
  .bar { gap: .4rem; padding: .4rem .5rem; }
  .bar select { max-width: 8.5rem; }
  .number { display: none !important; }
  .plane:not([data-plane=axial]) i { font-size: 0; }
  .slice { font-size: 12px; }
  .planes { flex: none; grid-template: min(100cqw, 52cqh) min(50cqw, 30cqh) auto / 1fr 1fr; }
  .plane[data-plane=axial], .panel { grid-column: 1 / -1; }
  select, button, .tools label { min-height: 2.4rem; }
}
@container viewer (width >= 720px) and (height < 430px) {
  .planes { grid-template: 1fr / 1fr 1fr 1fr 17rem; }
}
@media (prefers-reduced-motion: no-preference) { button, select { transition: border-color .15s; } }
`;
