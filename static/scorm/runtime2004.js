/* SCORM 2004's API object and sequencing on top of scorm-again: one engine for the whole page. */

import { Scorm2004API } from "../vendor/scorm-again/3.4.3/scorm2004.min.js";
import { difference, patched } from "./difference.js";
import { STOP, raise, stopsOn } from "./stops.js";

const COURSE = "";
const ROOT = "a0";
const AUTOCOMMIT_SECONDS = 10;
const AT_ONCE_MS = 250;
const STATUS = /^cmi\.(completion_status|success_status|progress_measure|score\.)/;
const OWN_STATUS = /^cmi\.(completion_status|success_status)$/;
/* Elements that only hold others: setting one would destroy what is in it. */
const CONTAINER = new RegExp(
  "^(cmi|adl)$|^adl\\.(nav|data)(\\.\\d+)?$|^adl\\.nav\\.request_valid(\\.(choice|jump))?$|" +
    "^cmi\\.(score|learner_preference|objectives|interactions|comments_from_(learner|lms))$|" +
    "^cmi\\.(objectives|interactions|comments_from_(learner|lms))\\.\\d+" +
    "(\\.(score|objectives|correct_responses)(\\.\\d+)?)?$",
);
const VALID_CHOICE = /^adl\.nav\.request_valid\.choice\.\{target=([^}]*)\}$/;
const TARGET = /\{target=([^}]*)\}/;
/* Texts that may be empty (RTE 4.2.3, 4.2.10, 4.2.12) although the engine takes none that is. */
const EMPTIED = [
  [/^cmi\.location$/, (cmi) => cmi.content, "_location"],
  [/^cmi\.learner_preference\.language$/, (cmi) => cmi.learner_preference, "_language"],
  [
    /^cmi\.comments_from_learner\.(\d+)\.location$/,
    (cmi, index) => cmi.comments_from_learner.childArray[index],
    "_location",
  ],
];
const ANY_TEXT = "en";
const NOT_KEPT = ["exit", "session_time", "entry", "credit", "mode"];
const UNDEFINED_ELEMENT = "401";
const NOBODY = "no-such-activity";

function walked(activity) {
  return [activity, ...(activity.children || []).flatMap(walked)];
}

export class Runtime2004 {
  constructor(transport, listener, { tree, state, shared }, parts) {
    this.transport = transport;
    this.listener = listener;
    this.tree = tree;
    this.parts = new Map(parts.map((part) => [part.activity, part]));
    this.aliases = new Map(walked(tree).map((each) => [each.identifier, each.id]));
    this.hasStops = JSON.stringify(tree).includes(`"action":"${STOP}"`);
    this.part = null;
    this.ownError = null;
    this.isDirty = false;
    this.override = null;
    this.delivered = null;
    this.timer = null;
    this.sentState = null;
    this.engine = this.newEngine((activity) => (this.delivered = activity));
    this.blank = this.state();
    this.restore(this.engine, patched(this.blank, state));
    this.isShared = Boolean(shared);
    if (shared) this.take(shared);
    this.api = this.guarded();
  }

  newEngine(onActivityDelivery) {
    return new Scorm2004API(
      {
        autocommit: true,
        autocommitSeconds: AUTOCOMMIT_SECONDS,
        alwaysSendTotalTime: true,
        lmsCommitUrl: "commit",
        logLevel: 5,
        sequencing: {
          activityTree: this.tree,
          logLevel: "error",
          eventListeners: { onActivityDelivery },
        },
      },
      {
        processHttpRequest: (_url, params, _immediate, _log, _listeners, about) =>
          this.send(params.cmi, about.trigger),
        updateSettings: () => {},
      },
    );
  }

  /* ---- the course ---------------------------------------------------------------------------- */

  get activities() {
    return this.engine._sequencing.activityTree;
  }

  get isEnded() {
    return !this.activities.currentActivity && !this.activities.suspendedActivity;
  }

  get currentActivity() {
    const found = this.activities.currentActivity;
    return found ? found.id : null;
  }

  state(engine = this.engine) {
    return JSON.parse(engine.serializeSequencingState(), (key, value) =>
      key === "timestamp" ? "" : value,
    );
  }

  restore(engine, state) {
    engine.deserializeSequencingState(JSON.stringify(state));
  }

  /* What is stored of the course; null when it is stored already. */
  courseEntry(trigger) {
    const { completionStatus, successStatus, score } = this.engine.getActivityTrackingData(ROOT);
    const root = { completion: completionStatus, success: successStatus, score, ended: this.isEnded };
    const cmi = { state: difference(this.blank, this.state()), root };
    if (this.isShared) cmi.shared = this.given();
    const packed = JSON.stringify(cmi);
    if (packed === this.sentState) return null;
    this.sentState = packed;
    return { sco: COURSE, trigger, finished: false, status_set: false, cmi };
  }

