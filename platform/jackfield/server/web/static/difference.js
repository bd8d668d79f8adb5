// Two texts line by line beside each other: which lines they share, and what stands in one of them alone.

const FAR = 4000; // lines, in both texts together, within which the next common one is looked for

/** Rows `[left, right]`, null where a side has no such line; of what is the same both are. */
export function difference(left, right) {
  const a = left.split(/\r?\n/), b = right.split(/\r?\n/), rows = [];
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
