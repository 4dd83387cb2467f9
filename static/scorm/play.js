/* The tool's page around the player: Back waits until the player says that all is saved. */

const frame = document.getElementById("player");
const back = document.getElementById("back");
const WAIT_MS = 5000;

function go() {
  window.location.assign(back.href);
}

back.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  back.setAttribute("aria-busy", "true");
  frame.contentWindow.postMessage({ moduleAssignment: "exit" }, frame.dataset.origin);
  setTimeout(go, WAIT_MS);
});

window.addEventListener("message", (event) => {
  if (event.origin !== frame.dataset.origin || event.source !== frame.contentWindow) return;
  if (event.data && event.data.moduleAssignment === "exited" && back.hasAttribute("aria-busy")) go();
});
