/* Our page in the tool's frame, when the tool is done: our page around it knows the way back. */

const link = document.querySelector("[data-leave]");

function leave(event) {
  event?.preventDefault();
  window.parent.postMessage({ subject: "visit.leave" }, window.location.origin);
}

if (window.parent === window && window.opener) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    window.close();
  });
}
if (window.parent !== window) {
  link.addEventListener("click", leave);
  if ("atOnce" in link.dataset) leave();
}
