// What is going on at the endpoints that one has looked at. It goes on at other places, until somebody else logs in.

const MOST = 8; // endpoints
const PAUSE = 100; // ms between two tellings of what moves

const kept = new Map(); // endpoint's name -> talk; the one that was looked at last is the last
let inSight = null, timer = 0;

/** What is called when a connection opens or closes, or something came. */
export const heard = new Set();

export function moved() {
  timer ||= setTimeout(() => { timer = 0; heard.forEach((call) => call()); }, PAUSE);
}

/** The endpoint that was looked at last. */
export const latest = () => [...kept.keys()].at(-1);

export const found = (name) => kept.get(name);

/**
 * Have a talk in sight: {connected(), count(), leave()}, where `count()` grows with each frame. Of more than eight
 * endpoints the one that was looked at longest ago is left, first of those without a connection; gives the name of one
 * that had a connection.
 */
export function look(name, talk) {
  away();
  kept.delete(name);
  kept.set(name, talk);
  inSight = talk;
  if (kept.size <= MOST) return undefined;
  const others = [...kept].slice(0, -1), [gone, left] = others.find(([, one]) => !one.connected()) ?? others[0];
  const told = left.connected() ? gone : undefined;
  kept.delete(gone);
  left.leave();
  return told;
}

/** Nothing is in sight any more: what comes from now on is new. */
export function away() {
  if (inSight) inSight.seen = inSight.count();
  inSight = null;
  moved();
}

/** How it stands with each: [name, {connected, fresh, inSight}]. */
export const standing = () => [...kept].map(([name, talk]) => [name, {
  connected: talk.connected(), inSight: talk === inSight, fresh: talk === inSight ? 0 : talk.count() - talk.seen,
}]);

/** Leave all, so that nobody else sees it. */
export function forget() {
  kept.forEach((talk) => talk.leave());
  kept.clear();
  inSight = null;
  moved();
}
