// Elements are made here and nowhere else. What comes from a file, a message or a user becomes text, never markup.

const SVG = "http://www.w3.org/2000/svg";

/** `h("button.primary", {onclick}, "Send")`: an element with classes, attributes, listeners and children. */
export const h = (tag, ...rest) => made((name) => document.createElement(name), tag, rest);

/** The same for a part of an SVG. */
export const s = (tag, ...rest) => made((name) => document.createElementNS(SVG, name), tag, rest);

/** Put children in the place of what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(9).filter(shown));
  return element;
}

const shown = (child) => child !== null && child !== undefined && child !== false && child !== "";

function made(create, tag, [props, ...children]) {
  const [name, ...classes] = tag.split("."), element = create(name || "div");
  if (classes.length) element.classList.add(...classes);
  const isChild = typeof props !== "object" || props instanceof Node || Array.isArray(props);
  for (const [key, value] of Object.entries(isChild ? {} : props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked" || key === "open") element[key] = value;
    else if (key === "class") element.classList.add(...value.split(" ").filter(Boolean));
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  return fill(element, isChild ? props : null, children);
}

const LINES = {
  talk: "M2 3h12v8H7l-3 3v-3H2z",
  processes: "M3 5a2 2 0 1 0 4 0 2 2 0 1 0-4 0M9 11a2 2 0 1 0 4 0 2 2 0 1 0-4 0M5 7v2a2 2 0 0 0 2 2h2",
  unanswered: "M5 6a3 3 0 1 1 4.3 2.7C8.4 9.2 8 9.7 8 10.5M8 13v.5",
  kept: "M3 4c0-3 10-3 10 0v8c0 3-10 3-10 0zM3 4c0 3 10 3 10 0M3 8c0 3 10 3 10 0",
  live: "M1 8h3l2-5 4 10 2-5h3",
  people: "M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.5 14a5.5 5.5 0 0 1 11 0",
  reference: "M3 2h7l3 3v9H3zM10 2v3h3M5.5 8h5M5.5 11h5",
  copy: "M5 5h8v9H5zM3 11V2h8",
  out: "M8 13V3M4 7l4-4 4 4",
  in: "M8 3v10M4 9l4 4 4-4",
  add: "M8 3v10M3 8h10",
  remove: "M4 4l8 8M12 4l-8 8",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM11 11l3 3",
  bad: "M8 2l6 11H2zM8 6v4M8 11.5v.5",
  good: "M3 8l3.5 4L13 4",
  pause: "M5 3v10M11 3v10",
  play: "M5 3l8 5-8 5z",
  undo: "M6 3L3 6l3 3M3 6h6a4 4 0 0 1 0 8H6",
  redo: "M10 3l3 3-3 3M13 6H7a4 4 0 0 0 0 8h3",
  save: "M8 2v8M4.5 7L8 10.5 11.5 7M3 14h10",
  plug: "M5 2v4M11 2v4M3 6h10v2a5 5 0 0 1-10 0zM8 13v2",
};

/** One of our own signs, 16 px, in the colour of the text beside it. */
export const icon = (name) => s("svg.icon", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, s("path", { d: LINES[name] }));

/** A button with a sign alone; `label` is read out and shown on hover. */
export const signButton = (name, label, onclick, props) =>
  h("button.sign", { type: "button", title: label, "aria-label": label, onclick, ...props }, icon(name));

/** Copy a text, and say so on the button for a moment. */
export function copyButton(label, done, text) {
  const say = (sign, word) => { fill(button, icon(sign)); button.setAttribute("aria-label", word); };
  const button = signButton("copy", label, async () => {
    await navigator.clipboard.writeText(typeof text === "function" ? text() : text);
    say("good", done);
    setTimeout(say, 1500, "copy", label);
  });
  return button;
}

/** Hand a text to the browser as a file. */
export function download(name, text, kind = "text/plain") {
  const address = URL.createObjectURL(new Blob([text], { type: `${kind};charset=utf-8` }));
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** Wait until nothing was asked for `wait` ms, then call. */
export function settled(wait, call) {
  let timer = 0;
  return (...args) => { clearTimeout(timer); timer = setTimeout(() => call(...args), wait); };
}