  /* What other courses left, where this one shares objectives and data with them. */
  take({ objectives, stores }) {
    const known = this.engine._sequencing.overallSequencingProcess.getGlobalObjectiveMapSnapshot();
    if (objectives) this.engine.restoreGlobalObjectiveSnapshot({ ...known, ...objectives });
    if (stores) this.engine.restoreSharedDataSnapshot(stores);
    this.others = { objectives, stores };
  }

  given() {
    const process = this.engine._sequencing.overallSequencingProcess;
    return {
      objectives: { ...this.others.objectives, ...process.getGlobalObjectiveMapSnapshot() },
      stores: { ...this.others.stores, ...this.engine.captureSharedDataSnapshot() },
    };
  }

  saveCourse(trigger) {
    const entry = this.courseEntry(trigger);
    return entry ? this.transport.commit(entry) : true;
  }

  /* Begin, or go on: also after a tab that vanished in the middle of a part. */
  open() {
    if (this.activities.currentActivity) this.process("suspendAll");
    if (this.activities.suspendedActivity) this.process("resumeAll");
    if (!this.delivered && this.isEnded) this.process("start");
    if (!this.delivered && this.parts.size === 1) this.process("choice", [...this.parts.keys()][0]);
    this.saveCourse("moved");
  }

  process(request, target) {
    if (target) this.mindStops(target);
    return this.engine.processNavigationRequest(request, target);
  }

  /* End the part that is still running, so that this request decides where to go. */
  finish(request, target) {
    if (this.isRunning) this.terminate("");
    if (this.override) this.process(request, target);
    this.override = null;
    this.saveCourse("moved");
  }

  /* What the learner asks for beats what the part asked for. */
  overrule(request, target) {
    this.override = target ? `{target=${target}}choice` : request;
  }

  /* Would this request lead somewhere? Tried on a copy, with what the part has said so far. */
  wouldDeliver(request, target) {
    let isDelivered = false;
    const copy = this.copied(() => (isDelivered = true));
    if (target) raise(copy._sequencing.activityTree, this.stopsIn(copy, target));
    isDelivered = false;
    copy.processNavigationRequest(request, target);
    copy.clearScheduledCommit();
    return isDelivered;
  }

  /* Another engine that stands where this one does; what happens to it is forgotten. */
  copied(onDelivery) {
    const copy = this.newEngine(onDelivery);
    this.restore(copy, this.state());
    if (!this.isRunning) return copy;
    copy.reset(undefined, { preserveListeners: true });
    copy.loadFromJSON(this.engine.renderCommitCMI(false, true).cmi, "cmi");
    copy.lmsInitialize("");
    for (const element of this.engine._runtimeSetCMIElements) {
      copy._runtimeSetCMIElements.add(element);
    }
    return copy;
  }

  stopsIn(copy, target) {
    const tree = copy._sequencing.activityTree;
    if (!tree.currentActivity || !tree.getActivity(target)) return [];
    if (this.isRunning) copy._sequencingService.updateActivityFromCMI(tree.currentActivity);
    return stopsOn(tree, target);
  }

  stopsOf(target) {
    return this.hasStops ? this.stopsIn(this.copied(() => {}), target) : [];
  }

  isStopped(target) {
    return this.stopsOf(target).length > 0;
  }

  /* From now on the engine knows what stops this choice. */
  mindStops(target) {
    if (this.hasStops) raise(this.activities, this.stopsOf(target));
  }

  get isSuspended() {
    return Boolean(this.activities.suspendedActivity);
  }

  isChoiceAllowed(activity) {
    return this.engine._sequencing.overallSequencingProcess.predictChoiceEnabled(activity);
  }

  isAllowed(request) {
    return this.engine.adl.nav.request_valid[request] === "true";
  }

  get hiddenControls() {
    const found = this.engine._sequencing.overallSequencingProcess;
    return new Set(found.getEffectiveHideLmsUi(this.activities.currentActivity));
  }

  statusOf(activity) {
    return this.engine.getActivityTrackingData(activity).completionStatus;
  }

  /* ---- one part ------------------------------------------------------------------------------ */

