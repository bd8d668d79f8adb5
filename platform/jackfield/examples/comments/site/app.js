// The article that the page's address names: /?article=7
import { connect } from "./jackfield.js";

const part = (id) => document.getElementById(id);
const tell = (text) => (part("status").textContent = text);
const article = new URLSearchParams(location.search).get("article") || "7";
part("article").textContent = article;

const line = connect(`ws/comments/${encodeURIComponent(article)}`);
line.on("history", ({ events }) => part("comments").replaceChildren(...events.map(row))); // anew with each connection
line.on("comment", (event) => part("comments").append(row(event)));
line.on("$open", () => tell(""));
line.on("$down", () => tell("The connection is lost; trying again …"));
line.on("$closed", ({ code, reason, why }) => tell(why?.fix || reason || `Closed: ${code}`));

function row({ author, text }) {
  const item = document.createElement("li");
  const who = document.createElement("b");
  who.textContent = author;
  item.append(who, text); // as text: nothing that was written becomes part of the page
  return item;
}
