/* Our page in the tool's frame: no cookie says whose visit it is, so it asks our page around it, or
   the one that opened this window, waits a little, and
   goes on with what it has heard, or with the refusal it brought. */

const WAIT_MS = 10000;
const holder = window.parent === window ? window.opener : window.parent;
const form = document.getElementById("answer");
const question = Object.fromEntries(new FormData(document.getElementById("question")));
const timer = setTimeout(goOn, WAIT_MS);

function goOn() {
  window.removeEventListener("message", hear);
  clearTimeout(timer);
  form.submit();
}

function hear(event) {
  if (event.origin !== window.location.origin || event.source !== holder) return;
  if (event.data?.subject !== "visit.answer") return;
  form.replaceChildren(...Object.entries(event.data.fields).map(field));
  goOn();
}

function field([name, value]) {
  const made = document.createElement("input");
  Object.assign(made, { type: "hidden", name, value });
  return made;
}

if (!holder) goOn();
else {
  window.addEventListener("message", hear);
  holder.postMessage({ subject: "visit.question", question }, window.location.origin);
}
