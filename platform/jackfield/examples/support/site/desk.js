// The agents' page: who waits, and the talk with one of them
import { connect } from "./jackfield.js";
import { follow, part, talk, tell } from "./app.js";

part("login").href += encodeURIComponent(location.pathname); // it leads back here

const hall = connect("ws/hall"); // whoever has the cookie of a login is let in
follow(hall);
hall.on("$open", () => (part("hall").hidden = false));
hall.on("history", ({ events }) => events.forEach(show)); // the last list
hall.on("waiting", show);
hall.on("$closed", ({ code, why }) => {
  const unknown = code === 4401 || why?.status === 401;
  part("login").hidden = !unknown;
  if (unknown) tell("");
});

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
