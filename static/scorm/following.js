/* Where the engine's sequencing is not SCORM 2004's, this instance of it follows ours. */

import { Choices } from "./choice.js";

const EXIT = "exit";
const DELIVER = "deliver";
const BACKWARD = "backward";

/* What the engine itself does there. */
const own = (of, name, ...given) => Object.getPrototypeOf(of)[name].apply(of, given);

/* SB.2.1, 4.2: nothing goes back in what only goes forward; the first of its kind goes back in
 * what it is in. */
function isBackClosed({ parent }, activity) {
  if (!parent) return false;
  if (parent.sequencingControls.forwardOnly) return true;
  return parent.getAvailableChildren()[0] === activity && isBackClosed(parent, parent);
}

export function follow(service) {
  const { overallSequencingProcess: overall, sequencingProcess: process } = service;
  if (!overall) return;
  followChoice(service, overall.navigationValidityService, process.choiceHandler);
  followPrevious(overall.navigationValidityService, process);
  followJump(overall.navigationValidityService, service.sequencing.activityTree);
  followEnds(service.rollupProcess);
  const limits = overall.deliveryValidator;
  limits.checkLimitConditions = (activity) =>
    activity.isActive || own(limits, "checkLimitConditions", activity);
}

function followChoice(service, validity, handler) {
  validity.validateChoicePath = (current, target) => {
    const valid = new Choices(service).mayBeAsked(current, target);
    return { valid, exception: valid ? null : "NB.2.1-10" };
  };
  handler.handleChoice = (id, current) => {
    const target = handler.activityTree.getActivity(id);
    const targetActivity = target && new Choices(service).delivered(current, target);
    const deliveryRequest = targetActivity ? DELIVER : "doNotDeliver";
    const exception = targetActivity ? null : "SB.2.9-5";
    return { deliveryRequest, targetActivity, exception, endSequencingSession: false };
  };
}

function followPrevious(validity, { flowHandler, traversalService }) {
  validity.validateForwardOnlyConstraints = (current) => {
    const valid = !isBackClosed(current, current);
    return { valid, exception: valid ? null : "NB.2.1-8" };
  };
  flowHandler.checkForwardOnlyViolation = (current) =>
    isBackClosed(current, current) ? "SB.2.1-4" : null;
  followBack(traversalService);
}

/* SB.2.1, 2: who comes back into what only goes forward, and finds all of it skipped, goes on back. */
function followBack(traversal) {
  let isBack = false;
  traversal.flowSubprocess = (from, direction) => {
    isBack = direction === BACKWARD;
    const found = own(traversal, "flowSubprocess", from, direction);
    isBack = false;
    return found;
  };
  traversal.traverseForward = (from, isOver, within) => {
    const found = own(traversal, "traverseForward", from, isOver, within);
    if (found.activity || !within || !isBack) return found;
    return { ...traversal.traverseBackward(within, true), direction: BACKWARD };
  };
}

/* NB.2.1, 13: a jump ends what is on screen, as every way on does. */
function followJump(validity, tree) {
  validity.validateJumpRequest = (target) => {
    const found = own(validity, "validateJumpRequest", target);
    if (tree.currentActivity && tree.currentActivity.isActive) found.terminationRequest = EXIT;
    return found;
  };
}

/* RB.1.5: a chapter whose attempt ends is judged itself, now that it is no longer active. */
function followEnds(rollup) {
  rollup.overallRollupProcess = (activity, shared) => {
    const below = activity.children.length ? { parent: activity } : activity;
    return own(rollup, "overallRollupProcess", below, shared);
  };
}
