// The frame of a course: pages, a quiz, and the conversation with the SCORM 1.2 player.
"use strict";

(function () {
  const course = window.COURSE;
  const api = findApi(window) || (window.opener ? findApi(window.opener) : null);
  const started = Date.now();
  const state = { page: 0, answers: {}, score: null };

  function findApi(from) {
    for (let depth = 0; from && depth < 12; depth += 1) {
      if (from.API) return from.API;
      if (from.parent === from) return null;
      from = from.parent;
    }
    return null;
  }

  function get(name) {
    return api ? api.LMSGetValue(name) : "";
  }

  function set(name, value) {
    if (api) api.LMSSetValue(name, String(value));
  }

  function begin() {
    if (api) api.LMSInitialize("");
    try {
      Object.assign(state, JSON.parse(get("cmi.suspend_data") || "{}"));
    } catch {
      // what was kept is not ours to read: the course begins anew
    }
    const page = Number(get("cmi.core.lesson_location"));
    if (Number.isInteger(page) && page >= 0 && page <= course.pages.length) state.page = page;
    if (get("cmi.core.lesson_status") === "not attempted") set("cmi.core.lesson_status", "incomplete");
    show(false);
  }

  function keep() {
    set("cmi.core.lesson_location", state.page);
    set("cmi.suspend_data", JSON.stringify({ answers: state.answers, score: state.score }));
    if (api) api.LMSCommit("");
  }

  function sessionTime() {
    const seconds = Math.floor((Date.now() - started) / 1000);
    const part = (number) => String(number).padStart(2, "0");
    return `${String(Math.floor(seconds / 3600)).padStart(4, "0")}:${part(Math.floor(seconds / 60) % 60)}:${part(seconds % 60)}`;
  }

  let ended = false;
  function end() {
    if (ended || !api) return;
    ended = true;
    set("cmi.core.session_time", sessionTime());
    set("cmi.core.exit", state.score === null ? "suspend" : "");
    api.LMSCommit("");
    api.LMSFinish("");
  }

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function show(move) {
    const main = document.getElementById("page");
    const last = state.page === course.pages.length;
    document.getElementById("place").textContent = `Step ${state.page + 1} of ${course.pages.length + 1}`;
    document.getElementById("progress").value = state.page + (state.score === null ? 0 : 1);
    document.getElementById("back").disabled = state.page === 0;
    document.getElementById("next").hidden = last;
    main.replaceChildren();
    if (last) quiz(main);
    else main.append(document.getElementById(`page-${state.page + 1}`).content.cloneNode(true));
    const heading = main.querySelector("h1");
    heading.tabIndex = -1;
    window.scrollTo(0, 0);
    if (move) heading.focus();
  }

  function quiz(main) {
    main.append(element("h1", {}, "What do you remember?"));
    if (state.score !== null) {
      result(main);
      return;
    }
    main.append(element("p", {}, `Answer all ${course.quiz.length} questions. ${course.passMark} % or more is a pass.`));
    const form = element("form", { novalidate: "" });
    course.quiz.forEach((question, number) => form.append(fieldset(question, number)));
    const problem = element("p", { role: "alert", class: "answer wrong" });
    form.append(problem, element("button", { class: "next" }, "Send my answers"));
    form.addEventListener("change", (event) => {
      state.answers[event.target.name] = Number(event.target.value);
      keep();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const open = course.quiz.findIndex((_, number) => state.answers[`q${number}`] === undefined);
      if (open >= 0) {
        problem.textContent = `Question ${open + 1} has no answer yet.`;
        form.querySelector(`[name=q${open}]`).focus();
        return;
      }
      grade();
    });
    main.append(form);
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

  function grade() {
    const right = course.quiz.filter((question, number) => state.answers[`q${number}`] === question.right).length;
    state.score = Math.round((right / course.quiz.length) * 100);
    course.quiz.forEach((question, number) => {
      const name = `cmi.interactions.${number}`;
      set(`${name}.id`, `question_${number + 1}`);
      set(`${name}.type`, "choice");
      set(`${name}.student_response`, String(state.answers[`q${number}`]));
      set(`${name}.result`, state.answers[`q${number}`] === question.right ? "correct" : "wrong");
    });
    set("cmi.core.score.min", 0);
    set("cmi.core.score.max", 100);
    set("cmi.core.score.raw", state.score);
    set("cmi.core.lesson_status", state.score >= course.passMark ? "passed" : "failed");
    keep();
    show(true);
  }

  function result(main) {
    const passed = state.score >= course.passMark;
    const box = element("div", { class: `result ${passed ? "passed" : "failed"}`, role: "status" });
    box.append(element("strong", {}, passed ? "Passed" : "Not passed"), `You reached ${state.score} %.`);
    main.append(box);
    main.append(element("p", {}, passed
      ? "Well done. You can leave the course now; your result is saved."
      : "Read the pages again and try once more: leave the course and start it anew, or answer again here."));
    course.quiz.forEach((question, number) => {
      const right = state.answers[`q${number}`] === question.right;
      main.append(
        element("p", {}, `${number + 1}. ${question.ask}`),
        element("p", { class: `answer ${right ? "right" : "wrong"}` }, `${right ? "✓ Right" : "✗ Wrong"}: ${question.why}`));
    });
    if (!passed) {
      const again = element("button", { type: "button" }, "Answer again");
      again.addEventListener("click", () => {
        state.answers = {};
        state.score = null;
        set("cmi.core.lesson_status", "incomplete");
        keep();
        show(true);
      });
      main.append(again);
    }
  }

  function go(step) {
    state.page = Math.min(Math.max(state.page + step, 0), course.pages.length);
    keep();
    show(true);
  }

  document.getElementById("back").addEventListener("click", () => go(-1));
  document.getElementById("next").addEventListener("click", () => go(1));
  window.addEventListener("pagehide", end);
  begin();
})();
