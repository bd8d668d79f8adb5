// A file that was not there before. A table begins with its heads and two rows: an empty one has no cell to type into.

import { ask } from "./api.js";
import { address } from "./draft.js";
import { words } from "./words.js";

const t = words({
  table: ["first,message,reply.text\nhello,Hello,Hello!\nrest,,Not understood: {message}\n", "first,message,reply.text\nпривет,Привет,Привет!\nостальное,,Не понял: {message}\n"],
});

/** Make a file of the project; raises Problem where there is one already. */
export const makeFile = (path) => ask("PUT", address(path),
  { text: /^processes\/.*\.csv$/.test(path) ? t("table") : "" }, { "If-None-Match": "*" });
