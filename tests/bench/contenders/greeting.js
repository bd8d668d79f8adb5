"use strict";
// The job, for the servers on Node.
const Ajv = require("ajv");

const validate = new Ajv({ allErrors: true }).compile({
  type: "object",
  properties: { message: { type: "string", maxLength: 1000 } },
  required: ["message"],
  additionalProperties: false,
});

function answer(message) {
  switch (message) {
    case "Привет":
      return "Привет!";
    case "Как дела?":
      return "Отлично! Как у тебя?";
    default:
      return message;
  }
}

module.exports = { answer, validate };
