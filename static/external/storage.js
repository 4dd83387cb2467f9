/* What a tool may ask of the page around it (LTI client side postMessages and platform storage 0.1). */

const SUBJECTS = ["lti.capabilities", "lti.put_data", "lti.get_data", "lti.frameResize", "lti.close"];
const MAX_KEYS = 50;
const MAX_LENGTH = 4096;
const MIN_HEIGHT = 200;
const MAX_HEIGHT = 5000;
const shelves = new Map();

/* Each origin has a shelf of its own; nobody reads another's. */
function shelf(origin) {
  if (!shelves.has(origin)) shelves.set(origin, new Map());
  return shelves.get(origin);
}

function isText(value) {
  return typeof value === "string" && value.length > 0 && value.length <= MAX_LENGTH;
}

function failure(code, message) {
  return { error: { code, message } };
}

function put({ key, value }, origin) {
  const kept = shelf(origin);
  if (!isText(key)) return failure("bad_request", "key is missing or too long");
  if (value === null || value === undefined) {
    kept.delete(key);
    return { key };
  }
  if (!isText(value)) return failure("bad_request", "value is not a text, or too long");
  if (!kept.has(key) && kept.size >= MAX_KEYS) return failure("storage_exhaustion", "too many keys");
  kept.set(key, value);
  return { key, value };
}

function get({ key }, origin) {
  if (!isText(key)) return failure("bad_request", "key is missing or too long");
  const found = shelf(origin).get(key);
  return { key, value: found === undefined ? null : found };
}

/* Where the frame fills the page it is never smaller than that: the page scrolls instead. */
function resize(said, _origin, frame) {
  const height = Number(said.height);
  if (!Number.isFinite(height)) return failure("bad_request", "height is not a number");
  const size = `${Math.min(MAX_HEIGHT, Math.max(MIN_HEIGHT, height))}px`;
  frame.style[frame.closest(".tool-room") ? "minBlockSize" : "blockSize"] = size;
  return {};
}

const answers = {
  "lti.capabilities": () => ({ supported_messages: SUBJECTS.map((subject) => ({ subject, frame: "_parent" })) }),
  "lti.put_data": put,
  "lti.get_data": get,
  "lti.frameResize": resize,
  "lti.close": () => ({}),
};

export const wish = ({ subject }) => (subject === "lti.close" || subject === "org.imsglobal.lti.close" ? "close" : "");

/* The answer to one message of an origin that may ask; null for what is none. */
export function answerFor(said, origin, frame) {
  if (!Object.hasOwn(answers, said.subject)) return null;
  return { subject: `${said.subject}.response`, message_id: said.message_id, ...answers[said.subject](said, origin, frame) };
}
