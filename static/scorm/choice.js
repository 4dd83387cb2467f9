/* Where a choice may lead, by SCORM 2004's own words (SN NB.2.1, SB.2.4, SB.2.9): the engine's are
 * others. Works on the activities of an engine, as they stand. */

/* Rules the engine is not told by their own names: what it would make of them is something else. */
const STOP = "stop";
const HIDE = "hide";

const lineage = (activity) => (activity ? [...lineage(activity.parent), activity] : []);
const places = (activity) => activity.parent.getAvailableChildren();
const controls = (activity) => activity.sequencingControls;

function common(one, other) {
  const there = lineage(other);
  return lineage(one).filter((each) => there.includes(each)).pop();
}

/* The activities from the first, which holds the last, down to it; without the last itself. */
function between(above, below) {
  const line = lineage(below);
  return line.slice(line.indexOf(above), -1);
}

/* The activities a choice would leave: where the learner is, and what holds that but not both. */
function left(current, target) {
  const kept = lineage(common(current, target));
  return lineage(current).filter((each) => each === current || !kept.includes(each));
}

/* The next or the previous activity that is not inside this one; itself where there is none. */
function neighbour(activity, step) {
  for (let at = activity; at.parent; at = at.parent) {
    const found = places(at)[places(at).indexOf(at) + step];
    if (found) return found;
  }
  return activity;
}

export class Choices {
  constructor({ sequencing, sequencingProcess }) {
    this.tree = sequencing.activityTree;
    this.traversal = sequencingProcess.getTraversalService();
    this.limits = sequencingProcess.getRuleEngine();
  }

  holds(activity, action, target = activity) {
    const seen = this.traversal.getActivityForEvaluation(activity, target);
    return activity.sequencingRules.preConditionRules.some(
      (rule) => rule.action === action && rule.evaluate(seen) === true,
    );
  }

  /* Neither it nor what it is in may be hidden, or have been left out of a selection (SB.2.9, 3). */
  isHidden(target) {
    return lineage(target).some((each) => this.holds(each, HIDE, target));
  }

  isThere(target) {
    return lineage(target).every((each) => !each.parent || places(each).includes(each));
  }

  /* NB.2.1, 8: before what is on screen has ended. */
  mayBeAsked(current, target) {
    if (target.parent && !controls(target.parent).choice) return false;
    return !current || left(current, target).every((each) => controls(each).choiceExit);
  }

  /* SB.2.9: the part that a choice of this activity delivers; null when it leads nowhere. */
  delivered(current, target) {
    if (!this.isThere(target) || this.isHidden(target)) return null;
    if (!this.mayBeAsked(current, target) || !this.isOnTheWay(current, target)) return null;
    const part = target.children.length ? this.flowInto(target) : target;
    return part && lineage(part).every((each) => this.mayBegin(each, part)) ? part : null;
  }

  isOnTheWay(current, target) {
    if (current === target) return true;
    if (current && current.parent === target.parent) return this.isPassed(current, target);
    const shared = current ? common(current, target) : this.tree.root;
    if (target === shared) return true;
    const isForward = !current || current === shared || this.isAfter(shared, current, target);
    return (
      (!current || this.isWithinReach(current, target, shared)) &&
      between(shared, target).every(
        (each) =>
          !(isForward && this.holds(each, STOP)) &&
          (each === shared || each.isActive || !controls(each).preventActivation),
      )
    );
  }

  /* Among siblings: what lies between can stop the way forward, the way back may be closed. */
  isPassed(current, target) {
    const all = places(current);
    const [here, there] = [all.indexOf(current), all.indexOf(target)];
    if (there < here) return !controls(current.parent).forwardOnly;
    return !all.slice(here, there).some((each) => this.holds(each, STOP));
  }

  isAfter(shared, current, target) {
    const place = (activity) =>
      shared.getAvailableChildren().findIndex((each) => lineage(activity).includes(each));
    return place(target) > place(current);
  }

  /* Out of a chapter that constrains choices only its neighbours are reached. */
  isWithinReach(current, target, shared) {
    if (current === shared) return true;
    const constrained = left(current, target).findLast(
      (each) => each.children.length && controls(each).constrainChoice,
    );
    if (!constrained) return true;
    const step = this.isAfter(shared, current, target) ? 1 : -1;
    return lineage(target).includes(neighbour(constrained, step));
  }

  /* A flow that reaches the end marks everything as ended; asking is not going there. */
  flowInto(cluster) {
    const active = this.tree.getAllActivities().filter((each) => each.isActive);
    const found = this.traversal.findFirstDeliverableActivityResult(cluster);
    for (const each of active) each.isActive = true;
    return found.deliverable ? found.identifiedActivity : null;
  }

  /* UP.5: limits count for what would begin anew. */
  mayBegin(activity, target) {
    const isLimited = !activity.isActive && this.limits.checkLimitConditions(activity);
    return activity.isAvailable && !isLimited && !this.holds(activity, "disabled", target);
  }
}
