/* What is no element of a data model, although the engine would take it for one and do itself harm:
 * members of its own objects (`reset`, `jsonString`), and positions that are not written plainly. */

const NAMED = /\{[^}]*\}/g;
const MEMBER = new RegExp(
  "[A-Z]|(^|\\.)(reset|initialize|initialized|start_time|_(?!(children|count|version)$)\\w*)(\\.|$)",
);
const ODD_POSITION = /\.(?=[\s\d+])(?!(0|[1-9]\d*)(\.|$))|\.\d+\.\d|\.(\.|$)/;

export function isNoElement(text) {
  const element = text.replace(NAMED, "named");
  return MEMBER.test(element) || ODD_POSITION.test(element);
}

/* What a wrapper hands over: a string object of its own window (`new String("")`) is its string. */
export function plain(value) {
  return value !== null && typeof value === "object" ? String(value) : value;
}

/* The argument of Initialize, Commit and Terminate, which must be empty; none at all is empty too. */
export function nothing(value) {
  return value === undefined ? "" : plain(value);
}
