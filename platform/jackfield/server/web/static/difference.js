// Two texts line by line beside each other: which lines they share, what stands in one of them alone, and how two changes
// of one text are put together.

const FAR = 4000; // lines, in both texts together, within which the next common one is looked for

/** Rows `[left, right]`, null where a side has no such line; of what is the same both are. */
export const difference = (left, right) => beside(left.split(/\r?\n/), right.split(/\r?\n/));

/** Two changes of a text as one text; null where both are of the same line, and not alike. */
export function merged(before, mine, theirs) {
  const lines = before.split(END), found = [...changes(lines, mine.split(END)), ...changes(lines, theirs.split(END))].sort((a, b) => a.from - b.from || a.to - b.to);
  const made = [];
  let at = 0, last = null;
  for (const one of found) {
    if (last && one.from === last.from && one.to === last.to && one.lines.join("") === last.lines.join("")) continue;
    if (last && (one.from < at || one.from === last.from)) return null;
    made.push(...lines.slice(at, one.from), ...one.lines);
    at = one.to;
    last = one;
  }
  return [...made, ...lines.slice(at)].join("");
}

const END = /(?<=\n)/;

/** What was put in the place of which lines: {from, to, lines}. */
function changes(before, after) {
  const found = [];
  let at = 0, open = null;
  for (const [left, right] of beside(before, after)) {
    if (left === right) { at += 1; open = null; continue; }
    if (!open) found.push(open = { from: at, to: at, lines: [] });
    if (left !== null) open.to = at += 1;
    if (right !== null) open.lines.push(right);
  }
  return found;
}

function beside(a, b) {
  const rows = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const [x, y] = next(a, b, i, j);
    while (i < x || j < y) rows.push([i < x ? a[i++] : null, j < y ? b[j++] : null]);
    while (i < a.length && a[i] === b[j]) rows.push([a[i++], b[j++]]);
  }
  return rows;
}

/** Where the nearest line that both have stands in each, from `i` and `j` on; or their ends. */
function next(a, b, i, j) {
  for (let far = 0; far < FAR; far += 1) {
    for (let x = Math.max(i, i + far - (b.length - j)); x <= i + far && x < a.length; x += 1) {
      if (a[x] === b[i + j + far - x]) return [x, i + j + far - x];
    }
  }
  return [a.length, b.length];
}
