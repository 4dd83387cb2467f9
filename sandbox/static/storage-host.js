/* The page around: says which frame stores, and lets the tool in once that frame listens. */
"use strict";

const { tool, frame } = document.currentScript.dataset;

addEventListener("message", (event) => {
  if (event.origin !== tool || event.data?.subject !== "lti.capabilities") return;
  const messages = ["lti.put_data", "lti.get_data"].map((subject) => ({ subject, frame }));
  event.source.postMessage({ subject: "lti.capabilities.response", message_id: event.data.message_id, supported_messages: messages }, event.origin);
});
addEventListener("load", () => {
  const shown = document.querySelector("iframe[data-src]");
  shown.src = shown.dataset.src;
});
