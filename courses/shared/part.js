// One part of a SCORM 2004 course: a lesson of pages, or a test; and its talk with the player.
"use strict";

(function () {
  const part = window.PART;
  const api = findApi(window) || (window.opener ? findApi(window.opener) : null);
  const started = Date.now();
  const state = { page: 0, answers: {}, score: null };

  function findApi(from) {
    for (let depth = 0; from && depth < 12; depth += 1) {
      if (from.API_1484_11) return from.API_1484_11;
      if (from.parent === from) return null;
      from = from.parent;
    }
    return null;
  }

  const get = (name) => (api ? api.GetValue(name) : "");
  const set = (name, value) => api && api.SetValue(name, String(value));

  function begin() {
    if (api) api.Initialize("");
    try {
      Object.assign(state, JSON.parse(get("cmi.suspend_data") || "{}"));
    } catch {
      // what was kept is not ours to read: the part begins anew
    }
    if (get("cmi.completion_status") !== "completed") set("cmi.completion_status", "incomplete");
    show(false);
  }

  function keep() {
    set("cmi.suspend_data", JSON.stringify(state));
    if (api) api.Commit("");
  }

  let ended = false;
  function end(request) {
    if (ended || !api) return;
    ended = true;
    set("cmi.session_time", `PT${Math.floor((Date.now() - started) / 1000)}S`);
    set("cmi.exit", get("cmi.completion_status") === "completed" ? "normal" : "suspend");
    if (request) set("adl.nav.request", request);
    api.Terminate("");
  }

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function show(move) {
    const main = document.getElementById("page");
    const count = Math.max(part.pages.length, 1);
    document.getElementById("place").textContent =
      part.kind === "lesson" ? `Page ${state.page + 1} of ${count}` : "Test";
    document.getElementById("progress").value = part.kind === "lesson" ? state.page + 1 : state.score === null ? 0 : 1;
    document.getElementById("back").hidden = part.kind === "test";
    document.getElementById("back").disabled = state.page === 0;
    document.getElementById("next").hidden = part.kind === "test" && state.score === null;
    main.replaceChildren();
    if (part.kind === "test") test(main);
    else lesson(main);
    const heading = main.querySelector("h1");
    heading.tabIndex = -1;
    window.scrollTo(0, 0);
    if (move) heading.focus();
  }

  function lesson(main) {
    main.append(document.getElementById(`page-${part.pages[state.page]}`).content.cloneNode(true));
    set("cmi.progress_measure", (state.page + 1) / part.pages.length);
    if (state.page + 1 === part.pages.length) {
      set("cmi.completion_status", "completed");
      set("cmi.success_status", "passed");
    }
    set("cmi.location", state.page);
    keep();
  }

  function test(main) {
    main.append(element("h1", {}, part.title));
    if (part.intro) main.append(element("p", {}, part.intro));
    if (state.score !== null) result(main);
    else form(main);
  }

  function form(main) {
    main.append(element("p", {}, `Answer all ${part.quiz.length} questions. ${part.passMark} % or more is a pass.`));
    const made = element("form", { novalidate: "" });
    part.quiz.forEach((question, number) => made.append(fieldset(question, number)));
    const problem = element("p", { role: "alert", class: "answer wrong" });
    made.append(problem, element("button", { class: "next" }, "Send my answers"));
    made.addEventListener("change", (event) => {
      state.answers[event.target.name] = Number(event.target.value);
      keep();
    });
    made.addEventListener("submit", (event) => {
      event.preventDefault();
      const open = part.quiz.findIndex((_, number) => state.answers[`q${number}`] === undefined);
      if (open >= 0) {
        problem.textContent = `Question ${open + 1} has no answer yet.`;
        made.querySelector(`[name=q${open}]`).focus();
        return;
      }
      grade();
    });
    main.append(made);
  }

  function fieldset(question, number) {
    const made = element("fieldset", {}, element("legend", {}, `${number + 1}. ${question.ask}`));
    question.answers.forEach((answer, place) => {
      const input = element("input", { type: "radio", name: `q${number}`, value: place });
      input.checked = state.answers[`q${number}`] === place;
      made.append(element("label", {}, input, element("span", {}, answer)));
    });
    return made;
  }

  const isRight = (question, number) => state.answers[`q${number}`] === question.right;

  function grade() {
    state.score = part.quiz.filter(isRight).length / part.quiz.length;
    part.quiz.forEach((question, number) => {
      const name = `cmi.interactions.${number}`;
      set(`${name}.id`, `question_${number + 1}`);
      set(`${name}.type`, "choice");
      set(`${name}.learner_response`, state.answers[`q${number}`]);
      set(`${name}.result`, isRight(question, number) ? "correct" : "incorrect");
    });
    set("cmi.score.min", 0);
    set("cmi.score.max", 100);
    set("cmi.score.raw", Math.round(state.score * 100));
    set("cmi.score.scaled", state.score);
    set("cmi.success_status", state.score * 100 >= part.passMark ? "passed" : "failed");
    set("cmi.completion_status", "completed");
    keep();
    show(true);
  }

  function result(main) {
    const passed = state.score * 100 >= part.passMark;
    const box = element("div", { class: `result ${passed ? "passed" : "failed"}`, role: "status" });
    box.append(element("strong", {}, passed ? "Passed" : "Not passed"), `You reached ${Math.round(state.score * 100)} %.`);
    main.append(box);
    part.quiz.forEach((question, number) => {
      main.append(
        element("p", {}, `${number + 1}. ${question.ask}`),
        element("p", { class: `answer ${isRight(question, number) ? "right" : "wrong"}` },
          `${isRight(question, number) ? "✓ Right" : "✗ Wrong"}: ${question.why}`));
    });
    if (passed || !part.isLast) return;
    const again = element("button", { type: "button" }, "Answer again");
    again.addEventListener("click", () => {
      Object.assign(state, { answers: {}, score: null });
      keep();
      show(true);
    });
    main.append(again);
  }

  function onward() {
    if (part.kind === "lesson" && state.page + 1 < part.pages.length) {
      state.page += 1;
      show(true);
    } else end(part.isLast ? "exitAll" : "continue");
  }

  document.getElementById("back").addEventListener("click", () => {
    state.page -= 1;
    show(true);
  });
  document.getElementById("next").addEventListener("click", onward);
  window.addEventListener("pagehide", () => end(""));
  begin();
})();
