/* Lists of records in SCORM 2004's data model, on an engine that takes what is past their end for
 * something not set yet, and keeps an empty record when its first value was refused. */

const LISTS = new Set([
  "objectives",
  "interactions",
  "correct_responses",
  "comments_from_learner",
  "comments_from_lms",
]);
const POSITION = /^\d+$/;
const PADDED = /^cmi\.(interactions|objectives|comments_from_(learner|lms))\.(\d+\.\w+\.)?0\d+(\.|$)/;
const NAME = /^cmi\.interactions\.(\d+)\.id$/;
const ANSWER = /^cmi\.interactions\.(\d+)\./;
const TAKEN_UNNAMED = /^cmi\.interactions\.(\d+)\.(result|objectives\.\d+\.id)$/;
const IDENTIFIER = /\.id$/;
const URN = /^urn:/i;
const NAMED_URN = /^urn:\S+$/i;

/* Every list that this element lies in, with the position it names there. */
function* listsOf(cmi, element) {
  let at = cmi;
  for (const name of element.split(".").slice(1)) {
    if (at && LISTS.has(name)) at = at[name];
    else if (at && at.childArray && POSITION.test(name)) {
      yield [at.childArray, Number(name)];
      at = at.childArray[name];
    } else return;
  }
}

/* Is this in a record that is not there? (RTE 3.1.7.6: GetValue fails with 301) */
export function isPastEnd(cmi, element) {
  return [...listsOf(cmi, element)].some(([list, position]) => position >= list.length);
}

/* A position with leading zeros is one that no list has: `cmi.interactions.01.id`. */
export function isPadded(element) {
  return PADDED.test(element);
}

/* What is said of an answer before its identifier (RTE 4.2.9.1: 408), where the engine takes it. */
export function isUnnamed(cmi, element) {
  const found = TAKEN_UNNAMED.exec(element);
  const { childArray: answers } = cmi.interactions;
  return found !== null && Number(found[1]) <= answers.length && !answers[found[1]]?.id;
}

/* The type of the answer that this element belongs to. */
export function typeOf(cmi, element) {
  const found = ANSWER.exec(element);
  return (found && cmi.interactions.childArray[found[1]]?.type) || "";
}

/* An answer may be given another identifier (RTE 4.2.9.1); the engine holds to the first. */
export function letRename(cmi, element) {
  const found = NAME.exec(element);
  const answer = found && cmi.interactions.childArray[found[1]];
  if (answer) answer._idIsSet = false;
}

/* What puts the lists of this element back to the records they have now. */
export function keeper(cmi, element) {
  const found = [...listsOf(cmi, element)].map(([list]) => [list, list.length]);
  return () => {
    for (const [list, length] of found) list.length = length;
  };
}

/* A URN without a name, or with blanks (RFC 2141); courses in use name theirs without a namespace. */
export function isNoIdentifier(element, value) {
  return IDENTIFIER.test(element) && URN.test(value) && !NAMED_URN.test(value);
}
