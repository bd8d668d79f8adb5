// What went over a connection, as a list: direction, time since the last, size, pretty or raw; answers beside what they answer.

import { copyButton, download, fill, h, icon, signButton } from "./dom.js";
import { indented, pretty } from "./json.js";
import { searchField } from "./parts.js";
import { CODES } from "./conversation.js";
import { bytes, clock, span, words } from "./words.js";

const t = words({
  transcript: ["Transcript", "Переписка"],
  nothing: ["Connect and send a message. What goes over the connection stands here.", "Подключитесь и отправьте сообщение. Здесь будет всё, что прошло по соединению."],
  filter: ["Filter", "Фильтр"],
  pause: ["Pause", "Пауза"],
  resume: ["Go on ({n} new)", "Дальше (новых: {n})"],
  clear: ["Clear", "Очистить"],
  raw: ["raw", "как есть"],
  all: ["Show all ({size})", "Показать всё ({size})"],
  out: ["sent", "отправлено"],
  in: ["received", "получено"],
  opened: ["connected", "соединение открыто"],
  closed: ["closed", "соединение закрыто"],
  refused: ["not connected", "соединение не открыто"],
  event: ["event {name}", "событие {name}"],
  request: ["asks for an answer: {name}", "просит ответить: {name}"],
  done: ["done", "готово"],
  took: ["after {time}", "через {time}"],
  normal: ["ended as asked", "завершено по просьбе"],
  away: ["the other side went away", "другая сторона ушла"],
  protocol: ["a frame was against the protocol", "кадр нарушил протокол"],
  kind: ["this kind of message is not taken", "такие сообщения не принимаются"],
  no_code: ["closed without a code", "закрыто без кода"],
  lost: ["the connection was lost, or was never opened", "связь потеряна или не открылась"],
  not_utf8: ["a text was not UTF-8", "текст не в UTF-8"],
  too_big: ["a message was too long", "сообщение слишком длинное"],
  fault: ["a fault of the server", "сбой сервера"],
  restart: ["the server restarts, or the endpoint is gone", "сервер перезапускается, или адреса больше нет"],
  session: ["the session has ended: log in again", "сеанс закончился: войдите снова"],
  forbidden: ["you may not be here", "вам сюда нельзя"],
  idle: ["nothing was said for too long", "слишком долго было тихо"],
  flood: ["too much came too fast", "слишком много и слишком быстро"],
});

const LONG = 8000; // letters of a frame that is folded

