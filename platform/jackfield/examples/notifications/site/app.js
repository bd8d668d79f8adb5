import { connect } from "./jackfield.js";

const part = (id) => document.getElementById(id);
const tell = (text) => (part("status").textContent = text);
enter(); // whoever has the cookie of a login is let in

function enter() {
  const line = connect("ws/notices");
  line.on("$open", () => {
    part("login").hidden = true;
    tell("Waiting for notices");
  });
  line.on("notice", ({ title, text }) => part("notices").prepend(row(title, text)));
  line.on("$down", () => tell("The connection is lost; trying again …"));
  line.on("$closed", ({ code, reason, why }) => {
    const unknown = code === 4401 || why?.status === 401;
    part("login").hidden = !unknown;
    tell(unknown ? "" : why?.fix || reason || `Closed: ${code}`);
  });
}

function row(title, text) {
  const item = document.createElement("li");
  const head = document.createElement("b");
  head.textContent = title;
  item.append(head, " ", text); // as text: nothing that was sent becomes part of the page
  return item;
}

part("login").onsubmit = async (event) => {
  event.preventDefault();
  const body = JSON.stringify(Object.fromEntries(new FormData(event.target)));
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch("auth/login", { method: "POST", headers, body });
  if (answer.ok) enter();
  else tell((await answer.json()).detail);
};
