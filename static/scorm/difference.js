/* What changed between two plain values, small enough to be sent with every commit.
 *
 * A changed leaf is `[value]`, a missing one `[]`, and an object or a list of the same length holds
 * only what changed inside it. */

const isGroup = (value) => value !== null && typeof value === "object";

function isComparable(before, now) {
  if (!isGroup(before) || !isGroup(now)) return false;
  if (Array.isArray(before) !== Array.isArray(now)) return false;
  return !Array.isArray(now) || before.length === now.length;
}

/* null when nothing changed. */
export function difference(before, now) {
  if (!isComparable(before, now)) return Object.is(before, now) ? null : [now];
  const found = {};
  for (const key of Object.keys(now)) {
    const inside = key in before ? difference(before[key], now[key]) : [now[key]];
    if (inside) found[key] = inside;
  }
  for (const key of Object.keys(before)) if (!(key in now)) found[key] = [];
  return Object.keys(found).length ? found : null;
}

export function patched(before, change) {
  if (!change) return before;
  if (Array.isArray(change)) return change[0];
  const now = Array.isArray(before) ? [...before] : { ...before };
  for (const [key, inside] of Object.entries(change)) {
    if (Array.isArray(inside) && !inside.length) delete now[key];
    else now[key] = patched(now[key], inside);
  }
  return now;
}
