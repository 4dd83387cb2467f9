/* In a browser that keeps no cookie in the frame this script opens the tool, and answers for it who opens it: with the
   session it holds, so only for the visit that began the launch (docs/decisions/0120). */
import { authorization, follow, holds, nameIn } from "../visit/session.js";

export function ours(address) {
  return holds(nameIn(address)) ? { headers: authorization(), credentials: "omit" } : { headers: {} };
}

/* The tool's login with fresh hints. */
async function login(start) {
  const asked = ours(start);
  const answer = await fetch(start, { ...asked, headers: { ...asked.headers, Accept: "application/json" } });
  return answer.ok ? (await answer.json()).address : null;
}

/* Where only the script can ask for the tool's login. */
export async function open(frame) {
  const { start } = frame.dataset;
  if (!start || frame.dataset.opened) return;
  frame.dataset.opened = "yes";
  const next = await login(start);
  if (next) frame.contentWindow.location.replace(next);
}

/* A window of its own has no cookie of a visit that lives in the LMS's frame: this page, which opened it, answers. */
export async function openWindow(link) {
  const shown = window.open("about:blank", "_blank");
  if (!shown) return null;
  const next = await login(link.href);
  if (next) shown.location.replace(next);
  else shown.close();
  return shown;
}

/* Our own page inside the frame asks, and hears it alone: nobody else is of this origin. */
export async function answerQuestion(event, frame) {
  const { ask, token } = frame.dataset;
  const asked = ours(ask);
  const answer = await fetch(ask, {
    ...asked,
    method: "POST",
    headers: { ...asked.headers, "X-CSRFToken": token },
    body: new URLSearchParams(event.data.question),
    redirect: "error",
  });
  if (!answer.ok) return;
  follow(answer.headers.get("Visit-Session"));
  event.source.postMessage({ subject: "visit.answer", fields: await answer.json() }, window.location.origin);
}
