/* The page that holds an external tool: the platform's storage for it (LTI postMessage storage),
   its wish for another height, and its wish to be closed. Nothing here is needed to launch. */

const frame = document.getElementById("tool");
const origins = new Set((frame ? frame.dataset.origins : "").split(" ").filter(Boolean));
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

const answers = {
  "lti.capabilities": () => ({
    supported_messages: SUBJECTS.map((subject) => ({ subject, frame: "_parent" })),
  }),
  "lti.put_data": (said, origin) => {
    const kept = shelf(origin);
    if (!isText(said.key)) return failure("bad_request", "key is missing or too long");
    if (said.value === null || said.value === undefined) {
      kept.delete(said.key);
      return { key: said.key };
    }
    if (!isText(said.value)) return failure("bad_request", "value is not a text, or too long");
    if (!kept.has(said.key) && kept.size >= MAX_KEYS) {
      return failure("storage_exhaustion", "too many keys");
    }
    kept.set(said.key, said.value);
    return { key: said.key, value: said.value };
  },
  "lti.get_data": (said, origin) => {
    if (!isText(said.key)) return failure("bad_request", "key is missing or too long");
    const found = shelf(origin).get(said.key);
    return { key: said.key, value: found === undefined ? null : found };
  },
  "lti.frameResize": (said) => {
    const height = Number(said.height);
    if (!Number.isFinite(height)) return failure("bad_request", "height is not a number");
    frame.style.blockSize = `${Math.min(MAX_HEIGHT, Math.max(MIN_HEIGHT, height))}px`;
    return {};
  },
  "lti.close": () => {
    window.location.assign(frame.dataset.back);
    return {};
  },
};

window.addEventListener("message", (event) => {
  const said = event.data;
  if (!frame || !said || typeof said !== "object" || !origins.has(event.origin)) return;
  if (said.subject === "org.imsglobal.lti.close") {
    answers["lti.close"]();
    return;
  }
  const answer = Object.hasOwn(answers, said.subject) ? answers[said.subject] : null;
  if (!answer || !event.source) return;
  event.source.postMessage(
    { subject: `${said.subject}.response`, message_id: said.message_id, ...answer(said, event.origin) },
    event.origin,
  );
});
