/* The LMS's storage, through messages between windows (LTI client side postMessages, platform storage 0.1).
   What is secret goes to one origin only, and answers count from that origin only. */

/* On the way to the LMS a person waits for the answer; afterwards the page offers them a choice meanwhile. */
const PUT_MS = 2000;
const GET_MS = 10000;

/* The LMS: around us, or, in a window of our own, the page that opened us. */
const host = () => (window.parent === window ? window.opener : window.parent);

const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("");

/* The answer to one message, or null: refused, not understood, or nothing within the time. */
function ask(target, targetOrigin, message, isTrusted, wait) {
  return new Promise((resolve) => {
    const id = newId();
    const listen = (event) => {
      const said = event.data;
      if (!isTrusted(event) || !said || said.message_id !== id || said.subject !== `${message.subject}.response`) return;
      finish(said.error ? null : said);
    };
    const finish = (answer) => {
      clearTimeout(timer);
      window.removeEventListener("message", listen);
      resolve(answer);
    };
    const timer = setTimeout(() => finish(null), wait);
    window.addEventListener("message", listen);
    try {
      target.postMessage({ ...message, message_id: id }, targetOrigin);
    } catch {
      finish(null);
    }
  });
}

function frameCalled(name) {
  const outer = host();
  if (!outer || !name) return null;
  if (name === "_parent") return outer;
  try {
    return outer.frames[name] || null;
  } catch {
    return null; // browsers refuse to look for a name that is not there
  }
}

/* Which frame stores, asked of the LMS's page; the question holds no secret. */
async function frameNamedByCapabilities(framers, subject, wait) {
  const outer = host();
  if (!outer) return null;
  const isTrusted = (event) => event.source === outer && framers.includes(event.origin);
  const said = await ask(outer, "*", { subject: "lti.capabilities" }, isTrusted, wait);
  const messages = Array.isArray(said?.supported_messages) ? said.supported_messages : [];
  const found = messages.find((each) => each?.subject === subject);
  return found ? frameCalled(found.frame || "_parent") : null;
}

async function send(element, message, wait) {
  const { frame, origin, framers } = element.dataset;
  const target = frameCalled(frame) || (await frameNamedByCapabilities(framers.split(" "), message.subject, wait));
  return target && origin ? ask(target, origin, message, (event) => event.origin === origin, wait) : null;
}

/* The element says which frame of which origin stores, and under which key. */
export const put = (element, value) => send(element, { subject: "lti.put_data", key: element.dataset.key, value }, PUT_MS);

export async function get(element) {
  const said = await send(element, { subject: "lti.get_data", key: element.dataset.key }, GET_MS);
  return said && said.key === element.dataset.key && typeof said.value === "string" ? said.value : null;
}
