/* A SCORM 2004 course on top of scorm-again: where it stands, where it may go, what is stored of it.
 *
 * One engine for the whole page. What runs in it, one part at a time, is runtime2004.js. */

import { Scorm2004API } from "../vendor/scorm-again/3.4.3/scorm2004.min.js";
import { Choices } from "./choice.js";
import { mindCompletion } from "./completion.js";
import { difference, patched } from "./difference.js";
import { follow } from "./following.js";
import { mindRollUp } from "./rollup.js";
import { Runtime } from "./runtime.js";
import { load } from "./stored.js";

const COURSE = "";
const ROOT = "a0";
const OUT_OF_CONTENT = "end_of_content";

function walked(activity) {
  return [activity, ...(activity.children || []).flatMap(walked)];
}

export class Sequenced extends Runtime {
  constructor(transport, listener, { tree, state, shared, shares }, parts) {
    super(transport, listener);
    this.tree = tree;
    this.parts = new Map(parts.map((part) => [part.activity, part]));
    this.aliases = new Map(walked(tree).map((each) => [each.identifier, each.id]));
    this.override = null;
    this.delivered = null;
    this.isHeld = false;
    this.hasRunOut = false;
    this.sentState = null;
    const begin = () =>
      this.newEngine({
        onActivityDelivery: (activity) => (this.delivered = activity),
        onSequencingSessionEnd: ({ reason }) => (this.hasRunOut = reason === OUT_OF_CONTENT),
      });
    this.engine = begin();
    this.blank = this.state();
    try {
      this.restore(this.engine, patched(this.blank, state));
    } catch {
      this.engine = begin(); /* better from the start than not at all; parts keep what they stored */
    }
    this.others = shared;
    this.shares = shares || [];
    if (shared) this.take(shared);
  }

