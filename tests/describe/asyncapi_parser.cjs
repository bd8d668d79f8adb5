// Reads a JSON list of AsyncAPI documents and writes what @asyncapi/parser, found through NODE_PATH, says of each.
const { Parser } = require("@asyncapi/parser");

async function main() {
  process.stdin.setEncoding("utf8"); // a part may end in the middle of a letter
  let text = "";
  for await (const part of process.stdin) text += part;
  const parser = new Parser();
  const said = [];
  for (const document of JSON.parse(text)) {
    const { diagnostics, document: parsed } = await parser.parse(JSON.stringify(document));
    const told = diagnostics.map(({ severity, message, path, code }) => `${severity} ${path.join("/")}: ${message} [${code}]`);
    said.push({ diagnostics: told, channels: parsed ? parsed.allChannels().length : null });
  }
  process.stdout.write(JSON.stringify(said));
}

main();
