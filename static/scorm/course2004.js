/* A SCORM 2004 course: its sequencing decides what is played and where the learner may go. */

import { Runtime2004 } from "./runtime2004.js";

export class Course2004 {
  constructor(transport, shell, opened) {
    this.transport = transport;
    this.shell = shell;
    this.isReview = opened.review;
    this.tree = opened.course.tree;
    this.isMoving = false;
    this.heard = {};
    this.runtime = new Runtime2004(
      transport,
      {
        changed: () => shell.changed(),
        moved: () => setTimeout(() => this.afterTerminate()),
        canGoOn: () => this.way("continue") === true && !transport.isLeaving(),
      },
      opened.course,
      opened.parts,
    );
  }

  expose() {
    window.API_1484_11 = this.runtime.api;
  }

  begin() {
    this.runtime.open();
    this.present("choose");
  }

  /* Show what sequencing delivered; else say why nothing is shown. */
  present(otherwise) {
    if (this.runtime.delivered) {
      const part = this.runtime.prepare();
      this.heard = {};
      if (!part.is_sco && !this.isReview) this.runtime.noteOpened();
      this.shell.play(part.href);
      return;
    }
    this.shell.say(this.runtime.isEnded && otherwise !== "choose" ? "ended" : otherwise);
  }

  /* The part has ended by itself: go where it asked for, or leave its last page on screen where it
   * did not ask to be taken away. */
  afterTerminate() {
    if (this.isMoving) return;
    const { delivered, isEnded, isSuspended, wantsAway } = this.runtime;
    if (delivered || isEnded || isSuspended) this.step(() => {}, "ended");
    else if (wantsAway) this.step(() => {}, "choose");
    else this.shell.refresh();
  }

  move(request, target = "") {
    return this.step(() => this.runtime.finish(request, target), "refused", () =>
      this.runtime.overrule(request, target),
    );
  }

  choose(activity) {
    return this.move("choice", activity);
  }

  /* Take the part away, decide, wait until everything is stored, then show the next one. */
  async step(decide, otherwise, prepare = () => {}) {
    if (this.isMoving) return;
    this.isMoving = true;
    this.transport.isSwitching = true;
    prepare();
    await this.shell.blank();
    decide();
    this.runtime.stop();
    await this.transport.settle();
    this.transport.isSwitching = false;
    this.isMoving = false;
    if (!this.transport.refusal) this.present(otherwise);
  }

  /* The learner leaves for now: everything is suspended and found again. */
  async leave() {
    this.transport.isSwitching = true;
    const isOpen = Boolean(this.runtime.currentActivity);
    if (isOpen) this.runtime.overrule("suspendAll");
    await this.shell.blank();
    if (isOpen) this.runtime.finish("suspendAll");
    this.transport.isSwitching = false;
  }

  noteSilence() {
    const { part } = this.runtime;
    if (!part || !part.is_sco || this.runtime.wasStarted || this.isReview) return;
    if (part.is_new) this.runtime.noteOpened();
    part.is_new = false;
  }

  /* What is hidden is not listed, nor what is in it. The course itself comes first where it can be
   * chosen at all: that begins it where its rules say. */
  entries() {
    const foresight = this.runtime.foresight();
    const walk = (activity, depth) => {
      if (foresight.isHidden(activity.id)) return [];
      const lines = activity.shown ? [this.entry(activity, depth)] : [];
      const next = depth + lines.length;
      return [...lines, ...(activity.children || []).flatMap((child) => walk(child, next))];
    };
    const found = this.tree.children.flatMap((child) => walk(child, 0));
    if (found.length > 1 && this.isWholeOffered) found.unshift(this.entry(this.tree, 0));
    for (const each of found) each.isAllowed = foresight.isOpen(each.id);
    return found;
  }

  /* The engine judges a part when it ends; until then it stands as the server says. */
  told(done, failed) {
    const { part } = this.runtime;
    if (!part || !(part.id in done)) return;
    const { isDone, isFailed } = this.heard;
    this.heard = { isDone: done[part.id], isFailed: failed[part.id] };
    const isNews = this.heard.isDone !== isDone || this.heard.isFailed !== isFailed;
    if (isNews && !this.isMoving) this.shell.refresh();
  }

  get isWholeOffered() {
    return this.tree.sequencingControls.flow;
  }

  entry(activity, depth) {
    const isCurrent = activity.id === this.runtime.currentActivity;
    return {
      id: activity.id,
      title: activity.title,
      depth,
      isHeading: Boolean(activity.children),
      isCurrent,
      isDone: this.runtime.isDone(activity.id),
      isFailed: this.runtime.isFailed(activity.id),
      ...(isCurrent && this.heard),
    };
  }

  get ways() {
    return { previous: this.way("previous"), continue: this.way("continue") };
  }

  /* true, false (shown but closed), or null (not shown at all). */
  way(request) {
    if (this.runtime.parts.size < 2 || !this.hasFlow) return null;
    return this.runtime.hiddenControls.has(request) ? null : this.runtime.isAllowed(request);
  }

  get hasFlow() {
    const flows = (activity) =>
      (activity.children || []).length > 0 &&
      (activity.sequencingControls.flow || activity.children.some(flows));
    return flows(this.tree);
  }

  get isDirty() {
    return this.runtime.isDirty;
  }

  save(trigger) {
    return this.runtime.save(trigger);
  }

  stop() {
    this.runtime.stop();
  }
}