  /* The next Initialize starts the delivered part: anew, or with what it stored before. */
  prepare() {
    const { id, deliveryWasResumed } = this.delivered;
    this.stop();
    this.delivered = null;
    this.part = this.parts.get(id);
    const { fresh, kept } = this.part.cmi;
    const isResumed = Boolean(deliveryWasResumed && kept);
    this.engine.reset(undefined, { preserveListeners: true, resetTotalTime: !isResumed });
    const entry = isResumed ? "resume" : "ab-initio";
    this.engine.loadFromJSON({ ...(isResumed ? kept : {}), ...fresh, entry }, "cmi");
    this.isStatusSet = isResumed && this.part.status_set;
    this.isDirty = false;
    return this.part;
  }

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

  /* Save what is not saved yet, although the content did not ask. */
  save(trigger) {
    if (!this.isRunning || !this.isDirty) return true;
    return this.send(this.engine.renderCommitCMI(false, true).cmi, trigger).result === "true";
  }

  send(cmi, trigger) {
    clearTimeout(this.timer);
    this.timer = null;
    if (!this.part) return { result: "false", errorCode: 391 };
    this.isDirty = false;
    this.part.status_set = this.isStatusSet;
    this.part.cmi.kept = Object.fromEntries(
      Object.entries(cmi).filter(([name]) => !NOT_KEPT.includes(name)),
    );
    const entry = {
      sco: this.part.id,
      trigger,
      finished: trigger === "terminate" || this.isFinished,
      status_set: this.isStatusSet,
      cmi,
    };
    const isSaved = this.transport.commit(entry, this.courseEntry(trigger));
    return isSaved ? { result: "true", errorCode: 0 } : { result: "false", errorCode: 391 };
  }

  terminate(text) {
    if (this.override && this.isRunning) this.engine.adl.nav.request = this.override;
    const choice = this.isRunning && TARGET.exec(this.engine.adl.nav.request);
    if (choice) this.mindStops(choice[1]);
    const answer = this.engine.lmsFinish(text);
    if (answer !== "true") return answer;
    const wasOverruled = Boolean(this.override);
    this.override = null;
    this.saveCourse("moved");
    if (!wasOverruled) this.listener.moved();
    return answer;
  }

  set(element, value) {
    if (this.isRunning && CONTAINER.test(element)) {
      this.ownError = UNDEFINED_ELEMENT;
      return "false";
    }
    const answer = value === "" ? this.empty(element) : this.put(element, value);
    if (answer !== "true" || !this.isRunning) return answer;
    if (OWN_STATUS.test(element)) this.isStatusSet = true;
    this.isDirty = true;
    this.listener.changed();
    if (STATUS.test(element) && !this.timer) {
      this.timer = setTimeout(() => this.save("status"), AT_ONCE_MS);
    }
    return answer;
  }

  put(element, value) {
    const isRequest = element === "adl.nav.request";
    return this.engine.lmsSetValue(element, isRequest ? this.aliased(value) : value);
  }

  empty(element) {
    const found = EMPTIED.find(([name]) => name.test(element));
    if (!found || !this.isRunning) return this.put(element, "");
    const [name, holder, field] = found;
    const answer = this.put(element, ANY_TEXT);
    if (answer === "true") holder(this.engine.cmi, element.match(name)[1])[field] = "";
    return answer;
  }

  get(element) {
    if (this.isRunning && CONTAINER.test(element)) {
      this.ownError = UNDEFINED_ELEMENT;
      return "";
    }
    const asked = this.aliased(element);
    const choice = VALID_CHOICE.exec(asked);
    if (choice && this.isRunning && this.isStopped(choice[1])) return "false";
    return this.engine.lmsGetValue(asked);
  }

  /* Activities have names of ours: identifiers hold characters the engine's requests do not take. */
  aliased(text) {
    return String(text).replace(TARGET, (_all, id) => `{target=${this.aliasOf(id)}}`);
  }

  aliasOf(id) {
    if (this.aliases.has(id)) return this.aliases.get(id);
    const alike = [...this.aliases.keys()].filter((each) => each.toLowerCase() === id.toLowerCase());
    return alike.length === 1 ? this.aliases.get(alike[0]) : NOBODY;
  }

  guarded() {
    const call = (action) => (...args) => {
      this.ownError = null;
      return this.part ? action(...args) : "false";
    };
    const code = (name) => (number) =>
      name === "GetLastError" && this.ownError ? this.ownError : this.engine[`lms${name}`](number);
    return {
      version: "1.0",
      Initialize: call((text) => this.engine.lmsInitialize(text)),
      Terminate: call((text) => this.terminate(text)),
      GetValue: call((element) => this.get(String(element))),
      SetValue: call((element, value) => this.set(String(element), value)),
      Commit: call((text) => this.engine.lmsCommit(text)),
      GetLastError: code("GetLastError"),
      GetErrorString: code("GetErrorString"),
      GetDiagnostic: code("GetDiagnostic"),
    };
  }
}
