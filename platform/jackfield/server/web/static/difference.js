// Two texts line by line beside each other: which lines they share, and what stands in one of them alone.

const MOST = 4_000_000; // pairs of lines that are compared

/** Rows `[left, right]`, null where a side has no such line; of what is the same both are. */
export function difference(left, right) {
  const a = left.split(/\r?\n/), b = right.split(/\r?\n/);
  let start = 0, end = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const same = (lines) => lines.map((line) => [line, line]);
  return [...same(a.slice(0, start)), ...middle(a.slice(start, a.length - end), b.slice(start, b.length - end)), ...same(a.slice(a.length - end))];
}

/** By the longest sequence that both have; where that would take too long, all of it counts as another. */
function middle(a, b) {
  const rows = [], width = b.length + 1;
  let i = 0, j = 0;
  const common = a.length * b.length <= MOST ? new Uint32Array((a.length + 1) * width) : null;
  for (let x = a.length - 1; common && x >= 0; x -= 1) {
    for (let y = b.length - 1; y >= 0; y -= 1) {
      common[x * width + y] = a[x] === b[y] ? common[(x + 1) * width + y + 1] + 1 : Math.max(common[(x + 1) * width + y], common[x * width + y + 1]);
    }
  }
  let gone = [], come = [];
  const flush = () => {
    for (let at = 0; at < Math.max(gone.length, come.length); at += 1) rows.push([gone[at] ?? null, come[at] ?? null]);
    [gone, come] = [[], []];
  };
  while (i < a.length || j < b.length) {
    if (common && i < a.length && j < b.length && a[i] === b[j]) {
      flush();
      rows.push([a[i++], b[j++]]);
    } else if (j >= b.length || (i < a.length && (!common || common[(i + 1) * width + j] >= common[i * width + j + 1]))) gone.push(a[i++]);
    else come.push(b[j++]);
  }
  flush();
  return rows;
}
