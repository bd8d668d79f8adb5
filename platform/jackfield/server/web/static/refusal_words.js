// Refusals in plain words: what keeps somebody out, and what mends it, for people who have nothing but the page. No DOM.

import { language, words } from "./words.js";

const what = words({
  login_failed: ["wrong password, or the user is disabled or has none", "неверный пароль, либо пользователь отключён или без пароля"],
  login_wrong: ["the login or the password is wrong", "неверный логин или пароль"],
  login_unknown: ["a login that no user has", "логин, которого ни у кого нет"],
  login_disabled: ["the user is disabled", "пользователь отключён"],
  login_no_password: ["the user has no password", "у пользователя нет пароля"],
  login_wrong_password: ["wrong password", "неверный пароль"],
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
  taken: ["that one is there already", "такое уже есть"],
  gone: ["that is not there any more", "этого больше нет"],
});
const mends = words({
  login_failed: ["Check capital letters and the keyboard's language; an administrator can give a new password.",
    "Проверьте регистр и раскладку; новый пароль задаёт администратор."],
  login_disabled: ["Enable the user, if the login is meant to work; the same password opens it then.",
    "Включите пользователя, если вход ему нужен; прежний пароль подойдёт."],
  login_no_password: ["Give a password.", "Задайте пароль."],
  login_unknown: ["Check how the login is spelled: the list of users has it.", "Проверьте написание логина: он в списке пользователей."],
  wrong_password: ["An administrator can give a new one.", "Администратор может задать новый."],
  too_many_attempts: ["Wait until the 15 minutes are over; another address is not concerned.", "Подождите 15 минут; с другого адреса вход открыт."],
  too_many_logins: ["Wait a little.", "Немного подождите."],
  not_logged_in: ["Log in first.", "Сначала войдите."],
  bad_credential: ["Log in again.", "Войдите заново."],
  session_expired: ["Log in again.", "Войдите заново."],
  role_required: ["Ask an administrator for the role, if it is meant.", "Попросите роль у администратора, если так задумано."],
  origin_not_allowed: ["Add the page's origin to origins, if it is yours.", "Добавьте адрес страницы в origins, если она ваша."],
  too_many_of_user: ["Close a connection, or have limits.per_user raised.", "Закройте соединение или попросите поднять limits.per_user."],
  too_many_of_address: ["Close a connection, or have limits.per_address raised.", "Закройте соединение или попросите поднять limits.per_address."],
  too_many_connections: ["Try again later.", "Попробуйте позже."],
  server_full: ["Try again later.", "Попробуйте позже."],
  unavailable: ["Try again in a few seconds.", "Попробуйте через несколько секунд."],
  not_ready: ["It was a restart; clients come back by themselves.", "Это был перезапуск; клиенты возвращаются сами."],
  server_fault: ["Tell whoever runs the server the id; the log has the cause.", "Сообщите номер тому, кто ведёт сервер: причина в журнале."],
  taken: ["Choose another name.", "Выберите другое название."],
  gone: ["Look at the list.", "Посмотрите в списке."],
});

/** The key of a refusal in a table: its own, or that of all that are alike. */
function keyOf({ code = "", login, cause }, say) {
  const ofLogin = code === "login_failed" && !login && (login === "" ? "login_unknown" : "login_wrong");
  const alike = code.startsWith("no_such_") ? "gone" : code.split("_").at(-1);
  return [ofLogin, cause && `login_${cause}`, code, alike].find((key) => key && say(key) !== key);
}

/** The role that is missing, where an administrator can give it; the server says so by a command. */
export const missing = ({ fix }) => /jackfield users roles \S+ \+(\S+)$/.exec(fix)?.[1];

/** What kept somebody out; the server's own sentence where there is no plainer one. */
export function reason(refusal) {
  const named = [...(refusal.detail ?? "").matchAll(/"([^"]+)"/g)].map(([, role]) => role).join(" / ") || missing(refusal);
  if (refusal.code === "role_required" && named) return what("role_named", { roles: named });
  const key = keyOf(refusal, what);
  return key ? what(key) : refusal.detail || refusal.title;
}

/** What mends it; the server's own where there is no plainer one. */
export function cure(refusal) {
  const key = keyOf(refusal, mends);
  return key && (key !== "role_required" || missing(refusal)) ? mends(key) : refusal.fix;
}

/** What is said to whom it met: the server's sentence, or on a Russian page the reason. */
export function sentence(refusal) {
  const said = refusal.detail || refusal.title, plain = reason(refusal);
  return plain === said || (said && language === "en") ? said : `${plain[0].toUpperCase()}${plain.slice(1)}.`;
}
