"use strict";
// Who calls, for the servers on Node: the signature of the cookie, then its expiry.
const { createHmac, timingSafeEqual } = require("node:crypto");

const COOKIE = /(?:^|;\s*)gen_app_auth_token=([^;]+)/;
const KEY = process.env.BENCH_KEY;

/** Whether the Cookie header holds a genuine token `login.expires.signature` that has not expired. */
function isKnown(header) {
  const found = COOKIE.exec(header || "");
  if (!found) return false;
  const dot = found[1].lastIndexOf(".");
  const signed = found[1].slice(0, dot);
  const shown = Buffer.from(found[1].slice(dot + 1), "base64url");
  const wanted = createHmac("sha256", KEY).update(signed).digest();
  if (shown.length !== wanted.length || !timingSafeEqual(shown, wanted)) return false;
  return Number(signed.slice(signed.lastIndexOf(".") + 1)) > Date.now() / 1000;
}

module.exports = { isKnown };
