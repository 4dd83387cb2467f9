/* What a part stored is found again piece by piece, in the order the engine needs: an interaction's
 * type says what its responses may be. A piece it does not take never keeps the learner out. */

import { allHeld } from "./lines.js";

const LISTS = new Set(["interactions", "objectives", "comments_from_learner", "comments_from_lms"]);
const GROUPS = new Set(["core", "score", "student_data", "student_preference", "learner_preference"]);
const FIRST = ["id", "type"];

function give(engine, name, value, at) {
  try {
    engine.loadFromJSON({ [name]: value }, at);
  } catch {
    /* the rest is worth having without it */
  }
}

function ordered(entry) {
  const found = Object.entries(entry || {});
  const place = ([name]) => (FIRST.indexOf(name) + 1 || FIRST.length + 1);
  return found.sort((one, other) => place(one) - place(other));
}

/* Before Initialize: the engine's part is as this data model says. */
export function load(engine, cmi, at = "cmi") {
  for (const [name, value] of Object.entries(cmi || {})) {
    if (GROUPS.has(name)) load(engine, value, `${at}.${name}`);
    else if (!LISTS.has(name)) give(engine, name, value, at);
    else {
      for (const [index, entry] of Object.entries(value || {})) {
        for (const [each, inside] of ordered(allHeld(entry))) give(engine, each, inside, `cmi.${name}.${index}`);
      }
    }
  }
}
