/* How a heading's status follows from what is below it (SN RB.1.1 to RB.1.4), put right where the
 * engine says otherwise:
 *  - what is not known of a child is neither yes nor no;
 *  - of no children at all, all and none of them are as a rule wants them;
 *  - where rules or a measure decide, the default does not;
 *  - a heading that is not tracked knows nothing;
 *  - weights are as the course says, whatever became of the children. */

const OF = { satisfied: "Satisfied", notSatisfied: "NotSatisfied", completed: "Completed", incomplete: "Incomplete" };
const OF_OBJECTIVE = ["satisfied", "notSatisfied"];
const UNKNOWN = [undefined, "unknown", "not attempted"];

const isTracked = (activity) => activity.sequencingControls.tracked;
const isSkipped = (activity) =>
  activity.sequencingRules.preConditionRules.some(
    (rule) => rule.action === "skip" && rule.evaluate(activity) === true,
  );

export function mindRollUp(process) {
  const { childFilter, ruleEvaluator, measureProcessor, objectiveProcessor, progressProcessor } = process;
  childFilter.checkChildForRollupSubprocess = (child, _kind, action) => counts(child, action);
  ruleEvaluator.evaluateRollupRule = holds;
  measureProcessor.measureRollupProcess = (activity) => {
    if (isTracked(activity)) weigh(activity);
    return [];
  };
  objectiveProcessor.objectiveRollupProcess = (activity) => {
    if (isTracked(activity)) judge(activity, objectiveProcessor);
  };
  for (const [processor, name] of [
    [measureProcessor, "completionMeasureRollupProcess"],
    [progressProcessor, "activityProgressRollupProcess"],
  ]) {
    processor[name] = (activity) => {
      if (isTracked(activity)) Object.getPrototypeOf(processor)[name].call(processor, activity);
    };
  }
}

/* RB.1.4.2: whether a child counts at all. */
function counts(child, action) {
  const { tracked, rollupObjectiveSatisfied, rollupProgressCompletion } = child.sequencingControls;
  const isOfObjective = OF_OBJECTIVE.includes(action);
  if (!tracked || !child.isAvailable) return false;
  if (!(isOfObjective ? rollupObjectiveSatisfied : rollupProgressCompletion)) return false;
  switch (child[`requiredFor${OF[action]}`]) {
    case "ifNotSuspended":
      return child.attemptCount > 0 && !child.isSuspended;
    case "ifAttempted":
      return child.attemptCount > 0;
    case "ifNotSkipped":
      return !isSkipped(child);
    default:
      return true;
  }
}

/* RB.1.4: whether a rule holds for an activity. */
function holds(activity, rule) {
  const children = activity.getAvailableChildren();
  const said = children
    .filter((child) => counts(child, rule.action))
    .map((child) => answer(child, rule));
  const yes = said.filter((each) => each === true).length;
  switch (rule.consideration) {
    case "all":
      return yes === said.length;
    case "any":
      return yes > 0;
    case "none":
      return said.every((each) => each === false);
    case "atLeastCount":
      return yes >= rule.minimumCount;
    case "atLeastPercent":
      return said.length > 0 && (yes / said.length) * 100 >= rule.minimumPercent;
    default:
      return false;
  }
}

/* RB.1.4.1: true, false, or null where it is not known. */
function answer(child, rule) {
  const said = rule.conditions.map((condition) =>
    isKnown(child, condition.condition) ? condition.evaluate(child) : null,
  );
  const [decides, otherwise] = rule.conditionCombination === "all" ? [false, true] : [true, false];
  if (said.includes(decides)) return decides;
  return said.includes(null) ? null : otherwise;
}

function isKnown(child, condition) {
  if (condition === "satisfied") {
    return child.objectiveInfoAvailableInCurrentParentAttempt && child.objectiveSatisfiedStatusKnown;
  }
  if (condition !== "completed") return true;
  const { progressInfoAvailableInCurrentParentAttempt: isOfNow, completionStatus } = child;
  return isOfNow && !UNKNOWN.includes(completionStatus);
}

/* RB.1.1: the mean of what the children reached; who reached nothing yet counts with nothing. */
function weigh(activity) {
  const tracked = activity.getAvailableChildren().filter(isTracked);
  const weight = (child) => child.sequencingControls.objectiveMeasureWeight;
  const known = tracked.filter(
    (child) =>
      child.objectiveMeasureStatus && child.objectiveInfoAvailableInCurrentParentAttempt !== false,
  );
  const all = tracked.reduce((sum, child) => sum + weight(child), 0);
  const isMeasured = known.length > 0 && all > 0;
  if (isMeasured) {
    const reached = known.reduce((sum, child) => sum + weight(child) * child.objectiveNormalizedMeasure, 0);
    activity.objectiveNormalizedMeasure = reached / all;
  }
  activity.objectiveMeasureStatus = isMeasured;
}

/* RB.1.2: the measure decides, or the rules, or the default; the first of them that there is. */
function judge(activity, processor) {
  const { rules } = activity.rollupRules;
  const { primaryObjective: primary } = activity;
  let found = null;
  if (primary && primary.satisfiedByMeasure) {
    const mayBe = !activity.isActive || activity.rollupConsiderations.measureSatisfactionIfActive;
    if (mayBe) found = processor.objectiveRollupUsingMeasure(activity);
  } else if (rules.some((rule) => OF_OBJECTIVE.includes(rule.action))) {
    found = processor.objectiveRollupUsingRules(activity, rules);
  } else found = processor.objectiveRollupUsingDefault(activity);
  if (found === null) return;
  activity.objectiveSatisfiedStatus = found;
  processor.syncPrimaryObjectiveFromActivity(activity);
}
