// The agents' page: who waits, and the talk with one of them
import { connect } from "./jackfield.js";
import { follow, part, talk, tell } from "./app.js";

enter(); // whoever has the cookie of a login is let in

function enter() {
  const hall = connect("ws/hall");
  follow(hall);
  hall.on("$open", () => {
    part("login").hidden = true;
    part("hall").hidden = false;
  });
  hall.on("history", ({ events }) => events.forEach(show)); // the last list
  hall.on("waiting", show);
  hall.on("$closed", ({ code, why }) => {
    const unknown = code === 4401 || why?.status === 401;
    part("login").hidden = !unknown;
    if (unknown) tell("");
  });
}

function show({ guests }) {
  part("waiting").replaceChildren(...guests.map(row));
}

function row({ id, text }) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.textContent = text;
  button.onclick = () => {
    part("talk").hidden = false;
    talk(`ws/desk/${encodeURIComponent(id)}`, "Visitor", ["The visitor has gone.", "The visitor is here."]);
  };
  item.append(button);
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
