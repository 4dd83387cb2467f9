/* The tool tells the server how it went; this page hears it a moment later and says so, without moving anything. */
import { ours } from "./question_of_tool.js";

const EVERY_MS = 4000;
const LATER_MS = 30000;
const OFTEN = 150;
let timer = 0;
let watched = null;

/* Ask until the module is complete; rarely after ten minutes, never while nobody looks. */
export function watch(frame) {
  clearTimeout(timer);
  watched = frame.dataset.state ? { frame, times: 0, told: "" } : null;
  if (watched) timer = setTimeout(look, EVERY_MS, watched);
}

async function look(mine) {
  if (mine !== watched || !mine.frame.isConnected || document.hidden) return;
  const { state } = mine.frame.dataset;
  const answer = await fetch(state, ours(state)).catch(() => null);
  if (answer?.ok) tell((await answer.json()).state, mine);
  const isOver = mine.told === "completed" || (answer && answer.status < 500 && !answer.ok);
  mine.times += 1;
  if (mine === watched && !isOver) timer = setTimeout(look, mine.times < OFTEN ? EVERY_MS : LATER_MS, mine);
}

function tell(state, mine) {
  const place = document.getElementById("said");
  const words = place.dataset[state];
  if (!words || state === mine.told) return;
  mine.told = state;
  const line = document.createElement("p");
  line.className = state === "completed" ? "banner good" : "banner";
  line.textContent = words;
  place.replaceChildren(line);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden || !watched || watched.told === "completed") return;
  clearTimeout(timer);
  look(watched);
});
