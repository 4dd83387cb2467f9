/* The page that holds an external tool: its storage and its wishes, its question where no cookie can answer it, and
   the score when it has arrived. With cookies nothing here is needed to launch. */
import { answerFor, wish } from "./external/storage.js";
import { open, openWindow, answerQuestion } from "./external/question_of_tool.js";
import { watch } from "./external/score.js";

const tool = () => document.getElementById("tool");
const windows = new Set();

/* The link is one of the page's own: a visit without cookies follows it by its script. */
function leave(frame) {
  const link = document.createElement("a");
  link.href = frame.dataset.back;
  document.body.append(link);
  link.click();
  link.remove();
}

function fromOurs(event, frame) {
  if (event.source !== frame.contentWindow && !windows.has(event.source)) return;
  if (event.data.subject === "visit.leave") leave(frame);
  if (event.data.subject === "visit.question") answerQuestion(event, frame);
}

function fromTool(event, frame) {
  const { data } = event;
  const wanted = wish(data);
  if (wanted === "close") leave(frame);
  const answer = answerFor(data, event.origin, frame);
  if (answer && event.source) event.source.postMessage(answer, event.origin);
}

function hear(event) {
  const frame = tool();
  if (!frame || !event.data || typeof event.data !== "object") return;
  if (event.origin === window.location.origin) fromOurs(event, frame);
  else if (frame.dataset.origins.split(" ").includes(event.origin)) fromTool(event, frame);
}

window.addEventListener("message", hear);
window.takeEarlyMessages?.().forEach(hear);

function begin() {
  const frame = tool();
  if (!frame) return;
  open(frame);
  watch(frame);
}

document.addEventListener("click", async (event) => {
  const link = event.target.closest?.("#window");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  event.stopPropagation();
  windows.add(await openWindow(link));
}, true);

document.addEventListener("page:shown", begin);
begin();
