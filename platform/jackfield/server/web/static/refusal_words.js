// Refusals in plain words: what kept somebody out, and what mends it. No DOM.

import { words } from "./words.js";

const t = words({
  login_failed: ["wrong password, or the user is disabled or has none", "неверный пароль, либо пользователь отключён или без пароля"],
  login_failed_nobody: ["a login that no user has", "логин, которого ни у кого нет"],
  wrong_password: ["a change of the password with a wrong old one", "смена пароля с неверным старым"],
  too_many_attempts: ["too many failed logins, closed for a while", "слишком много неудачных входов, на время закрыто"],
  too_many_logins: ["too many logins at once", "слишком много входов сразу"],
  not_logged_in: ["not logged in", "без входа"],
  bad_credential: ["the session was ended, or the token is none of ours", "сеанс завершён, или токен не наш"],
  session_expired: ["the session had run out", "сеанс истёк"],
  role_required: ["the role for it is missing", "нет нужной роли"],
  role_named: ["the role {roles} is missing", "нет роли {roles}"],
  origin_not_allowed: ["the page is of another origin", "страница с чужого адреса"],
  too_many_of_user: ["too many connections of this user", "слишком много соединений этого пользователя"],
  too_many_of_address: ["too many connections of this address", "слишком много соединений с этого адреса"],
  too_many_connections: ["the endpoint is full", "адрес переполнен"],
  server_full: ["the server is full", "сервер переполнен"],
  group_full: ["the group is full", "группа переполнена"],
  group_forbidden: ["may not enter the group", "нельзя войти в группу"],
  rejected: ["the application said no", "приложение отказало"],
  store_unavailable: ["the database did not answer", "база данных не отвечала"],
  provider_unavailable: ["the login's provider did not answer", "поставщик входа не отвечал"],
  not_ready: ["the server was stopping", "сервер останавливался"],
  server_fault: ["a fault of the server", "ошибка сервера"],
  not_found: ["there is nothing at this address", "по этому адресу ничего нет"],
  wrong_host: ["a name by which the server is not known", "имя, под которым сервер не известен"],
  cure_login_failed: ["Check capital letters and the keyboard's language; else give a new password.", "Проверьте регистр и раскладку; иначе задайте новый пароль."],
  cure_login_failed_nobody: ["Check how the login is spelled: the list of users has it.", "Проверьте написание логина: он в списке пользователей."],
  cure_wrong_password: ["An administrator can give a new one.", "Администратор может задать новый."],
  cure_too_many_attempts: ["Wait until the 15 minutes are over; another address is not concerned.", "Подождите 15 минут; с другого адреса вход открыт."],
  cure_bad_credential: ["Log in again.", "Войдите заново."],
  cure_session_expired: ["Log in again.", "Войдите заново."],
  cure_not_logged_in: ["Log in first.", "Сначала войдите."],
  cure_role_required: ["Give the user the role, if it is meant.", "Дайте пользователю роль, если так задумано."],
  cure_origin_not_allowed: ["Add the page's origin to origins, if it is yours.", "Добавьте адрес страницы в origins, если она ваша."],
  cure_too_many_of_user: ["Close a connection, or raise limits.per_user.", "Закройте соединение или поднимите limits.per_user."],
  cure_not_ready: ["It was a restart; clients come back by themselves.", "Это был перезапуск; клиенты возвращаются сами."],
  cure_server_fault: ["The log has the cause under the same time.", "Причина — в журнале за то же время."],
});

const known = (key) => t(key) !== key;

/** What kept somebody out; the server's own sentence where there is no plainer one. */
export function reason(refusal) {
  const key = keyOf(refusal);
  const roles = key === "role_required" && [...refusal.detail.matchAll(/"([^"]+)"/g)].map(([, role]) => role).join(" / ");
  if (roles) return t("role_named", { roles });
  return known(key) ? t(key) : refusal.detail;
}

/** What mends it. */
export function cure(refusal) {
  const key = `cure_${keyOf(refusal)}`;
  return known(key) ? t(key) : refusal.fix;
}

const keyOf = ({ code, login }) => (code === "login_failed" && !login ? "login_failed_nobody" : code);

const KEPT = "7d";
const LETTERS = "23456789CDFGHJKMNPQRTVWXY";
const CYRILLIC = { "К": "K", "М": "M", "С": "C", "Т": "T", "Х": "X", "Р": "P", "Н": "H", "У": "Y" };

/** The questions that a text may be, each as a query: a login, an address, an id as a person types it. */
export function questions(text, since) {
  if (!text) return [{ since: since || KEPT }];
  const span = since ? { since } : {};
  const told = [...text.toUpperCase().replace(/[\s#-]/g, "")].map((one) => CYRILLIC[one] ?? one).join("");
  const found = [{ login: text, ...span }];
  if (told.length === 6 && [...told].every((one) => LETTERS.includes(one))) found.push({ id: told });
  if (/^[\d.]+$|^[\da-f:.]*:[\da-f:.]*$/i.test(text) && isAddress(text)) found.push({ address: text, ...span });
  return found;
}

function isAddress(text) {
  const parts = text.split(".");
  if (!text.includes(":")) return parts.length === 4 && parts.every((one) => /^(0|[1-9]\d{0,2})$/.test(one) && Number(one) < 256);
  try { return Boolean(new URL(`http://[${text}]/`)); } catch { return false; }
}

/** Whether it kept somebody out: a wrong request to the administration did not. */
export const keptOut = ({ path, status }) => !path.startsWith("/api/") || [401, 403, 429, 500, 503].includes(status);

/** The answers of several questions as one list, the newest first. */
export function joined(lists) {
  const found = new Map(lists.flat().map((one) => [`${one.id} ${one.first_at}`, one]));
  return [...found.values()].sort((a, b) => b.at.localeCompare(a.at));
}
