/* The page around the content: opens the launch, runs its parts, never loses what they say. */

import { Outbox } from "./outbox.js";
import { Runtime12 } from "./runtime12.js";
import { Transport } from "./transport.js";

const HEARTBEAT_MS = 60000;
const BLANK_MS = 3000;
const OPEN_PAUSES = [1, 2, 5, 10];
const $ = (id) => document.getElementById(id);
const frame = $("content");
const saved = $("saved");
const words = saved.dataset;
const tool = document.body.dataset.tool;

let parts = [];
let current = null;
let isReview = false;
let runState = "open";
let leaving = false;
let frameLeaving = false;
let exiting = false;

const outbox = new Outbox(document.body.dataset.run);
const transport = new Transport(location.pathname, outbox, {
  saved(state) {
    runState = state;
    $("trouble").hidden = true;
    showSaved();
    tellTool("state", { state });
  },
  trouble() {
    $("trouble").hidden = false;
    saved.textContent = words.changed;
  },
  refused(status) {
    runtime.stop();
    frame.src = "about:blank";
    $("trouble").hidden = true;
    saved.textContent = "";
    $("exit").hidden = true;
    show(status === 409 ? "elsewhere" : "over");
    $("again").hidden = status !== 409;
  },
});
transport.isLeaving = () => leaving || frameLeaving || exiting || document.visibilityState === "hidden";
const runtime = new Runtime12(transport, {
  changed() {
    saved.textContent = words.changed;
  },
});
window.API = runtime.api;

function showSaved() {
  if (!outbox.isEmpty) return;
  if (runtime.isDirty) saved.textContent = words.changed;
  else if (isReview) saved.textContent = words.review;
  else if (runState === "completed") saved.textContent = words.completed;
  else if (runState === "failed") saved.textContent = words.failed;
  else saved.textContent = words.saved;
}

function show(which) {
  const message = $("message");
  message.hidden = !which;
  frame.hidden = Boolean(which);
  if (!which) return;
  for (const each of message.querySelectorAll("p")) each.hidden = each.id !== `message-${which}`;
  if (which !== "loading") message.focus();
}

function tellTool(what, more = {}) {
  if (window.parent !== window) window.parent.postMessage({ moduleAssignment: what, ...more }, tool);
}

/* ---- opening --------------------------------------------------------------------------------- */

async function open(attempt = 0) {
  show(attempt ? "failed" : "loading");
  const replay = outbox.left();
  let answer;
  try {
    answer = await fetch(`${location.pathname}open`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ replay }),
    });
  } catch {
    answer = { ok: false, status: 0 };
  }
  if (!answer.ok && [400, 413].includes(answer.status) && replay.length) {
    outbox.forget(replay); /* it can never be taken */
    return open(attempt);
  }
  if ([404, 410].includes(answer.status)) return show("over");
  if (!answer.ok) {
    const pause = OPEN_PAUSES[Math.min(attempt, OPEN_PAUSES.length - 1)];
    setTimeout(() => open(attempt + 1), pause * 1000);
    return undefined;
  }
  const opened = await answer.json();
  outbox.forget(replay);
  transport.begin(opened.opening);
  parts = opened.parts;
  isReview = opened.review;
  runState = opened.state;
  $("again").hidden = true;
  $("exit").hidden = false;
  listContents(opened.current);
  showSaved();
  play(opened.current);
  return undefined;
}

/* ---- parts ----------------------------------------------------------------------------------- */

function listContents(chosen) {
  if (parts.length < 2) return;
  const list = $("contents").querySelector("ol");
  list.replaceChildren();
  for (const part of parts) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = part.title || part.id;
    button.dataset.part = part.id;
    if (part.id === chosen) button.setAttribute("aria-current", "true");
    const entry = document.createElement("li");
    entry.append(button);
    list.append(entry);
  }
  $("contents-button").hidden = false;
}

function play(id) {
  current = parts.find((part) => part.id === id);
  for (const button of document.querySelectorAll("[data-part]")) {
    if (button.dataset.part === id) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  runtime.prepare(current, isReview);
  if (!current.is_sco && !isReview) runtime.send({}, "opened");
  show(null);
  frame.src = `${location.pathname}files/${current.href}`;
  frame.focus();
}

async function change(id) {
  if (!current || id === current.id) return;
  toggleContents(false);
  await blank();
  const state = runtime.lastCmi;
  if (current.is_sco && state) {
    current.cmi = reopened(state, current.cmi);
    current.status_set = runtime.isStatusSet;
  }
  runtime.lastCmi = null;
  play(id);
}

/* What a part finds when it is opened a second time on this page. */
function reopened(cmi, seed) {
  const { exit, session_time: _time, lesson_status: status, ...core } = cmi.core;
  const entry = exit === "suspend" || !runtime.isFinished ? "resume" : "";
  const kept = { ...cmi, core: { ...core, entry }, student_data: seed.student_data };
  if (runtime.isStatusSet) kept.core.lesson_status = status;
  return kept;
}

function toggleContents(isOpen) {
  $("contents").hidden = !isOpen;
  $("contents-button").setAttribute("aria-expanded", String(isOpen));
}

/* Take the content away; it says its last words while it goes. */
function blank() {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      frame.removeEventListener("load", done);
      runtime.save("exit");
      resolve();
    };
    const timer = setTimeout(done, BLANK_MS);
    frame.addEventListener("load", done);
    frame.src = "about:blank";
  });
}

/* ---- leaving --------------------------------------------------------------------------------- */

async function exit() {
  if (transport.refusal || !transport.opening) {
    tellTool("exited", { state: runState });
    return;
  }
  if (exiting) return;
  exiting = true;
  $("exit").disabled = true;
  toggleContents(false);
  runtime.save("exit");
  await blank();
  runtime.stop();
  show("leaving");
  transport.stopRetrying();
  for (let attempt = 0; !(await transport.deliver(true)); attempt += 1) {
    if (transport.refusal) return;
    $("trouble").hidden = false;
    await new Promise((wait) => setTimeout(wait, 1000 * [1, 2, 5, 10][Math.min(attempt, 3)]));
  }
  transport.end();
  $("exit").hidden = true;
  show("left");
  tellTool("exited", { state: runState });
}

frame.addEventListener("load", () => {
  frameLeaving = false;
  const inside = frame.contentWindow;
  if (!inside || frame.src === "about:blank") return;
  try {
    inside.addEventListener("beforeunload", () => {
      frameLeaving = true;
      setTimeout(() => (frameLeaving = false), BLANK_MS);
    });
  } catch {
    /* the content went to another host; it cannot report from there anyway */
  }
});

window.addEventListener("pagehide", () => {
  leaving = true;
  runtime.save("guard");
  transport.leave();
});
window.addEventListener("pageshow", () => (leaving = false));
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") runtime.save("hidden");
  else transport.retryNow();
});
window.addEventListener("beforeunload", (event) => {
  if (outbox.isEmpty || transport.refusal) return;
  transport.sendNow();
  if (!outbox.isEmpty) event.preventDefault();
});
window.addEventListener("online", () => transport.retryNow());
window.addEventListener("message", (event) => {
  if (event.origin === tool && event.data && event.data.moduleAssignment === "exit") exit();
});
setInterval(() => transport.heartbeat(), HEARTBEAT_MS);

$("exit").addEventListener("click", exit);
$("again").addEventListener("click", () => {
  exiting = false;
  $("exit").disabled = false;
  open();
});
$("contents-button").addEventListener("click", () => toggleContents($("contents").hidden));
$("contents").addEventListener("click", (event) => {
  if (event.target.dataset.part) change(event.target.dataset.part);
});

open();
