/* At the launch of a browser that kept no cookie: what the LMS stored lets the visit begin by itself; else a person
   presses a button. Either way the page's code is used once, and the session stays in this script. */
import { get } from "./platform.js";
import { enter, failed } from "./pages.js";

const choices = document.getElementById("choices");
const asking = document.getElementById("asking");
const form = document.getElementById("begin");
const complaint = document.getElementById("begin-failed");
const isOffered = Boolean(choices.dataset.frame);
const PATIENCE_MS = 2000; // longer, and a person is offered the choice; what the LMS says later still counts
let isBegun = false;
let begun = null;

function show(element, isShown) {
  element.hidden = !isShown;
}

async function begin(proof) {
  if (isBegun) return true;
  isBegun = true;
  const said = new URLSearchParams(new FormData(form));
  if (proof) said.set("proof", proof);
  try {
    const answer = begun || (await fetch(form.action, { method: "POST", body: said, credentials: "omit", redirect: "error" }));
    if (answer.ok) {
      begun = begun || { ok: true, said: await answer.json() };
      if (await enter(begun.said)) return true;
      throw new Error("the first page did not come");
    }
    if (!proof) await complain(answer);
  } catch {
    if (!proof) say(failed());
  }
  isBegun = false;
  return false;
}

async function complain(answer) {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  say(page.querySelector("h1")?.textContent.trim() || failed());
}

function say(words) {
  complaint.querySelector("span").textContent = words;
  show(complaint, true);
  form.querySelector("button").removeAttribute("aria-busy");
  delete form.dataset.sent;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  event.stopPropagation();
  begin("");
});

show(form, true);
let isAsking = isOffered;
if (isAsking) {
  show(choices, false);
  show(asking, true);
}

function offer() {
  if (!isAsking || isBegun) return;
  isAsking = false;
  show(asking, false);
  show(choices, true);
  document.getElementById("main").focus();
}

setTimeout(offer, PATIENCE_MS);
const proof = await get(choices).catch(() => null);
if (!proof || !(await begin(proof))) offer();
