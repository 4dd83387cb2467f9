/* The page around the content: opens the launch, runs its parts, never loses what they say. */

import { Contents } from "./contents.js";
import { Outbox, fitting } from "./outbox.js";
import { Transport } from "./transport.js";

const HEARTBEAT_MS = 60000;
const BLANK_MS = 3000;
const SILENCE_MS = 3000;
const ELSEWHERE = /^(https?:)?\/\//i; /* a page outside the package: shown, it cannot report */
const OPEN_PAUSES = [1, 2, 5, 10];
const $ = (id) => document.getElementById(id);
const frame = $("content");
const saved = $("saved");
const words = saved.dataset;
const { tool, edition } = document.body.dataset;

let course = null;
let titles = new Map();
let isReview = false;
let runState = "open";
let leaving = false;
let frameLeaving = false;
let exiting = false;

const outbox = new Outbox(document.body.dataset.outbox);
const transport = new Transport(location.pathname, outbox, {
  saved(state, done, failed) {
    runState = state;
    if (!exiting) course.told(done, failed);
    $("trouble").hidden = true;
    tellUnstored();
    showSaved();
    tellTool("state", { state });
  },
  trouble() {
    $("trouble").hidden = false;
    saved.textContent = words.changed;
  },
  unstored() {
    $("trouble").hidden = outbox.isEmpty;
    tellUnstored();
    showSaved();
  },
  refused(status) {
    if (course) course.stop();
    frame.src = "about:blank";
    $("trouble").hidden = true;
    saved.textContent = "";
    $("exit").hidden = true;
    hideWays();
    show(status === 409 ? "elsewhere" : "over");
    $("again").hidden = status !== 409;
  },
});
/* A page that is only hidden is not leaving: what it cannot deliver is not acknowledged. */
transport.isLeaving = () => leaving || frameLeaving || exiting;

/* What a course may do with this page. */
const shell = {
  changed() {
    saved.textContent = words.changed;
  },
  play(href) {
    show(null);
    frame.src = ELSEWHERE.test(href) ? href : `${location.pathname}files/${href}`;
    frame.focus();
    contents.toggle(false);
    shell.refresh();
    setTimeout(() => course.noteSilence(), SILENCE_MS);
  },
  say(which) {
    show(which);
    shell.refresh();
    contents.toggle(!$("contents-button").hidden);
  },
  refresh() {
    contents.draw(course.entries());
    for (const [way, isOpen] of Object.entries(course.ways)) {
      $(way).hidden = isOpen === null;
      $(way).disabled = !isOpen;
    }
  },
  blank,
};
const contents = new Contents($("contents"), $("contents-button"), (id) => {
  contents.toggle(false);
  course.choose(id);
});
contents.refresh = () => course && contents.draw(course.entries());

function hideWays() {
  contents.toggle(false);
  for (const id of ["contents-button", "previous", "continue"]) $(id).hidden = true;
}

function showSaved() {
  if (!outbox.isEmpty) return;
  if (course && course.isDirty) saved.textContent = words.changed;
  else if (transport.unstored.size) saved.textContent = ""; /* the banner says what is and is not */
  else if (isReview) saved.textContent = words.review;
  else if (runState === "completed") saved.textContent = words.completed;
  else if (runState === "failed") saved.textContent = words.failed;
  else saved.textContent = words.saved;
}

/* Which parts could not be stored, and no word that everything is. */
function tellUnstored() {
  const lost = [...transport.unstored];
  $("unstored").hidden = !lost.length;
  $("unstored-parts").textContent = lost.map((id) => titles.get(id) || document.title).join(" · ");
  for (const each of document.querySelectorAll(".all-saved")) each.hidden = lost.length > 0;
}

function show(which) {
  const message = $("message");
  message.hidden = !which;
  frame.hidden = Boolean(which);
  $("back").hidden = which !== "left" || window.parent === window; /* a window of its own is closed */
  if (!which) return;
  for (const each of message.querySelectorAll("p")) each.hidden = each.id !== `message-${which}`;
  if (which !== "loading") message.focus();
}

function tellTool(what, more = {}) {
  if (window.parent !== window) window.parent.postMessage({ moduleAssignment: what, ...more }, tool);
}

/* ---- opening --------------------------------------------------------------------------------- */

/* What earlier openings could not deliver goes along, in several requests where it is much. */
async function open(attempt = 0, most = undefined) {
  show(attempt ? "failed" : "loading");
  const waiting = outbox.left();
  const replay = fitting(waiting, most);
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
  if ([400, 413].includes(answer.status) && replay.length) {
    if (replay.length === 1) {
      outbox.forget(replay); /* it can never be taken */
      for (const { sco } of replay[0].commits) transport.unstored.add(sco);
    }
    return open(attempt, 0); /* one at a time, so that the others are */
  }
  if ([404, 410].includes(answer.status)) return show("over");
  if (!answer.ok) {
    const pause = OPEN_PAUSES[Math.min(attempt, OPEN_PAUSES.length - 1)];
    setTimeout(() => open(attempt + 1), pause * 1000);
    return undefined;
  }
  outbox.forget(replay);
  if (replay.length < waiting.length) return open(attempt, most);
  begin(await answer.json(), await runtime);
  return undefined;
}

/* Only the runtime this course needs is loaded. */
const runtime = edition === "2004" ? import("./course2004.js") : import("./course12.js");

function begin(opened, { Course12, Course2004 }) {
  transport.begin(opened.opening);
  isReview = opened.review;
  runState = opened.state;
  titles = new Map(opened.parts.map((part) => [part.id, part.title]));
  tellUnstored();
  $("again").hidden = true;
  $("exit").hidden = false;
  course = new (Course2004 || Course12)(transport, shell, opened);
  course.expose();
  showSaved();
  course.begin();
}

/* ---- the content's frame --------------------------------------------------------------------- */

/* Take the content away; it says its last words while it goes. */
function blank() {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      frame.removeEventListener("load", done);
      course.save("exit");
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
  hideWays();
  course.save("exit");
  transport.isStaying = true;
  await course.leave();
  transport.isStaying = false;
  course.stop();
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
  /* Who has something to read here is not led back at once. */
  if (!transport.unstored.size) tellTool("exited", { state: runState });
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
  if (course) course.save("guard");
  transport.leave();
});
window.addEventListener("pageshow", () => (leaving = false));
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "hidden") transport.retryNow();
  else if (course) course.save("hidden");
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
$("back").addEventListener("click", () => tellTool("back"));
$("again").addEventListener("click", () => {
  exiting = false;
  $("exit").disabled = false;
  open();
});
for (const way of ["previous", "continue"]) $(way).addEventListener("click", () => course.move(way));

open();
