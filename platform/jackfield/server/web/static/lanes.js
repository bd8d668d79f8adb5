// The rows of a transcript, and the lines beside them that join a message and its answers, in lanes as in a graph of commits.

import { h } from "./dom.js";

const MOST = 4; // lanes; where none is free there is no line

export class Lanes {
  constructor() {
    this._rows = new Map(); // number of a frame -> {element, asked, below}; `below` has a bit for each lane that goes on downwards
    this._pairs = new Map(); // number of a message -> {last, lane}: its last answer so far, and the lane that leads there
    this._lines = new Map(); // number of the row where it begins -> {asked, to, lane, parts}
    this._lit = [];
  }

  /** Take a row in below the others; `asked` is the number of the message that it answers. */
  add(number, element, asked) {
    this._rows.set(number, { element, asked: asked ?? number, below: 0 });
    if (asked === undefined) return;
    const before = this._pairs.get(asked) ?? { last: asked, lane: 0 };
    const lane = this._rows.has(before.last) ? this._free(before, number) : undefined;
    if (lane !== undefined) this._draw({ asked, from: before.last, to: number, lane, parts: [] });
    this._pairs.set(asked, { last: number, lane: lane ?? before.lane });
  }

  /** A lane in which nothing stands between two rows, the one that it had if it can be. */
  _free({ last, lane }, to) {
    let taken = 0;
    for (let at = last; at < to; at += 1) taken |= this._rows.get(at)?.below ?? 0;
    return [lane, ...Array(MOST).keys()].find((one) => !(taken & (1 << one)));
  }

  _draw(line) {
    this._lines.set(line.from, line);
    for (let at = line.from; at <= line.to; at += 1) {
      const row = this._rows.get(at);
      if (!row) continue; // the filter leaves it out
      if (at < line.to) row.below |= 1 << line.lane;
      const part = h(`i.lane.lane-${line.lane}${at === line.from ? ".from" : at === line.to ? ".to" : ""}`);
      line.parts.push(part);
      row.element.append(part);
    }
  }

  /** The oldest row goes, and the line that begins there. */
  drop(number) {
    const row = this._rows.get(number), line = this._lines.get(number);
    if (!row) return;
    row.element.remove();
    this._rows.delete(number);
    if (this._pairs.get(row.asked)?.last === number) this._pairs.delete(row.asked);
    if (!line) return;
    this._lines.delete(number);
    line.parts.forEach((part) => part.remove());
    for (let at = number + 1; at < line.to; at += 1) if (this._rows.has(at)) this._rows.get(at).below &= ~(1 << line.lane);
  }

  /** Have the pair light up that an element is of; none for null. */
  light(element) {
    this._lit.forEach((one) => one.classList.remove("lit"));
    const rows = [...this._rows.values()], asked = rows.find((row) => row.element === element)?.asked;
    const pair = rows.filter((row) => row.asked === asked).map((row) => row.element);
    const lines = [...this._lines.values()].filter((line) => line.asked === asked).flatMap((line) => line.parts);
    this._lit = pair.length > 1 ? [...pair, ...lines] : [];
    this._lit.forEach((one) => one.classList.add("lit"));
  }
}
