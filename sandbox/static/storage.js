/* Platform storage: keeps values for the tool's origin and answers nobody else. */
"use strict";

const tool = document.currentScript.dataset.tool;
const kept = new Map();
const LIMIT = 4096;

const answers = {
  "lti.put_data": ({ key, value }) => {
    if (typeof key !== "string" || typeof value !== "string" || value.length > LIMIT) return { error: { code: "bad_request", message: "key or value" } };
    kept.set(key, value);
    return { key, value };
  },
  "lti.get_data": ({ key }) => ({ key, value: kept.get(key) }),
};

addEventListener("message", (event) => {
  const said = event.data || {};
  const answer = answers[said.subject];
  if (!answer || !said.message_id) return;
  const found = event.origin === tool ? answer(said) : { error: { code: "wrong_origin", message: "not the tool" } };
  event.source.postMessage({ subject: `${said.subject}.response`, message_id: said.message_id, ...found }, event.origin);
});
