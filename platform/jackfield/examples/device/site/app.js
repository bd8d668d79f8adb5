import { connect } from "./jackfield.js";

const part = (id) => document.getElementById(id);
const tell = (text) => (part("status").textContent = text);
const devices = new Map(); // the cell of each temperature
let line;
enter(); // whoever has the cookie of a login is let in

function enter() {
  line = connect("ws/operators");
  line.on("$open", () => {
    part("login").hidden = true;
    tell("");
  });
  line.on("history", ({ events }) => events.forEach(show)); // the last measurements
  line.on("measured", show);
  line.on("$down", () => tell("The connection is lost; trying again …"));
  line.on("$closed", ({ code, reason, why }) => {
    const unknown = code === 4401 || why?.status === 401;
    part("login").hidden = !unknown;
    tell(unknown ? "" : why?.fix || reason || `Closed: ${code}`);
  });
}

function show({ device, temperature }) {
  if (!devices.has(device)) devices.set(device, row(device));
  devices.get(device).textContent = `${temperature} °C`;
}

function row(device) {
  const cells = part("devices").insertRow();
  cells.insertCell().textContent = device;
  const temperature = cells.insertCell();
  const said = document.createElement("span");
  cells.insertCell().append(button("On", true), button("Off", false), said);
  return temperature;

  function button(text, on) {
    const made = document.createElement("button");
    made.textContent = text;
    made.onclick = async () => {
      tell("");
      try {
        const answer = await line.ask({ device, on }); // what the device itself has answered
        said.textContent = answer.on ? "is on" : "is off";
      } catch (error) {
        tell(error.message);
      }
    };
    return made;
  }
}

part("login").onsubmit = async (event) => {
  event.preventDefault();
  const body = JSON.stringify(Object.fromEntries(new FormData(event.target)));
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch("auth/login", { method: "POST", headers, body });
  if (answer.ok) enter();
  else tell((await answer.json()).detail);
};
