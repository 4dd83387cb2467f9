/* Rules that stop choices past an activity (SN SB.2.4, SB.2.9), for an engine that knows them only
 * as flags of activities: they are raised for one choice, and only on its way. */

/* The engine would take the target of a choice itself for closed; so it does not know this word. */
export const STOP = "stop";

function lineage(activity) {
  const line = [];
  for (let at = activity; at; at = at.parent) line.unshift(at);
  return line;
}

function holds(activity) {
  return activity.sequencingRules.preConditionRules.some(
    (rule) => rule.action === STOP && rule.evaluate(activity) === true,
  );
}

/* The activities a choice would pass, from where the learner is up to, not including, the target. */
function passed(tree, target) {
  const here = lineage(tree.currentActivity);
  const there = lineage(tree.getActivity(target));
  let depth = 0;
  while (here[depth] && here[depth] === there[depth]) depth += 1;
  if (!here[depth] || !there[depth]) return [];
  const siblings = here[depth].parent.children;
  return siblings.slice(siblings.indexOf(here[depth]), siblings.indexOf(there[depth]));
}

/* Which activities stop this choice, by their names. */
export function stopsOn(tree, target) {
  return passed(tree, target).filter(holds).map((activity) => activity.id);
}

export function raise(tree, names) {
  for (const activity of tree.getAllActivities()) {
    activity.sequencingControls.stopForwardTraversal = names.includes(activity.id);
  }
}
