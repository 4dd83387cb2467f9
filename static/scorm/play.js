/* The tool's page around the player: Back waits until the player says that all is saved. */

const WAIT_MS = 5000;
const player = () => document.getElementById("player");
const back = () => document.getElementById("back");

function go(link) {
  if (!link?.isConnected || link.dataset.saved) return;
  link.dataset.saved = "1";
  link.click();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("#back");
  if (!link || !player() || link.dataset.saved || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  link.setAttribute("aria-busy", "true");
  player().contentWindow.postMessage({ moduleAssignment: "exit" }, player().dataset.origin);
  setTimeout(go, WAIT_MS, link);
}, true);

window.addEventListener("message", (event) => {
  const frame = player();
  if (!frame || event.origin !== frame.dataset.origin || event.source !== frame.contentWindow) return;
  const said = event.data && event.data.moduleAssignment;
  if (said === "back" || (said === "exited" && back()?.hasAttribute("aria-busy"))) go(back());
});
