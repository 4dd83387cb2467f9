/* Stands where the suite's parts look for their Java applet: gives them their calls, judges the
 * answers, and tells what the tester is to do next. The parts themselves are unmodified. */
(() => {
  const IDS = ["LMSTestSCODriver", "NNLMSTestSCODriver"];
  const { turns, start, name } = __CASE__;
  const shell = window.top;
  if (window === shell) {
    shell.suite = { at: start, log: [], then: null, isDone: false };
    return;
  }
  const suite = () => shell.suite;
  const note = (isRight, text) => suite().log.push([Boolean(isRight), text]);
  const turn = () => turns[suite().at];
  const $ = (id) => shell.document.getElementById(id);

  /* ---- what the learner sees ---- */
  function contents() {
    const button = $("contents-button");
    if (button.hidden) return [];
    button.click();
    const lines = [...$("contents").querySelectorAll("[data-part]")].map((each) => ({
      title: each.firstChild.textContent.trim(),
      isOpen: each.getAttribute("aria-disabled") !== "true",
    }));
    button.click();
    return lines;
  }
  const isShown = (id) => !$(id).hidden;
  function sees(question) {
    const [what, title] = question.split("@");
    const way = what.split(".")[0];
    if (what.endsWith(".enabled") && way !== "toc") return isShown(way) && !$(way).disabled;
    if (what.endsWith(".disabled")) return !isShown(way) || $(way).disabled;
    if (what === "toc.enabled") return contents().some((line) => line.isOpen);
    const line = contents().find((each) => each.title === title);
    if (what === "toc.visible") return Boolean(line);
    if (what === "toc.enabled.selectable") return Boolean(line && line.isOpen);
    return way === "ui" ? isShown(title.toLowerCase()) : true;
  }

  /* ---- what the part calls ---- */
  function index(kind, id) {
    const count = Number(window.doGetValue(`${kind}._count`)) || 0;
    for (let at = 0; at < count; at += 1) {
      if (window.doGetValue(`${kind}.${at}.id`) === id) return at;
    }
    return -1;
  }
  const placed = (element) =>
    element.replace(/^(.*)\.&(.*)&/, (_all, kind, id) => `${kind}.${index(kind, id)}`);
  const sameSet = (one, other) => [...one].sort().join() === [...other].sort().join();

  function judge(call) {
    if (call.function === "compareObjIds") {
      const count = Number(window.doGetValue("cmi.objectives._count"));
      const ids = Array.from({ length: count }, (_, at) => window.doGetValue(`cmi.objectives.${at}.id`));
      note(sameSet(ids, call.element.split(",")), `objectives are ${call.element}, not ${ids}`);
      return;
    }
    const element = placed(call.element);
    if (element.includes(".-1")) return note(false, `${call.element} is not there`);
    const answer = String(window[call.function](element, call.value));
    const code = String(window.doGetLastError(""));
    const said = `${call.function}(${element},${call.value}) → ${answer} [${code}]`;
    if (!/learner_(name|id)/.test(element)) note(isExpected(call, answer), `${said}; expected ${call.expected}`);
    if (call.code !== "" && !/request_valid\.(choice|jump)/.test(element)) {
      note(code === call.code, `${said}; expected code ${call.code}`);
    }
  }
  function isExpected(call, answer) {
    if (call.function === "doTerminate") return true;
    if (/^(doGetDiagnostic)$/.test(call.function)) return answer.length < 256;
    if (call.expected.startsWith("A characterstring value")) return answer.length < 256;
    if (call.expected.startsWith("An empty")) return answer === "";
    if (/\._children$/.test(call.element)) return sameSet(answer.split(","), call.expected.split(","));
    if (answer === call.expected) return true;
    return answer !== "" && call.expected !== "" && Number(answer) === Number(call.expected);
  }

  let status = "unknown";
  const driver = {
    evalID(id) {
      const [found, act] = id.split("!");
      const isRight = found === name && Boolean(turn()) && act === turn().name;
      note(isRight, `activity ${id}; expected ${turn() ? turn().name : "none"}`);
      if (!isRight) suite().then = "Lost";
      return isRight;
    },
    getUITestQuestions() {
      turn().questions.forEach((question, at) => {
        const seen = sees(question) ? "Y" : "N";
        note(seen === turn().answers[at], `${question}: ${seen}; expected ${turn().answers[at]}`);
      });
      return "";
    },
    runCommands() {
      turn().calls.forEach(judge);
      return true;
    },
    curUserInstructions() {
      const { then } = turn();
      suite().at += 1;
      suite().then = then;
      suite().isDone = suite().at >= turns.length;
      return then;
    },
    evaluateUIResults: () => true,
    writeToLog(_log, type, text) {
      if (Number(type) === 3) note(false, text);
    },
    setSCOStatus: (value) => (status = value),
    setScoStatus: (value) => (status = value),
    getScoStatus: () => status,
    terminateTest: () => note(false, "the part gave up"),
    failed: () => note(false, "the part failed"),
    completed: () => {},
  };
  const real = Document.prototype.getElementById;
  Document.prototype.getElementById = function (id) {
    return IDS.includes(id) ? driver : real.call(this, id);
  };
})();
