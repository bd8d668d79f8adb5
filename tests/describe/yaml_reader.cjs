// Reads a JSON list of YAML texts and writes what `yaml`, a reader of YAML 1.2 that is found through NODE_PATH, reads.
const { parse } = require("yaml");

async function main() {
  process.stdin.setEncoding("utf8"); // a part may end in the middle of a letter
  let text = "";
  for await (const part of process.stdin) text += part;
  process.stdout.write(JSON.stringify(JSON.parse(text).map((one) => parse(one, { version: "1.2" }))));
}

main();
