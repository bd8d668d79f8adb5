// What people read, in English and Russian. Each module brings its own table: key -> [English, Russian].
// Forms for numbers are divided by "|": in English one|other, in Russian one|few|many (Unicode CLDR).

const KEPT = "jackfield.language"; // beside the choice of a language nothing is kept in the browser

export const LANGUAGES = ["en", "ru"];

function chosen() {
  let kept = null;
  try { kept = localStorage.getItem(KEPT); } catch { /* storage is closed to the page: the browser's language then */ }
  if (LANGUAGES.includes(kept)) return kept;
  return (globalThis.navigator?.languages ?? []).some((one) => one.toLowerCase().startsWith("ru")) ? "ru" : "en";
}

export const language = chosen();

const place = LANGUAGES.indexOf(language);
const plural = new Intl.PluralRules(language);
const CATEGORIES = { en: ["one", "other"], ru: ["one", "few", "many"] };

/** Take another language; the page begins anew with it. */
export function speak(other) {
  try { localStorage.setItem(KEPT, other); } catch { /* as above */ }
  location.reload();
}

/** A table of words: `const t = words({send: ["Send", "Отправить"]})`, then `t("send")` or `t("seen", {n: 3})`. */
export function words(table) {
  return (key, values = {}) => {
    const pair = table[key] ?? SHARED[key];
    let text = pair ? pair[place] : key;
    if ("n" in values && text.includes("|")) {
      const forms = text.split("|");
      const found = CATEGORIES[language].indexOf(plural.select(values.n));
      text = forms[found < 0 ? forms.length - 1 : Math.min(found, forms.length - 1)];
    }
    return text.replace(/\{(\w+)\}/g, (whole, name) => {
      const value = values[name];
      return value === undefined ? whole : typeof value === "number" ? number(value) : String(value);
    });
  };
}

/** What several modules say. */
export const SHARED = {
  cancel: ["Cancel", "Отмена"],
  close: ["Close", "Закрыть"],
  copy: ["Copy", "Копировать"],
  copied: ["Copied", "Скопировано"],
  search: ["Search", "Поиск"],
  save: ["Save", "Сохранить"],
  add: ["Add", "Добавить"],
  remove: ["Remove", "Удалить"],
  again: ["Try again", "Ещё раз"],
  loading: ["Loading…", "Загрузка…"],
  nothing: ["Nothing found", "Ничего не найдено"],
  unreachable: ["The server does not answer.", "Сервер не отвечает."],
  login_first: ["Log in first", "Сначала войдите"],
  connected: ["connected", "подключено"],
  refused: ["Refused", "Отказано"],
  refusal_id: ["id {id}", "номер {id}"],
};

const numbers = new Intl.NumberFormat(language);
const times = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dates = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

export const number = (value) => numbers.format(value);
export const clock = (moment) => times.format(moment);
export const date = (moment) => dates.format(typeof moment === "string" ? new Date(moment) : moment);

/** A number of bytes as people write it. */
export function bytes(count) {
  if (count < 1024) return `${number(count)} ${language === "ru" ? "Б" : "B"}`;
  const units = language === "ru" ? ["КиБ", "МиБ"] : ["KiB", "MiB"];
  const [size, unit] = count < 1024 ** 2 ? [count / 1024, units[0]] : [count / 1024 ** 2, units[1]];
  return `${number(Math.round(size * 10) / 10)} ${unit}`;
}

/** A span of milliseconds, short. */
export function span(ms) {
  const [milli, second, minute] = language === "ru" ? ["мс", "с", "мин"] : ["ms", "s", "min"];
  if (ms < 1000) return `${number(Math.round(ms))} ${milli}`;
  if (ms < 60_000) return `${number(Math.round(ms / 100) / 10)} ${second}`;
  return `${number(Math.round(ms / 6000) / 10)} ${minute}`;
}

/** Whole seconds as people say how long something has been. */
export function ago(seconds) {
  const [second, minute, hour, day] = language === "ru" ? ["с", "мин", "ч", "д"] : ["s", "min", "h", "d"];
  const [value, unit] = seconds < 60 ? [seconds, second] : seconds < 3600 ? [seconds / 60, minute] : seconds < 172_800 ? [seconds / 3600, hour] : [seconds / 86_400, day];
  return `${number(Math.floor(value))} ${unit}`;
}
