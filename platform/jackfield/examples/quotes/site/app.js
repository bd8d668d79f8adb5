// One connection, on which the page subscribes to the symbols whose boxes are ticked
import { connect } from "./jackfield.js";

const tell = (text) => (document.getElementById("status").textContent = text);
const boxes = new Map(); // by symbol
const prices = new Map();
for (const symbol of ["AAPL", "GAZP", "TSLA"]) document.getElementById("symbols").append(row(symbol));

const line = connect("ws/quotes");
line.on("$open", () => {
  tell("");
  for (const [symbol, box] of boxes) if (box.checked) choose(symbol, true); // a new connection is in no group yet
});
line.on("tick", show);
line.on("history", ({ events }) => events.forEach(show)); // what was said last, as the page subscribes
line.on("$error", ({ message }) => tell(message)); // the feed itself gave up
line.on("$down", () => tell("The connection is lost; trying again …"));
line.on("$closed", ({ code, reason, why }) => tell(why?.fix || reason || `Closed: ${code}`));

async function choose(symbol, wanted) {
  const action = wanted ? "subscribe" : "unsubscribe";
  try {
    await line.ask({ action, group: `quotes:${encodeURIComponent(symbol)}` });
    if (!wanted) prices.get(symbol).textContent = "";
  } catch (error) {
    tell(error.message);
  }
}

function show({ symbol, price }) {
  prices.get(symbol).textContent = price.toFixed(2);
}

function row(symbol) {
  const cells = document.createElement("tr");
  const label = document.createElement("label");
  const box = Object.assign(document.createElement("input"), { type: "checkbox", name: symbol });
  label.append(box, " ", symbol);
  cells.insertCell().append(label);
  boxes.set(symbol, box);
  box.onchange = () => line.state === "open" && choose(symbol, box.checked); // else `$open` does it
  prices.set(symbol, cells.insertCell());
  return cells;
}
