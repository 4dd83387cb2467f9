/* SCORM 1.2's API object for one part at a time, on top of scorm-again. */

import { Scorm12API } from "../vendor/scorm-again/3.4.3/scorm12.min.js";
import { isNoElement, nothing, plain } from "./elements.js";
import { allGiven, given, held } from "./lines.js";
import { load } from "./stored.js";

const AUTOCOMMIT_SECONDS = 10;
const AT_ONCE_MS = 250;
const STATUS = /^cmi\.core\.(lesson_status|score\.)/;
/* Elements that only hold others: setting one would destroy what is in it. */
const CONTAINER = new RegExp(
  "^cmi(\\.(core(\\.score)?|student_data|student_preference|objectives|interactions))?$|" +
    "^cmi\\.(objectives|interactions)\\.\\d+(\\.(score|objectives|correct_responses)(\\.\\d+)?)?$",
);
const DECIDED = ["passed", "completed", "failed"];
const OPENED = "opened";
const NOT_IMPLEMENTED = "401";
const NOT_INITIALIZED = "301";
const CALLS = ["GetLastError", "GetErrorString", "GetDiagnostic"];

export class Runtime12 {
  constructor(transport, listener) {
    this.transport = transport;
    this.listener = listener;
    this.part = null;
    this.ownError = null;
    this.isDirty = false;
    this.timer = null;
    this.engine = this.newEngine();
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

  newEngine() {
    return new Scorm12API(
      {
        autocommit: true,
        autocommitSeconds: AUTOCOMMIT_SECONDS,
        alwaysSendTotalTime: true,
        lmsCommitUrl: "commit",
        logLevel: 5,
      },
      {
        processHttpRequest: (_url, params, _immediate, _log, _listeners, about) =>
          this.send(params.cmi, about.trigger),
        updateSettings: () => {},
      },
    );
  }

  /* A fresh engine each time: the library's own reset keeps suspend data of the part before. */
  load(cmi) {
    this.engine.clearScheduledCommit();
    this.engine = this.newEngine();
    load(this.engine, cmi);
    this.isDirty = false;
  }

  /* No part is running any more; what it says from now on is refused. */
  stop() {
    clearTimeout(this.timer);
    this.timer = null;
    this.engine.clearScheduledCommit();
    this.part = null;
  }

  /* The part is on screen and says nothing itself. */
  noteOpened() {
    this.send({}, OPENED);
  }

  get isRunning() {
    return this.part !== null && this.engine.isInitialized();
  }

  get wasStarted() {
    return !this.engine.isNotInitialized();
  }

  get isFinished() {
    return this.engine.isTerminated();
  }

  /* Save what is not saved yet, although the content did not ask. */
  save(trigger) {
    if (!this.isRunning || !this.isDirty) return true;
    return this.send(this.engine.renderCommitCMI(false, true).cmi, trigger).result === "true";
  }

  send(cmi, trigger) {
    clearTimeout(this.timer);
    this.timer = null;
    if (!this.part) return { result: "false", errorCode: 391 };
    const said = allGiven(cmi);
    this.isDirty = false;
    if (trigger !== OPENED) this.lastCmi = said;
    const isSaved = this.transport.commit({
      sco: this.part.id,
      trigger,
      finished: trigger === "terminate" || this.isFinished,
      status_set: this.isStatusSet,
      cmi: said,
    });
    return isSaved ? { result: "true", errorCode: 0 } : { result: "false", errorCode: 391 };
  }

  /* The content may finish and, still on screen, begin anew: it finds what it left. */
  beginAgain() {
    const { exit, session_time: _time, lesson_status: status, ...core } = this.lastCmi.core;
    const entry = exit === "suspend" ? "resume" : "";
    const kept = { ...this.lastCmi, core: { ...core, entry } };
    if (this.isStatusSet) kept.core.lesson_status = status;
    this.load(kept);
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
    this.isDirty = true;
    this.listener.changed();
    if (STATUS.test(element) && !this.timer) {
      this.timer = setTimeout(() => this.save("status"), AT_ONCE_MS);
    }
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
        if (this.isFinished && this.lastCmi) this.beginAgain();
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
