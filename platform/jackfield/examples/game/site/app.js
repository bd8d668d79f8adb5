// The game that the page's address names: /?game=7; without one it makes one up
import { connect } from "./jackfield.js";

const part = (id) => document.getElementById(id);
const tell = (text) => (part("status").textContent = text);
const game = new URLSearchParams(location.search).get("game") || Math.random().toString(36).slice(2, 8);
history.replaceState(null, "", `?game=${encodeURIComponent(game)}`);
part("link").textContent = part("link").href = location.href;

let mark, board;
let players = 1;
const line = connect(`ws/games/${encodeURIComponent(game)}`);
const cells = Array.from({ length: 9 }, (_, number) => cell(number));
line.on("$open", async () => {
  tell("");
  const seat = await ask({ action: "sit" }); // a new connection; the game may have gone on
  if (seat) {
    mark = seat.mark;
    show(seat);
  }
});
line.on("board", show);
line.on("members", ({ count }) => {
  players = count;
  if (board) show(board);
});
line.on("$down", ({ why }) => tell(why?.fix || "The connection is lost; trying again …"));
line.on("$closed", ({ code, reason, why }) => tell(why?.fix || reason || `Closed: ${code}`));

async function ask(message) {
  try {
    return await line.ask(message);
  } catch (error) {
    tell(error.message);
  }
}

function show(seen) {
  board = seen;
  [...board.board].forEach((sign, number) => (cells[number].textContent = sign.replace(".", "")));
  part("turn").textContent = said();
}

function said() {
  if (board.won) return board.won === mark ? "You have won 🎉" : "You have lost";
  if (!board.turn) return "A draw";
  if (players < 2) return `You are ${mark}. The other player is not here.`;
  return `You are ${mark}. ${board.turn === mark ? "It is your turn." : "The other one is to move."}`;
}

function cell(number) {
  const button = document.createElement("button");
  button.ariaLabel = `Cell ${number + 1}`;
  button.onclick = () => (tell(""), ask({ action: "move", cell: number }));
  part("board").append(button);
  return button;
}
