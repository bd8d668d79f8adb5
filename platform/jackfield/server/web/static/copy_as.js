// A connection and its first message as text for other programs. No elements, and no credential: none is known here.

const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;
// JSON is a literal of Python and JavaScript alike, but for what would end a script in a page, and half letters
const literal = (text) => JSON.stringify(text).replaceAll("<", "\\u003c");
const said = (text) => (/^[^'\\<\n\r]*"[^'\\<\n\r]*$/.test(text) ? `'${text}'` : literal(text));
const markup = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/**
 * `[{kind, text}]`, for Postman, wscat, websocat, Python, JavaScript and as a page.
 *
 * `about` is {name, address, message, binary, asks, cookie, login, protocol}: `asks` says that callers log in, `login`
 * where; `message` is the text of the first message, "" where none is sent; `binary` that it goes as bytes.
 */
export function copies(about) {
  const kinds = about.binary ? [python, javascript, page] : [postman, wscat, websocat, python, javascript, page];
  return kinds.map((make) => ({ kind: make.name, text: make(about) }));
}

const token = "# TOKEN: what `jackfield token LOGIN` prints, or the value of the cookie\n";
const header = (about, sign) => (about.asks ? ` -H${sign}"Cookie: ${about.cookie}=$TOKEN"` : "");

function postman({ name, address, message, asks, cookie }) {
  const lines = [
    `# ${name}.request.yaml in a collection of Postman; or by hand: New > WebSocket, with this URL and header`,
    "$kind: websocket-request",
    `url: ${literal(address)}`,
    ...(asks ? ["headers:", "  - key: Cookie", `    value: ${literal(`${cookie}={{token}}`)}`] : []),
    ...(message ? ["# the message:", ...message.split("\n").map((line) => `# ${line}`)] : []),
  ];
  return `${lines.join("\n")}\n`;
}

function wscat(about) {
  const send = about.message ? ` -w 5 -x ${shell(oneLine(about.message))}` : "";
  return `${about.asks ? token : ""}wscat -c ${shell(about.address)}${header(about, " ")}${send}\n`;
}

function websocat(about) {
  // its -H takes all that follows, but for one with =
  const send = about.message ? `printf '%s\\n' ${shell(oneLine(about.message))} | ` : "";
  return `${about.asks ? token : ""}${send}websocat -n${header(about, "=")} ${shell(about.address)}\n`;
}

function python({ address, message, binary, asks, cookie, protocol }) {
  const more = [
    asks ? `additional_headers={"Cookie": f"${cookie}={os.environ['TOKEN']}"}` : "",
    protocol ? `subprotocols=[${literal(protocol)}]` : "",
  ].filter(Boolean).map((one) => `, ${one}`).join("");
  const sent = `${said(message)}${binary ? ".encode()" : ""}`;
  return `# pip install websockets
${asks ? `${token}import os\n` : ""}from websockets.sync.client import connect

with connect(${literal(address)}${more}) as socket:
${message ? `    socket.send(${sent})\n` : ""}    for frame in socket:
        print(frame, flush=True)
`;
}

const opened = (message, binary) => (binary ? `new TextEncoder().encode(${said(message)})` : said(message));

function javascript({ address, message, binary, asks, protocol }) {
  const offered = protocol ? `[${literal(protocol)}]` : "[]";
  const bearer = `["jackfield.v1", \`bearer.\${token}\`${protocol ? `, ${literal(protocol)}` : ""}]`;
  return `${asks ? `// Pages of the server need no token: their cookie goes along.\nconst token = globalThis.process?.env.TOKEN;\n` : ""}const socket = new WebSocket(${literal(address)}, ${asks ? `token ? ${bearer} : ${offered}` : offered});
socket.onopen = () => {${message ? ` socket.send(${opened(message, binary)}); ` : ""}};
socket.onmessage = (event) => console.log(event.data);
socket.onclose = (event) => console.log("closed", event.code, event.reason);
`;
}

function page({ name, address, message, binary, asks, login, protocol }) {
  const entry = asks && login ? `<form id="login" hidden>
  <input name="login" placeholder="login" autocomplete="username" required>
  <input name="password" type="password" placeholder="password" autocomplete="current-password" required>
  <button>Log in</button>
</form>
` : "";
  const logging = asks && login ? `
$("login").onsubmit = async (event) => {
  event.preventDefault();
  const { login, password } = Object.fromEntries(new FormData(event.target));
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(${literal(login)}, { method: "POST", credentials: "include", headers, body: JSON.stringify({ login, password }) });
  if (answer.ok) connect();
  else say(\`not logged in: \${(await answer.json()).detail}\`);
};
` : "";
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${markup(name)}</title>
<!-- It works from the folder of \`site:\` in endpoints.yaml, and from other addresses that \`origins:\` allows. -->
<h1>${markup(name)}</h1>
${entry}<form id="say">
  <textarea name="message" rows="4" cols="60">
${markup(message)}</textarea>
  <button>Send</button>
</form>
<pre id="log"></pre>
<script>
const $ = (id) => document.getElementById(id);
const say = (text) => $("log").append(text, "\\n");
let socket;

function connect() {
  socket = new WebSocket(${literal(address)}${protocol ? `, [${literal(protocol)}]` : ""});
${binary ? '  socket.binaryType = "arraybuffer";\n' : ""}  socket.onopen = () => {${entry ? ' $("login").hidden = true;' : ""} say("connected"); };
  socket.onmessage = ({ data }) => say(${binary ? 'typeof data === "string" ? data : new TextDecoder().decode(data)' : "data"});
  socket.onclose = ({ code, reason }) => {${entry ? ' $("login").hidden = code !== 4401 && code !== 1006;' : ""} say(\`closed \${code} \${reason}\`); };
}

$("say").onsubmit = (event) => {
  event.preventDefault();
  const text = event.target.message.value;
  if (socket.readyState === 1) socket.send(${binary ? "new TextEncoder().encode(text)" : "text"});
  else connect();
};
${logging}connect();
</script>
`;
}

/** JSON in one line: these programs take a line as a message. */
function oneLine(text) {
  return text.includes("\n") ? text.split("\n").map((line) => line.trim()).join(" ") : text;
}
