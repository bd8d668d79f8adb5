// One talk between a visitor and an agent, for the pages of both
import { connect } from "./jackfield.js";

export const part = (id) => document.getElementById(id);
export const tell = (text) => (part("status").textContent = text);
let line;

// `alone` and `both` say whether the other one is there
export function talk(url, visitor, [alone, both]) {
  line?.close();
  part("said").replaceChildren();
  line = connect(url);
  line.on("history", ({ events }) => {
    const said = events.filter(({ event }) => event === "said"); // other programs may push other events
    part("said").replaceChildren(...said.map((one) => row(one, visitor)));
  });
  line.on("said", (event) => part("said").append(row(event, visitor)));
  line.on("members", ({ count }) => (part("there").textContent = count < 2 ? alone : both));
  follow(line);
}

export function follow(line) {
  line.on("$open", () => tell(""));
  line.on("$error", ({ message }) => tell(message));
  line.on("$down", () => tell("The connection is lost; trying again …"));
  line.on("$closed", ({ code, reason, why }) => code === 1000 || tell(why?.fix || reason || `Closed: ${code}`));
}

function row({ from, name, text }, visitor) {
  const item = document.createElement("li");
  const who = document.createElement("b");
  who.textContent = name || from || visitor;
  item.append(who, " ", text); // as text: nothing that was said becomes part of the page
  return item;
}

part("say").onsubmit = (event) => {
  event.preventDefault();
  line.send({ text: event.target.text.value });
  event.target.reset();
};
