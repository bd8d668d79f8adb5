"use strict";
// Who calls, for the servers on Node: the signature of the cookie, then its expiry.
const { createHmac, timingSafeEqual } = require("node:crypto");

const COOKIE = /(?:^|;\s*)gen_app_auth_token=([^;]+)/;
const KEY = process.env.BENCH_KEY;

/** The login in the Cookie header's token `login.expires.signature`; null where it is not genuine or has expired. */
function loginOf(header) {
  const found = COOKIE.exec(header || "");
  if (!found) return null;
  const dot = found[1].lastIndexOf(".");
  const signed = found[1].slice(0, dot);
  const shown = Buffer.from(found[1].slice(dot + 1), "base64url");
  const wanted = createHmac("sha256", KEY).update(signed).digest();
  if (shown.length !== wanted.length || !timingSafeEqual(shown, wanted)) return null;
  const end = signed.lastIndexOf(".");
  return Number(signed.slice(end + 1)) > Date.now() / 1000 ? signed.slice(0, end) : null;
}

module.exports = { loginOf };
