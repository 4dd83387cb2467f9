/* Whether an activity is completed (RTE 4.2.4, 4.2.17; SN 3.13, 4.2), put right where the engine says
 * otherwise:
 *  - who has a threshold takes over how far others came, not whether they are completed;
 *  - nobody's progress is taken over by an activity that is not tracked;
 *  - what content says of the part itself beats what it says of the part's primary objective;
 *  - an attempt is completed by its end only where neither content nor a threshold had a say. */

const UNKNOWN = "unknown";
const COMPLETED = "completed";
const INCOMPLETE = "incomplete";
/* The engine's word for a part that was opened and said nothing yet. */
const NOTHING_SAID = "not attempted";

export function mindCompletion(engine) {
  const { overallSequencingProcess: overall } = engine._sequencing;
  if (!overall) return;
  const { rollupProcess, terminationHandler } = overall;
  const spoken = new Map();
  for (const activity of engine._sequencing.activityTree.getAllActivities()) {
    for (const objective of activity.getAllObjectives()) mindReading(activity, objective);
  }
  after(terminationHandler._rteDataTransferService, "transferRteData", (activity) => {
    const isSaid = take(activity, engine);
    spoken.set(activity, isSaid ? activity.completionStatus : null);
    if (isSaid) activity.attemptProgressStatus = true; /* so that its end does not complete it */
  });
  before(rollupProcess, "syncTerminatedActivityObjectives", (activity) => {
    conclude(activity, spoken.get(activity));
    spoken.delete(activity);
  });
  after(engine._sequencingService, "updateActivityFromCMI", (activity) => take(activity, engine));
}

function before(object, name, action) {
  const own = object[name];
  object[name] = (...given) => {
    action(...given);
    return own.apply(object, given);
  };
}

function after(object, name, action) {
  const own = object[name];
  object[name] = (...given) => {
    const answer = own.apply(object, given);
    action(...given);
    return answer;
  };
}

/* The engine copies activities with their objectives to try rules: `this` may be such a copy. */
function mindReading(activity, objective) {
  const { applyReadMappedState, applyToActivity } = objective;
  objective.applyReadMappedState = function (state) {
    if (!activity.sequencingControls.tracked) return;
    const isWeighed = this.isPrimary && activity.completedByMeasure;
    applyReadMappedState.call(this, isWeighed ? weighed(state, activity) : state);
  };
  objective.applyToActivity = function (owner) {
    applyToActivity.call(this, owner);
    owner._isCompleted = owner._completionStatus === COMPLETED;
  };
}

function weighed({ completionStatus: _theirs, ...state }, activity) {
  if (state.progressMeasure === undefined) return state;
  return { ...state, completionStatus: judged(activity, state.progressMeasure) };
}

function judged(activity, progress) {
  return progress >= activity.minProgressMeasure ? COMPLETED : INCOMPLETE;
}

/* What content said of its progress; whether completion was its own, or its threshold's, to say. */
function take(activity, engine) {
  const said = engine._runtimeSetCMIElements;
  const { objectives, progress_measure: progress, completion_status: status } = engine.cmi;
  const name = activity.primaryObjective && activity.primaryObjective.id;
  const at = objectives.childArray.findIndex((objective) => name && objective.id === name);
  const isOfObjective = (element) => at >= 0 && said.has(`cmi.objectives.${at}.${element}`);
  const isOwn = said.has("cmi.progress_measure") || !isOfObjective("progress_measure");
  if (progress !== "" && isOwn) move(activity, Number(progress));
  if (activity.completedByMeasure) {
    const isKnown = activity.attemptCompletionAmountStatus;
    activity.completionStatus = isKnown ? judged(activity, activity.progressMeasure) : UNKNOWN;
    return true;
  }
  const isSaid = said.has("cmi.completion_status");
  if (isSaid) activity.completionStatus = status === NOTHING_SAID ? INCOMPLETE : status;
  return isSaid || isOfObjective("completion_status");
}

function move(activity, progress) {
  activity.progressMeasure = activity.attemptCompletionAmount = progress;
  activity.progressMeasureStatus = activity.attemptCompletionAmountStatus = true;
  if (!activity.primaryObjective) return;
  activity.primaryObjective.progressMeasure = progress;
  activity.primaryObjective.progressMeasureStatus = true;
}

/* The attempt is over: what was said stands, and what nobody knows stays unknown. */
function conclude(activity, said) {
  if (said) activity.completionStatus = said;
  if (activity.completionStatus === NOTHING_SAID) activity.completionStatus = UNKNOWN;
  if (said) activity.attemptProgressStatus = activity.completionStatus !== UNKNOWN;
}