  newEngine(eventListeners) {
    const engine = this.engineOf(Scorm2004API, {
      sequencing: { activityTree: this.tree, logLevel: "error", eventListeners },
    });
    follow(engine._sequencingService);
    mindCompletion(engine);
    mindRollUp(engine._sequencingService.rollupProcess);
    return engine;
  }

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
    if (this.others) cmi.shared = this.given();
    const packed = JSON.stringify(cmi);
    if (packed === this.sentState) return null;
    this.sentState = packed;
    return { sco: COURSE, trigger, finished: false, status_set: false, cmi };
  }

  /* What other courses left, where this one shares objectives and data with them. */
  take({ objectives, stores }) {
    const known = this.known();
    if (objectives && this.shares.includes("objectives")) {
      this.engine.restoreGlobalObjectiveSnapshot({ ...known.objectives, ...objectives });
    }
    if (stores && this.shares.includes("stores")) {
      this.engine.restoreSharedDataSnapshot({ ...known.stores, ...stores });
    }
  }

  given() {
    const known = this.known();
    const found = { ...this.others };
    for (const kind of this.shares) found[kind] = { ...found[kind], ...known[kind] };
    return found;
  }

  known() {
    const process = this.engine._sequencing.overallSequencingProcess;
    return {
      objectives: process.getGlobalObjectiveMapSnapshot(),
      stores: this.engine.captureSharedDataSnapshot(),
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
    this.mayDeliverAgain();
    const answer = this.engine.processNavigationRequest(request, target);
    this.leaveWhatIsOver();
    return answer;
  }

  /* A course that its own rule ended, or that was gone through, is left (SN OP.1, SB.2.1); the engine
   * would stay at its root or its last part. It can be begun again, although the engine would then
   * take no request any more. */
  leaveWhatIsOver() {
    this.engine._sequencingService.isInitialized = true;
    const { root, currentActivity, suspendedActivity } = this.activities;
    const isOver = currentActivity === root && !root.isActive && !suspendedActivity;
    if (isOver || this.hasRunOut) this.activities.setCurrentActivityWithoutActivation(null);
    this.hasRunOut = false;
  }

  /* The engine would not show the part again that it showed last and that was suspended since:
   * one may ask for itself (SN SB.2.9), and the learner may choose it once more. What decides may
   * have been made anew, too. */
  mayDeliverAgain() {
    this.engine._sequencingService.activityDeliveryService.currentDeliveredAttemptCount = null;
    follow(this.engine._sequencingService);
  }

  /* End the part that is still running, so that this request decides where to go. */
  finish(request, target) {
    if (this.isRunning) this.terminate("");
    if (this.override) {
      this.letRulesSpeak(request);
      this.process(request, target);
    }
    this.override = null;
    this.saveCourse("moved");
  }

  /* A part ends and asks for nothing: what rules make of that waits for the learner's way on. */
  holdRules(end) {
    const lists = this.activities
      .getAllActivities()
      .flatMap(({ sequencingRules: rules }) => [rules.exitConditionRules, rules.postConditionRules]);
    const held = lists.map((list) => list.splice(0));
    const answer = end();
    lists.forEach((list, at) => list.push(...held[at]));
    this.isHeld = held.some((rules) => rules.length);
    return answer;
  }

  /* The end is had once more, with its rules; who leaves for now leaves what they lead to. */
  letRulesSpeak(request) {
    const { currentActivity } = this.activities;
    if (!this.isHeld || !currentActivity) return;
    this.isHeld = false;
    currentActivity.isActive = true;
    if (request === "suspendAll") this.process("exit");
  }

  /* What the learner asks for beats what the part asked for. */
  overrule(request, target) {
    this.override = target ? `{target=${target}}choice` : request;
  }

  /* Would this request lead somewhere? Tried on a copy, with what the part has said so far. */
  wouldDeliver(request) {
    let isDelivered = false;
    const copy = this.copied(() => (isDelivered = true));
    isDelivered = false;
    copy.processNavigationRequest(request);
    copy.clearScheduledCommit();
    return isDelivered;
  }

  /* What the contents may show and offer when the part on screen ends now. */
  foresight() {
    const copy = this.copied(() => {});
    const { activityTree: tree } = copy._sequencing;
    if (tree.currentActivity && tree.currentActivity.isActive) {
      const how = this.engine.cmi.getExitValueInternal();
      copy._sequencingService.prepareNavigationRequest("exit", undefined, how);
    }
    copy.clearScheduledCommit();
    const choices = new Choices(copy._sequencingService);
    return {
      isHidden: (id) => choices.isHidden(tree.getActivity(id)),
      isOpen: (id) => {
        const target = tree.getActivity(id);
        return Boolean(target && choices.delivered(tree.currentActivity, target));
      },
    };
  }

  /* Another engine that stands where this one does; what happens to it is forgotten. Nothing leads
   * it elsewhere than where it is asked to go. */
  copied(onDelivery) {
    const copy = this.newEngine({ onActivityDelivery: onDelivery });
    this.restore(copy, this.state());
    for (const activity of copy._sequencing.activityTree.getAllActivities()) {
      activity.sequencingRules.postConditionRules.length = 0;
    }
    if (!this.isRunning) return copy;
    copy.reset(undefined, { preserveListeners: true });
    load(copy, this.engine.renderCommitCMI(false, true).cmi);
    copy.lmsInitialize("");
    for (const element of this.engine._runtimeSetCMIElements) {
      copy._runtimeSetCMIElements.add(element);
    }
    return copy;
  }

  get isSuspended() {
    return Boolean(this.activities.suspendedActivity);
  }

  isAllowed(request) {
    if (this.engine.adl.nav.request_valid[request] !== "true") return false;
    return request !== "previous" || this.wouldDeliver(request);
  }

  get hiddenControls() {
    const found = this.engine._sequencing.overallSequencingProcess;
    return new Set(found.getEffectiveHideLmsUi(this.activities.currentActivity));
  }

  isDone(activity) {
    return this.engine.getActivityTrackingData(activity).completionStatus === "completed";
  }

  /* It is over and was not passed; before it is over that may still change. */
  isFailed(activity) {
    const { successStatus } = this.engine.getActivityTrackingData(activity);
    return this.isDone(activity) && successStatus === "failed";
  }
}
