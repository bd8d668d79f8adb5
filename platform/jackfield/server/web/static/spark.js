// A small line of numbers over time, our own SVG.

import { h, s } from "./dom.js";

/** `spark([1, 2, null, 4], {label, shown})`: null is a gap. */
export function spark(values, { label = "", shown = "", width = 160, height = 32 } = {}) {
  const known = values.filter((one) => one !== null && one !== undefined);
  const most = Math.max(...known, 1e-9);
  const step = width / Math.max(1, values.length - 1);
  let path = "", pen = "M";
  values.forEach((value, place) => {
    if (value === null || value === undefined) { pen = "M"; return; }
    path += `${pen}${(place * step).toFixed(1)} ${(height - 2 - (value / most) * (height - 4)).toFixed(1)}`;
    pen = "L";
  });
  return h("figure.spark", h("figcaption", h("span.dim", label), h("b", shown)),
    s("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": `${label}: ${shown}` },
      s("path", { d: path || "M0 0", "vector-effect": "non-scaling-stroke" })));
}
