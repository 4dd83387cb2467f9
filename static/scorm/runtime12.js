/* SCORM 1.2's API object for one part at a time, on top of scorm-again. */

import { Scorm12API } from "../vendor/scorm-again/3.4.3/scorm12.min.js";
import { isNoElement, nothing, plain } from "./elements.js";
import { given, held } from "./lines.js";
import { Runtime } from "./runtime.js";
import { load } from "./stored.js";

const STATUS = /^cmi\.core\.(lesson_status|score\.)/;
/* Elements that only hold others: setting one would destroy what is in it. */
const CONTAINER = new RegExp(
  "^cmi(\\.(core(\\.score)?|student_data|student_preference|objectives|interactions))?$|" +
    "^cmi\\.(objectives|interactions)\\.\\d+(\\.(score|objectives|correct_responses)(\\.\\d+)?)?$",
);
const DECIDED = ["passed", "completed", "failed"];
const NOT_IMPLEMENTED = "401";
const NOT_INITIALIZED = "301";
const CALLS = ["GetLastError", "GetErrorString", "GetDiagnostic"];

export class Runtime12 extends Runtime {
  constructor(transport, listener) {
    super(transport, listener);
    this.engine = this.engineOf(Scorm12API);
    this.api = this.guarded();
  }

  /* The next Initialize starts this part, with what it stored before. */
  prepare(part, isReview) {
    this.stop();
    this.part = part;
    this.isReview = isReview;
    this.isStatusSet = part.status_set;
    this.load(part.cmi);
  }

  /* A fresh engine each time: the library's own reset keeps suspend data of the part before. */
  load(cmi) {
    this.engine.clearScheduledCommit();
    this.engine = this.engineOf(Scorm12API);
    load(this.engine, cmi);
    this.isDirty = false;
  }

  remember(cmi) {
    this.lastCmi = cmi;
  }

  besides() {
    return null;
  }

  /* What the part finds when it begins once more on this page: what it said last. */
  reopened() {
    const { exit, session_time: _time, lesson_status: status, ...core } = this.lastCmi.core;
    const entry = exit === "suspend" || !this.isFinished ? "resume" : "";
    const { student_data } = this.part.cmi;
    const kept = { ...this.lastCmi, core: { ...core, entry }, student_data };
    if (this.isStatusSet) kept.core.lesson_status = status;
    return kept;
  }

  /* Why this cannot be asked or said; null when it can. After its end a part says nothing more. */
  refusal(element) {
    if (this.isFinished) return NOT_INITIALIZED;
    return CONTAINER.test(element) || isNoElement(element) ? NOT_IMPLEMENTED : null;
  }

  set(element, value) {
    this.ownError = this.refusal(element);
    if (this.ownError) return "false";
    const answer = this.engine.LMSSetValue(element, held(element, plain(value)));
    if (answer !== "true" || !this.isRunning) return answer;
    if (element === "cmi.core.lesson_status") this.isStatusSet = true;
    this.note(STATUS.test(element));
    return answer;
  }

  get(element) {
    this.ownError = this.refusal(element);
    return this.ownError ? "" : given(element, this.engine.LMSGetValue(element));
  }

  commit(text) {
    this.ownError = this.isFinished ? NOT_INITIALIZED : null;
    return this.ownError ? "false" : this.engine.LMSCommit(text);
  }

  /* A part that is put aside is not judged by a score that may still grow: the engine would call it failed. */
  finish(text) {
    this.engine.settings = { mastery_override: !this.isPutAside };
    return this.engine.LMSFinish(text);
  }

  get isPutAside() {
    const { core, student_data: about } = this.engine.cmi;
    const isBelow = Number(core.score.raw) < Number(about.mastery_score);
    return isBelow && core._exit === "suspend" && !DECIDED.includes(core.lesson_status);
  }

  guarded() {
    const call = (action) => (...args) => {
      if (!this.part) return "false";
      this.ownError = null;
      return action(...args);
    };
    const api = {
      LMSInitialize: call((text) => {
        /* It may finish and, still on screen, begin anew. */
        if (this.isFinished && this.lastCmi) this.load(this.reopened());
        return this.engine.LMSInitialize(nothing(text));
      }),
      LMSFinish: call((text) => this.finish(nothing(text))),
      LMSGetValue: call((element) => this.get(String(element))),
      LMSSetValue: call((element, value) => this.set(String(element), value)),
      LMSCommit: call((text) => this.commit(nothing(text))),
    };
    for (const name of CALLS) {
      api[`LMS${name}`] = (code) =>
        name === "GetLastError" && this.ownError ? this.ownError : this.engine[`LMS${name}`](code);
    }
    return api;
  }
}
