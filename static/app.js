/* Improvements only: every form and link works without this file. */
"use strict";

/* A form is sent once: a second click while the first is on its way does nothing. */
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.target === "_blank") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  const button = event.submitter;
  if (button) button.setAttribute("aria-busy", "true");
  tellSending(form);
});

/* Sending a large file takes its time, and no browser shows it inside a frame. */
function tellSending(form) {
  const place = form.querySelector("[data-sending]");
  const hasFile = [...form.querySelectorAll("input[type=file]")].some((field) => field.files.length);
  if (place && hasFile) place.textContent = place.dataset.sending;
}

/* What a form saves on the way is not begun once it is sent. */
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.dataset?.sent) event.preventDefault();
});

/* Coming back with the browser's Back button, forms can be sent again. */
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
    for (const place of form.querySelectorAll("[data-sending]")) place.textContent = "";
  }
});
