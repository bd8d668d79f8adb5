// The room that the page's address names: /?room=kitchen
import { connect } from "./jackfield.js";

const part = (id) => document.getElementById(id);
const tell = (text) => (part("status").textContent = text);
const room = new URLSearchParams(location.search).get("room") || "lobby";
part("room").textContent = room;
part("login").href += encodeURIComponent(location.pathname + location.search); // it leads back here

let line;
enter(); // whoever has the cookie of a login is let in

function enter() {
  const here = new Map(); // logins, and what people call them
  const show = (count) => (part("members").textContent = here.size ? [...here.values()].join(", ") : count);
  line = connect(`ws/rooms/${encodeURIComponent(room)}`);
  line.on("$open", () => {
    part("chat").hidden = false;
    part("login").hidden = true;
    tell("");
  });
  line.on("history", ({ events }) => part("said").replaceChildren(...events.map(row))); // anew with each connection
  line.on("said", (event) => part("said").append(row(event)));
  line.on("members", ({ members = [], count }) => {
    here.clear(); // over 200 logins there are numbers alone
    for (const { login, name } of members) here.set(login, name || login);
    show(count);
  });
  line.on("joined", ({ login, name, count }) => (here.set(login, name || login), show(count)));
  line.on("left", ({ login, count }) => (here.delete(login), show(count)));
  line.on("$error", ({ message }) => tell(message));
  line.on("$down", () => tell("The connection is lost; trying again …"));
  line.on("$closed", ({ code, reason, why }) => {
    part("chat").hidden = true;
    const unknown = code === 4401 || why?.status === 401;
    part("login").hidden = !unknown;
    tell(unknown ? "" : why?.fix || reason || `Closed: ${code}`);
  });
}

function row({ from, name, text, $time }) {
  const item = document.createElement("li");
  const time = document.createElement("time");
  const who = document.createElement("b");
  time.dateTime = $time;
  time.textContent = new Date($time).toLocaleTimeString();
  who.textContent = name || from;
  item.append(time, " ", who, " ", text); // as text: nothing that was said becomes part of the page
  return item;
}

part("say").onsubmit = (event) => {
  event.preventDefault();
  tell("");
  line.send({ text: event.target.text.value });
  event.target.reset();
};
