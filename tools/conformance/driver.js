/* Stands where the suite's parts look for their Java applet: gives them their calls, judges the
 * answers, and tells what the tester is to do next. The parts themselves are unmodified. */
(() => {
  const IDS = ["LMSTestSCODriver", "NNLMSTestSCODriver"];
  const WAYS_OUT = ["Exit", "Exit All", "Suspend All"];
  const VALUE_OPTIONAL = ["0", "301", "403"];
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
    const lines = [...$("contents").querySelectorAll("li > *")].map((each) => ({
      title: each.firstChild.textContent.trim(),
      isOpen: "part" in each.dataset && each.getAttribute("aria-disabled") !== "true",
    }));
    button.click();
    return lines;
  }
  const isShown = (id) => !$(id).hidden;
  const titled = (name) => (/the root of "(.+)"/.exec(name) || [name, name])[1];
  function sees(question) {
    const [what, name] = question.split("@");
    const title = titled(name);
    const way = what.split(".")[0];
    if (what.endsWith(".enabled") && way !== "toc") return isShown(way) && !$(way).disabled;
    if (what.endsWith(".disabled")) return !isShown(way) || $(way).disabled;
    if (what === "toc.enabled") return contents().some((line) => line.isOpen);
    const line = contents().find((each) => each.title === title);
    if (what === "toc.visible") return Boolean(line);
    if (what === "toc.enabled.selectable") return Boolean(line && line.isOpen);
    if (way !== "ui") return true;
    const control = $(WAYS_OUT.includes(title) ? "exit" : title.toLowerCase());
    return Boolean(control) && !control.hidden;
  }

  /* The part shows its questions with two buttons each, and one button under all of them. */
  function answer() {
    const button = document.querySelector("#directionText button");
    if (!button) return void setTimeout(answer, 50);
    turn().questions.forEach((question, at) => {
      const choice = real.call(document, `${sees(question) ? "t" : "f"}Radio${at}`);
      if (choice) choice.click();
    });
    button.click();
  }

  /* ---- what the part calls ---- */
  const asked = (element) => window.doGetValue(element);
  function index(kind, id) {
    const count = Number(asked(`${kind}._count`)) || 0;
    for (let at = 0; at < count; at += 1) {
      if (asked(`${kind}.${at}.id`) === id) return at;
    }
    return -1;
  }
  const NAMED = /^(.*)\.&(.*)&(.*)$/;
  const placed = (element) =>
    element.replace(NAMED, (_all, kind, id, rest) => `${kind}.${index(kind, id)}${rest}`);
  const sameSet = (one, other) => [...one].sort().join() === [...other].sort().join();

  function judge(call) {
    if (call.function === "compareObjIds") return compareObjectives(call.element.split(","));
    const element = placed(call.element);
    if (element.includes(".-1")) return note(false, `${call.element} is not there`);
    const answer = String(window[call.function](element, call.value));
    const code = String(window.doGetLastError(""));
    const said = `${call.function}(${element},${call.value}) → ${answer} [${code}]`;
    if (isOfLms(call)) {
      const isFine = VALUE_OPTIONAL.includes(code) || (isWhole(element) && code === "401");
      return note(isFine, `${said}; expected a value or none`);
    }
    if (!/learner_(name|id)/.test(element)) {
      note(isExpected(call, answer), `${said}; expected ${call.expected}`);
    }
    if (call.code !== "" && !/request_valid\.(choice|jump)/.test(element)) {
      note(code === call.code, `${said}; expected code ${call.code}`);
    }
    return undefined;
  }

  function compareObjectives(wanted) {
    const count = Number(asked("cmi.objectives._count"));
    const ids = Array.from({ length: count }, (_, at) => asked(`cmi.objectives.${at}.id`));
    note(sameSet(ids, wanted), `objectives are ${wanted}, not ${ids}`);
  }

  /* Comments of the LMS may be there or not; what they hold together is no value. */
  const isWhole = (element) => element === "cmi.comments_from_lms";
  const isOfLms = ({ function: name, element }) =>
    name === "doGetValue" && /comments_from_lms/.test(element) && !/_children/.test(element);

  function isExpected(call, answer) {
    const { expected, element } = call;
    if (call.function === "doTerminate") return true;
    if (call.function === "doGetDiagnostic") return answer.length < 255;
    if (expected.startsWith("A characterstring value")) return answer.length < 255;
    if (expected.startsWith("An empty")) return answer === "";
    if (answer === expected) return true;
    if (call.function !== "doGetValue") return false;
    if (/\.request_valid\./.test(element)) return ["true", "false", "unknown"].includes(answer);
    if (/\._children$/.test(element)) return sameSet(answer.split(","), expected.split(","));
    const named = NAMED.exec(element);
    if (named && /\.id$/.test(element) && expected === "") return answer === named[2];
    return isSame(answer, expected);
  }

  /* As values of the data model: numbers, spans of time, texts with a language. */
  function isSame(one, other) {
    const [spans, texts] = [[one, other].map(seconds), [one, other].map(inLanguage)];
    if (spans.every((each) => each !== null)) return Math.abs(spans[0] - spans[1]) < 0.01;
    if (texts[0] === texts[1]) return true;
    return one !== "" && other !== "" && Number(one) === Number(other);
  }
  const SPAN = /^P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/;
  const LENGTHS = [31557600, 2629800, 86400, 3600, 60, 1];
  function seconds(text) {
    const found = SPAN.exec(text);
    return found && LENGTHS.reduce((sum, each, at) => sum + each * Number(found[at + 1] || 0), 0);
  }
  const inLanguage = (text) => text.replace(/^\{lang=en\}/, "");

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
      if (turn().questions.length) setTimeout(answer);
      return turn().questions.join("~");
    },
    evaluateUIResults(answers) {
      const { questions, answers: wanted } = turn();
      answers.split("~").forEach((seen, at) => {
        note(seen === wanted[at], `${questions[at]}: ${seen}; expected ${wanted[at]}`);
      });
      return answers === wanted.join("~");
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
