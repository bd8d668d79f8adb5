// What went over connections -> an example for endpoints.yaml, as POST /api/endpoints/{name}/examples takes it. No elements.

import { base64, read } from "./json.js";

const OURS = ["$n", "$time"]; // of events that a group keeps: others each time
const ENDINGS = new Set([1000, 1001, 1005, 1006]); // an end that the client asked for, or that says nothing

/**
 * The example of one or more conversations, `[{frames, params}]`, from where each was opened last.
 *
 * Gives {as, params, clients, steps}, the first three where they are needed: `as` where what came has the `login` of
 * who talked in it.
 */
export function exampleOf(conversations, login = "") {
  const several = conversations.length > 1;
  const names = conversations.map((_, place) => `client${place + 1}`);
  const said = conversations.flatMap(({ frames }, place) => last(frames).map((frame) => ({ frame, client: several ? names[place] : undefined })));
  const steps = paired(said.sort((a, b) => a.frame.at - b.frame.at).map(step).filter(Boolean));
  const named = login && said.some(({ frame }) => frame.way === "in" && frame.text.includes(JSON.stringify(login)));
  const about = conversations.map(({ params }) => ({ ...(named ? { as: { login } } : {}), ...(Object.keys(params).length ? { params } : {}) }));
  return several ? { clients: Object.fromEntries(names.map((name, place) => [name, about[place]])), steps } : { ...about[0], steps };
}

/** Whether a conversation holds something that an example can be made of. */
export const isSaid = ({ frames }) => last(frames).some((frame) => frame.way === "out" || frame.way === "in");

const last = (frames) => frames.slice(frames.findLastIndex((frame) => frame.kind === "opened") + 1);

function step({ frame, client }) {
  const found = what(frame);
  return found && (client ? { client, ...found } : found);
}

function what(frame) {
  if (frame.way === "out") return { send: value(frame) };
  if (frame.kind === "closed") return frame.opened && !ENDINGS.has(frame.code) ? { expect_close: frame.code } : null;
  if (frame.way !== "in") return null;
  if (frame.kind === "error") return { expect_error: frame.error.code };
  const came = value(frame);
  if (frame.kind !== "event" || !OURS.some((key) => key in came)) return { expect: came };
  return { expect: Object.fromEntries(Object.entries(came).filter(([key]) => !OURS.includes(key))), partial: true };
}

function value(frame) {
  if (frame.kind === "binary") return { base64: base64(frame.bytes) };
  return frame.json ? read(frame.text) : frame.text;
}

/** One step of what is sent and what comes of it at once. */
function paired(steps) {
  const found = [];
  for (const one of steps) {
    const before = found.at(-1);
    const joins = before && Object.keys(before).every((key) => key === "send" || key === "client") && !("send" in one) && before.client === one.client;
    if (joins) Object.assign(before, one);
    else found.push(one);
  }
  return found;
}
