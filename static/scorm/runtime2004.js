/* SCORM 2004's API object: one part of the course at a time, on the course's one engine. */

import { isNoElement, nothing, plain } from "./elements.js";
import { given, held } from "./lines.js";
import {
  isNoIdentifier,
  isPadded,
  isPastEnd,
  isUnnamed,
  keeper,
  letRename,
  typeOf,
} from "./records.js";
import { Sequenced } from "./sequenced.js";
import { load } from "./stored.js";
import { isNoTime } from "./times.js";

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
const VALID_PREVIOUS = "adl.nav.request_valid.previous";
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
const NO_REQUEST = "_none_";
const ENDS_ALL = ["time-out", "logout"];
const AWAY = ["exit", "abandon"];
const NOT_KEPT = ["exit", "session_time", "entry", "credit", "mode"];
const UNDEFINED_ELEMENT = "401";
const TYPE_MISMATCH = "406";
const NOT_SET = "403";
const UNNAMED = "408";
const GET_FAILED = "301";
const SET_FAILED = "351";
const NOBODY = "no-such-activity";

export class Runtime2004 extends Sequenced {
  constructor(transport, listener, course, parts) {
    super(transport, listener, course, parts);
    this.wantsAway = false;
    this.foreseen = null; /* where choices lead, until something is said; content may ask for many */
    this.api = this.guarded();
  }

  /* The next Initialize starts the delivered part: anew, or with what it stored before. */
  prepare() {
    const { id, deliveryWasResumed } = this.delivered;
    this.stop();
    this.delivered = this.foreseen = null;
    this.part = this.parts.get(id);
    const { fresh, kept } = this.part.cmi;
    const isResumed = Boolean(deliveryWasResumed && kept);
    this.engine.reset(undefined, { preserveListeners: true, resetTotalTime: !isResumed });
    this.forgetTold();
    const entry = isResumed ? "resume" : "ab-initio";
    load(this.engine, { ...(isResumed ? kept : {}), ...fresh, entry });
    this.isStatusSet = isResumed && this.part.status_set;
    this.isDirty = false;
    this.isHeld = false;
    return this.part;
  }

  /* What the part before was told is none of the next one's: the engine's reset keeps it. */
  forgetTold() {
    const { content, settings, thresholds } = this.engine.cmi;
    content._launch_data = "";
    settings._max_time_allowed = "";
    settings._time_limit_action = "continue,no message";
    thresholds._scaled_passing_score = "";
    thresholds._completion_threshold = "";
  }

  remember(cmi) {
    this.part.status_set = this.isStatusSet;
    this.part.cmi.kept = Object.fromEntries(
      Object.entries(cmi).filter(([name]) => !NOT_KEPT.includes(name)),
    );
  }

  besides(trigger) {
    return this.courseEntry(trigger);
  }

  terminate(text) {
    this.foreseen = null;
    if (this.isRunning) this.decide();
    this.wantsAway = AWAY.includes(this.engine.adl.nav.request);
    this.mayDeliverAgain();
    const end = () => this.engine.lmsFinish(text);
    const isWaiting = this.isRunning && this.asksNothing && this.listener.canGoOn();
    const answer = isWaiting ? this.holdRules(end) : end();
    if (answer !== "true") return answer;
    const wasOverruled = Boolean(this.override);
    this.override = null;
    this.leaveWhatIsOver();
    this.saveCourse("moved");
    if (!wasOverruled) this.listener.moved();
    return answer;
  }

  get asksNothing() {
    return this.engine.adl.nav.request === NO_REQUEST;
  }

  /* The learner's way beats the part's; a part out of time ends the course (RTE 4.2.8). */
  decide() {
    const isOver = ENDS_ALL.includes(this.engine.cmi.getExitValueInternal());
    const request = this.override || (isOver && "exitAll");
    if (request) this.engine.adl.nav.request = request;
  }

  /* Why this cannot be asked or said; null when it can, or when the engine knows why not. */
  refusal(element, failed) {
    if (!this.isRunning) return null;
    if (isPadded(element)) return failed;
    return CONTAINER.test(element) || isNoElement(element) ? UNDEFINED_ELEMENT : null;
  }

  /* Why this cannot be said here. */
  settingRefusal(element, value) {
    if (!this.isRunning) return null;
    const refusal = this.refusal(element, SET_FAILED);
    if (refusal) return refusal;
    if (isUnnamed(this.engine.cmi, element)) return UNNAMED;
    return isNoTime(element, value) || isNoIdentifier(element, value) ? TYPE_MISMATCH : null;
  }

  set(element, value) {
    this.foreseen = null;
    this.ownError = this.settingRefusal(element, String(value));
    if (this.ownError) return "false";
    const keepRecords = keeper(this.engine.cmi, element);
    const answer = value === "" ? this.empty(element) : this.put(element, value);
    if (answer !== "true") keepRecords();
    if (answer !== "true" || !this.isRunning) return answer;
    if (OWN_STATUS.test(element)) this.isStatusSet = true;
    this.note(STATUS.test(element));
    return answer;
  }

  put(element, value) {
    const { cmi } = this.engine;
    letRename(cmi, element);
    const isRequest = element === "adl.nav.request";
    const said = isRequest ? this.aliased(value) : held(element, value, typeOf(cmi, element));
    return this.engine.lmsSetValue(element, said);
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
    this.ownError = this.refusal(element, GET_FAILED);
    if (this.ownError) return "";
    const asked = this.aliased(element);
    const answer = this.engine.lmsGetValue(asked);
    if (!this.isRunning) return answer;
    if (answer === "" && isPastEnd(this.engine.cmi, asked)) this.sayPastEnd();
    const choice = VALID_CHOICE.exec(asked);
    if (choice) {
      this.foreseen ||= this.foresight();
      return String(this.foreseen.isOpen(choice[1]));
    }
    return asked === VALID_PREVIOUS ? String(this.isAllowed("previous")) : answer;
  }

  sayPastEnd() {
    if (this.engine.lmsGetLastError() === NOT_SET) this.ownError = GET_FAILED;
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
      Initialize: call((text) => this.engine.lmsInitialize(nothing(text))),
      Terminate: call((text) => this.terminate(nothing(text))),
      GetValue: call((element) => given(String(element), this.get(String(element)))),
      SetValue: call((element, value) => this.set(String(element), plain(value))),
      Commit: call((text) => this.engine.lmsCommit(nothing(text))),
      GetLastError: code("GetLastError"),
      GetErrorString: code("GetErrorString"),
      GetDiagnostic: code("GetDiagnostic"),
    };
  }
}
