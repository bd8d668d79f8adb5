// What went over a connection, as a list: direction, time since the last, size, pretty or raw; answers joined with what they answer.

import { CODES } from "./conversation.js";
import { copyButton, download, fill, h, icon, signButton } from "./dom.js";
import { indented, pretty } from "./json.js";
import { Lanes } from "./lanes.js";
import { searchField } from "./parts.js";
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

/** The list of one conversation: {element, add(frame), drop(frame), shown()}; `more` is a control of its head. */
export function transcript(conversation, more) {
  let raw = false, wanted = "", pausedAt = null; // the number of the last frame that is shown while it pauses
  let lanes, top = null, ours = null, asked = 0; // `top` is where one has scrolled to, null the end, which it follows
  const whole = new Set(); // long ones that are shown whole
  const light = (event) => lanes.light(event.target.closest?.(".frame") ?? null);
  const list = h("div.frames", {
    role: "log", "aria-label": t("transcript"), tabindex: "0", onmouseover: light, onfocusin: light, onmouseleave: () => lanes.light(null),
    onscroll: () => {
      if (list.scrollTop === ours) return; // it is told late, when more may have come
      ours = null;
      top = list.scrollHeight - list.scrollTop - list.clientHeight < 40 ? null : list.scrollTop;
    },
  });
  const pause = signButton("pause", t("pause"), () => stop(pausedAt === null));

  function stop(on) {
    pausedAt = on ? conversation.number : null;
    mark();
    if (!on) paint();
  }

  function mark() {
    const waiting = pausedAt === null ? 0 : conversation.number - pausedAt;
    const label = pausedAt === null ? t("pause") : t("resume", { n: waiting });
    pause.title = label;
    pause.setAttribute("aria-label", label);
    pause.setAttribute("aria-pressed", String(pausedAt !== null));
    fill(pause, icon(pausedAt === null ? "pause" : "play"), waiting > 0 && String(waiting));
  }

  const isShown = (frame) => (pausedAt === null || frame.number <= pausedAt)
    && `${frame.text ?? ""} ${frame.reason ?? ""} ${frame.code ?? ""}`.toLowerCase().includes(wanted);

  function paint() {
    lanes = new Lanes();
    fill(list, h("div.empty", t("nothing")));
    conversation.frames.forEach(put);
    scroll();
  }

  function scroll() {
    list.scrollTop = top ?? list.scrollHeight;
    ours = list.scrollTop;
  }

  function put(frame) {
    if (!isShown(frame)) return;
    if (list.firstChild?.className === "empty") fill(list);
    const element = row(frame);
    list.append(element);
    lanes.add(frame.number, element, frame.pair);
    asked ||= requestAnimationFrame(() => { asked = 0; if (top === null) scroll(); });
  }

  const row = (frame) => (frame.way === "note"
    ? h(`div.frame.aside.${frame.kind}`, icon(frame.kind === "opened" ? "plug" : "remove"), h("div.body", said(frame)), facts(frame))
    : h(`div.frame.${frame.way}.${frame.kind}`, icon(frame.kind === "error" ? "bad" : frame.way), body(frame), facts(frame)));

  function body(frame) {
    const word = frame.event && t(frame.kind, { name: frame.event });
    const folded = frame.text.length > LONG && !whole.has(frame.number);
    const parts = folded ? `${frame.text.slice(0, 1000)} …`
      : frame.json && !raw ? pretty(frame.text).map(([kind, text]) => (kind === "space" ? text : h(`span.${kind}`, text))) : frame.text;
    const element = h("div.body", { "data-word": word }, h("span.skip", t(frame.way)), h("div.json", parts), folded
      ? h("button.link", { type: "button", onclick: () => { whole.add(frame.number); element.replaceWith(body(frame)); } }, t("all", { size: bytes(frame.size) })) : null);
    return element;
  }

  function facts(frame) {
    const since = frame.took !== undefined ? t("took", { time: span(frame.took) }) : frame.since === null ? null : `+${span(frame.since)}`;
    return h("div.facts", { title: clock(frame.when) },
      frame.way === "note" ? null : copyButton(t("copy"), t("copied"), () => (frame.json && !raw ? indented(frame.text) : frame.text)),
      h("span", [since, frame.size === undefined ? clock(frame.when) : bytes(frame.size)].filter(Boolean).join(" · ")));
  }

  function said(frame) {
    if (frame.kind === "opened") return [t("opened"), " ", h("span.mono", frame.text)];
    const what = CODES[frame.code];
    return [t(frame.opened ? "closed" : "refused"), ` ${frame.code}`, what && `: ${t(what)}`, frame.reason && ` · ${frame.reason}`];
  }

  const saved = () => conversation.frames.map((frame) => JSON.stringify({
    at: new Date(frame.when).toISOString(), way: frame.way, text: frame.text, code: frame.code, reason: frame.reason,
  })).join("\n");
  const element = h("section.transcript", { "aria-label": t("transcript") },
    h("header", searchField((text) => { wanted = text.toLowerCase(); paint(); }, t("filter")),
      h("label.inline.small", h("input", { type: "checkbox", onchange: (event) => { raw = event.target.checked; paint(); } }), t("raw")), pause,
      copyButton(t("copy"), t("copied"), saved),
      signButton("save", t("save"), () => download("transcript.jsonl", saved(), "application/x-ndjson")),
      signButton("remove", t("clear"), () => { conversation.clear(); stop(pausedAt !== null); paint(); }), more),
    list);
  stop(false);
  return {
    element,
    add: (frame) => { if (pausedAt === null) put(frame); else mark(); },
    drop: (frame) => { if (pausedAt === null) lanes.drop(frame.number); }, // it stays in sight while one reads
    shown: scroll,
  };
}