/** The list of one conversation: {element, add(frame), drop(), say(...)}; `more` is a control of its head. */
export function transcript(conversation, more) {
  let raw = false, paused = null, wanted = "";
  const whole = new Set(); // long ones that are shown whole
  const list = h("div.frames", { role: "log", "aria-label": t("transcript"), tabindex: "0" });
  const hint = h("div.empty", t("nothing"));
  const drawn = new Map();
  const pause = signButton("pause", t("pause"), () => { if (paused) resume(); else { paused = []; mark(); } }, { "aria-pressed": "false" });
  const mark = () => {
    pause.setAttribute("aria-pressed", String(paused !== null));
    const label = paused === null ? t("pause") : t("resume", { n: paused.length });
    pause.title = label;
    pause.setAttribute("aria-label", label);
    fill(pause, icon(paused === null ? "pause" : "play"), paused?.length ? String(paused.length) : null);
  };
  const resume = () => { const waiting = paused; paused = null; mark(); waiting.forEach(add); };
  const shownAsRaw = h("label.inline.small", h("input", { type: "checkbox", onchange: (event) => { raw = event.target.checked; paint(); } }), t("raw"));

  const matches = (frame) => wanted === "" || `${frame.text ?? ""} ${frame.reason ?? ""} ${frame.code ?? ""}`.toLowerCase().includes(wanted);
  const paint = () => { drawn.clear(); fill(list, conversation.frames.filter(matches).map(row)); if (!list.children.length) fill(list, hint); };

  const pairOf = (frame) => {
    const own = frame.pair ?? frame.number;
    return conversation.frames.filter((one) => one.number === own || one.pair === own);
  };
  const light = (frame, on) => {
    const pair = on ? pairOf(frame) : [];
    for (const element of drawn.values()) element.classList.remove("paired", "between");
    if (pair.length < 2) return;
    const numbers = pair.map((one) => one.number), first = Math.min(...numbers), last = Math.max(...numbers);
    for (const [number, element] of drawn) {
      if (numbers.includes(number)) element.classList.add("paired");
      else if (number > first && number < last) element.classList.add("between");
    }
  };

  function row(frame) {
    const element = h(`div.frame.${frame.way === "note" ? "aside" : frame.way}.${frame.kind}`,
      { onmouseenter: () => light(frame, true), onmouseleave: () => light(frame, false) },
      frame.way === "note" ? icon(frame.kind === "opened" ? "plug" : "remove") : icon(frame.kind === "error" ? "bad" : frame.way),
      body(frame), facts(frame));
    drawn.set(frame.number, element);
    return element;
  }

  function body(frame) {
    if (frame.way === "note") return h("div.body", said(frame));
    const spoken = h("span.skip", t(frame.way));
    const word = frame.kind === "event" ? t("event", { name: frame.event }) : frame.kind === "request" ? t("request", { name: frame.event }) : undefined;
    if (frame.text.length > LONG && !whole.has(frame.number)) {
      const all = h("button.link", { type: "button", onclick: () => { whole.add(frame.number); element.replaceWith(body(frame)); } }, t("all", { size: bytes(frame.size) }));
      const element = h("div.body", { "data-word": word }, spoken, h("div.json", `${frame.text.slice(0, 1000)} …`), all);
      return element;
    }
    const parts = frame.json && !raw ? pretty(frame.text).map(([kind, text]) => (kind === "space" ? text : h(`span.${kind}`, text))) : frame.text;
    return h("div.body", { "data-word": word }, spoken, h("div.json", parts));
  }

  function facts(frame) {
    const copied = frame.text === undefined || frame.way === "note" ? null
      : copyButton(t("copy"), t("copied"), () => (frame.json && !raw ? indented(frame.text) : frame.text));
    const since = frame.took !== undefined ? t("took", { time: span(frame.took) }) : frame.since === null ? null : `+${span(frame.since)}`;
    return h("div.facts", { title: clock(frame.when) }, copied,
      h("span", [since, frame.size === undefined ? clock(frame.when) : bytes(frame.size)].filter(Boolean).join(" · ")));
  }

  function said(frame) {
    if (frame.kind === "opened") return [t("opened"), " ", h("span.mono", frame.text)];
    const what = CODES[frame.code];
    return [t(frame.opened ? "closed" : "refused"), ` ${frame.code}`, what ? `: ${t(what)}` : null, frame.reason ? ` · ${frame.reason}` : null];
  }

  function add(frame) {
    if (paused) { paused.push(frame); mark(); return; }
    if (!matches(frame)) return;
    const down = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    if (hint.parentElement === list) hint.remove();
    list.append(row(frame));
    if (down) list.scrollTop = list.scrollHeight;
  }

  const saved = () => conversation.frames.map((frame) => JSON.stringify({
    at: new Date(frame.when).toISOString(), way: frame.way, text: frame.text, code: frame.code, reason: frame.reason,
  })).join("\n");
  const element = h("section.transcript", { "aria-label": t("transcript") },
    h("header", searchField((text) => { wanted = text.toLowerCase(); paint(); }, t("filter")), shownAsRaw, pause,
      copyButton(t("copy"), t("copied"), saved),
      signButton("save", t("save"), () => download("transcript.jsonl", saved(), "application/x-ndjson")),
      signButton("remove", t("clear"), () => { conversation.clear(); paint(); }), more),
    list);
  paint();
  return {
    element,
    add,
    drop: () => { for (const [number, one] of drawn) { if (number > conversation.number - 2000) break; one.remove(); drawn.delete(number); } },
  };
}
