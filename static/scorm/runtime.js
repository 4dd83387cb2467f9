/* Playing one part at a time on an engine (scorm-again), as it is in either edition of SCORM. */

import { allGiven } from "./lines.js";

const AUTOCOMMIT_SECONDS = 10;
const AT_ONCE_MS = 250;
const OPENED = "opened";

export class Runtime {
  constructor(transport, listener) {
    this.transport = transport;
    this.listener = listener;
    this.part = null;
    this.ownError = null;
    this.isDirty = false;
    this.timer = null;
  }

  /* What every engine is told: to save by itself, and only through us. */
  engineOf(Api, more = {}) {
    return new Api(
      {
        autocommit: true,
        autocommitSeconds: AUTOCOMMIT_SECONDS,
        alwaysSendTotalTime: true,
        lmsCommitUrl: "commit",
        logLevel: 5,
        ...more,
      },
      {
        processHttpRequest: (_url, params, _immediate, _log, _listeners, about) =>
          this.send(params.cmi, about.trigger),
        updateSettings: () => {},
      },
    );
  }

  /* No part is running any more; what it says from now on is refused. */
  stop() {
    clearTimeout(this.timer);
    this.timer = null;
    this.engine.clearScheduledCommit();
    this.part = null;
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

  /* The part is on screen and says nothing itself. */
  noteOpened() {
    this.send({}, OPENED);
  }

  /* Save what is not saved yet, although the content did not ask. */
  save(trigger) {
    if (!this.isRunning || !this.isDirty) return true;
    return this.send(this.engine.renderCommitCMI(false, true).cmi, trigger).result === "true";
  }

  /* The part's data model goes to the server, with what its edition stores besides. */
  send(data, trigger) {
    clearTimeout(this.timer);
    this.timer = null;
    if (!this.part) return { result: "false", errorCode: 391 };
    const cmi = allGiven(data);
    this.isDirty = false;
    if (trigger !== OPENED) this.remember(cmi);
    const entry = {
      sco: this.part.id,
      trigger,
      finished: trigger === "terminate" || this.isFinished,
      status_set: this.isStatusSet,
      cmi,
    };
    const isSaved = this.transport.commit(entry, this.besides(trigger));
    return isSaved ? { result: "true", errorCode: 0 } : { result: "false", errorCode: 391 };
  }

  /* The part has set something; a status or score does not wait long. */
  note(isStatus) {
    this.isDirty = true;
    this.listener.changed();
    if (isStatus && !this.timer) this.timer = setTimeout(() => this.save("status"), AT_ONCE_MS);
  }
}
