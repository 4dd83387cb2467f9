/* Line breaks in answers, descriptions and comments: SCORM takes them, the engine's patterns do not. In
 * the engine they are a letter nobody types (U+0085, "next line"); content and the server have them as
 * they were meant. */

const BREAK = /\r\n|\r|\n/g;
const HELD = /\u0085/g;
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

/* As the engine is given it, where it may have line breaks. */
export function held(element, value) {
  return typeof value === "string" && TEXTS.test(element) ? value.replace(BREAK, "\u0085") : value;
}

/* What the engine says of an element, as it was meant. */
export function given(element, value) {
  return typeof value === "string" && TEXTS.test(element) ? value.replace(HELD, "\n") : value;
}

/* A record that was stored, as the engine is given it. */
export function allHeld(record) {
  return inside(record, (text) => text.replace(BREAK, "\u0085"));
}

/* A whole data model as it was meant. */
export function allGiven(cmi) {
  const found = LISTS.filter((name) => cmi[name]);
  const meant = found.map((name) => [name, inside(cmi[name], (text) => text.replace(HELD, "\n"))]);
  return { ...cmi, ...Object.fromEntries(meant) };
}
