import { connect } from "./jackfield.js";

const part = (id) => document.getElementById(id);
const tell = (text) => (part("status").textContent = text);
const line = connect("ws/answers");
line.on("$open", () => tell(""));
line.on("$error", ({ message }) => tell(message)); // asked too often, for one
line.on("$down", () => tell("The connection is lost; trying again …"));
line.on("$closed", ({ code, reason, why }) => tell(why?.fix || reason || `Closed: ${code}`));

part("ask").onsubmit = async (event) => {
  event.preventDefault();
  const question = event.target.question.value;
  event.target.reset();
  const answer = row(question);
  busy(true);
  try {
    for await (const { text } of line.stream({ question })) answer.append(text); // as text, word by word
  } catch (error) {
    if (error.code === "cancelled") answer.append("⏹");
    else tell(error.message);
  }
  busy(false);
};

part("stop").onclick = () => line.send({ $cancel: true }); // all that this page has asked; {$cancel: 7} is one message

function busy(yes) {
  part("send").disabled = yes;
  part("stop").disabled = !yes;
}

function row(question) {
  const [asked, answer] = [document.createElement("dt"), document.createElement("dd")];
  asked.textContent = question;
  part("talk").append(asked, answer);
  return answer;
}
