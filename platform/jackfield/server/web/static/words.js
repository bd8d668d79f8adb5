// What people read, in English and Russian. Each module brings its own table: key -> [English, Russian].
// Forms for numbers are divided by "|": in English one|other, in Russian one|few|many (Unicode CLDR).

const KEPT = "jackfield.language"; // beside the choice of a language nothing is kept in the browser

export const LANGUAGES = ["en", "ru"];

function chosen() {
  try {
    const kept = localStorage.getItem(KEPT);
    if (LANGUAGES.includes(kept)) return kept;
  } catch { /* storage is closed to the page: the browser's language then */ }
  return globalThis.navigator?.languages?.some((one) => /^ru/i.test(one)) ? "ru" : "en";
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
    const forms = (pair ? pair[place] : key).split("|");
    const text = forms["n" in values ? CATEGORIES[language].indexOf(plural.select(values.n)) : 0] ?? forms.at(-1);
    return text.replace(/\{(\w+)\}/g, (whole, name) => {
      const value = values[name] ?? whole;
      return typeof value === "number" ? number(value) : String(value);
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
  nothing: ["Nothing found", "Ничего не найдено"],
  unreachable: ["The server does not answer.", "Сервер не отвечает."],
  connected: ["connected", "подключено"],
  refused: ["Refused", "Отказано"],
};

const numbers = new Intl.NumberFormat(language);
const times = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dates = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

export const number = (value) => numbers.format(value);
export const clock = (moment) => times.format(moment);
export const date = (moment) => dates.format(typeof moment === "string" ? new Date(moment) : moment);

/** A value in the last of the units that it reaches, `[[size, English, Russian], …]`, to a tenth but for the smallest. */
function scaled(value, units) {
  const at = Math.max(0, units.findLastIndex(([size]) => value >= size)), tenths = at ? 10 : 1;
  return `${number(Math.round(value / units[at][0] * tenths) / tenths)} ${units[at][1 + place]}`;
}

export const bytes = (count) => scaled(count, [[1, "B", "Б"], [1024, "KiB", "КиБ"], [1024 ** 2, "MiB", "МиБ"]]);

/** A span of milliseconds, short. */
export const span = (ms) => scaled(ms, [[1, "ms", "мс"], [1000, "s", "с"], [60_000, "min", "мин"]]);

/** Whole seconds as people say how long something has been. */
export function ago(seconds) {
  const [size, ...unit] = seconds < 60 ? [1, "s", "с"] : seconds < 3600 ? [60, "min", "мин"] : seconds < 172_800 ? [3600, "h", "ч"] : [86_400, "d", "д"];
  return `${number(Math.floor(seconds / size))} ${unit[place]}`;
}
