import { fill, h } from "./dom.js";

export function show({ main }) {
  fill(main, h("p.pad.dim", "…"));
}
