/* Line breaks in answers, descriptions and comments, and commas in a right answer that is one text: SCORM
 * takes them, the engine's patterns do not. In the engine they are letters nobody types (U+0085, "next
 * line", and one of private use); content and the server have them as they were meant. */

const BREAK = /\r\n|\r|\n/g;
const HELD = /\u0085/g;
const HELD_COMMA = "\uE02C";
const ONE_TEXT = ["long-fill-in", "other"];
const RIGHT = /^cmi\.interactions\.\d+\.correct_responses\.\d+\.pattern$/;
const TEXTS = new RegExp(
  "^cmi\\.(interactions\\.\\d+\\.(student_response|learner_response|description|" +
    "correct_responses\\.\\d+\\.pattern)|objectives\\.\\d+\\.description|" +
    "comments_from_learner\\.\\d+\\.comment)$",
);

const LISTS = ["interactions", "objectives", "comments_from_learner"];

function inside(value, action) {
  if (typeof value === "string") return action(value);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, inside(each, action)]));
}

const unbroken = (text) => text.replace(BREAK, "\u0085");
const whole = (text) => unbroken(text).replaceAll(",", HELD_COMMA);
const meant = (text) => text.replace(HELD, "\n").replaceAll(HELD_COMMA, ",");

/* As the engine is given it, where it may have line breaks, or commas in an answer of this type. */
export function held(element, value, type = "") {
  if (typeof value !== "string" || !TEXTS.test(element)) return value;
  return ONE_TEXT.includes(type) && RIGHT.test(element) ? whole(value) : unbroken(value);
}

/* What the engine says of an element, as it was meant. */
export function given(element, value) {
  return typeof value === "string" && TEXTS.test(element) ? meant(value) : value;
}

/* A record that was stored, as the engine is given it. */
export function allHeld(record) {
  const found = inside(record, unbroken);
  if (!found || !ONE_TEXT.includes(found.type)) return found;
  return { ...found, correct_responses: inside(found.correct_responses, whole) };
}

/* A whole data model as it was meant. */
export function allGiven(cmi) {
  const found = LISTS.filter((name) => cmi[name]);
  return { ...cmi, ...Object.fromEntries(found.map((name) => [name, inside(cmi[name], meant)])) };
}
