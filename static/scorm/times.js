/* Times of SCORM 2004 that are none, although the engine takes them: `PT`, weeks, commas, hours before
 * the `T`, a 31st of February. The server keeps none of them (plugin/scorm/times.py), so content is told. */

const SPAN = new RegExp(
  "^P(?=[0-9T])(\\d+Y)?(\\d+M)?(\\d+D)?(T(?=\\d)(\\d+H)?(\\d+M)?(\\d+(\\.\\d{1,2})?S)?)?$",
);
const DAY = /^(\d{4})-(\d{2})-(\d{2})/;
const SPANS = /^cmi\.(session_time|interactions\.\d+\.latency)$/;
const MOMENTS = /^cmi\.(interactions|comments_from_learner)\.\d+\.timestamp$/;

function isNoDay(text) {
  const found = DAY.exec(text);
  if (!found) return false;
  const [year, month, day] = found.slice(1).map(Number);
  return day > new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/* What the engine refuses anyway may be either here. */
export function isNoTime(element, value) {
  if (SPANS.test(element)) return !SPAN.test(value);
  return MOMENTS.test(element) && isNoDay(value);
}
