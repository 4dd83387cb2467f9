/* A SCORM 1.2 course: its parts are a list to choose from, each played by a runtime of its own. */

import { isOpen } from "./prerequisites.js";
import { Runtime12 } from "./runtime12.js";

export class Course12 {
  constructor(transport, shell, opened) {
    this.shell = shell;
    this.parts = opened.parts;
    this.isReview = opened.review;
    this.first = opened.current;
    this.current = null;
    this.runtime = new Runtime12(transport, { changed: () => shell.changed() });
  }

  expose() {
    window.API = this.runtime.api;
  }

  begin() {
    const first = this.parts.find((part) => part.id === this.first);
    const open = this.parts.filter((part) => this.isAllowed(part));
    this.play((this.isAllowed(first) || !open.length ? first : open[0]).id);
  }

  isAllowed(part) {
    return this.isReview || isOpen(part.prerequisites, (id) => this.statusOf(id));
  }

  /* A name that is no part of the course closes nothing. */
  statusOf(id) {
    const part = this.parts.find((each) => each.id === id);
    if (!part) return "completed";
    if (!part.is_sco) return part.is_done || part === this.current ? "completed" : "not attempted";
    const said = part === this.current && this.runtime.lastCmi;
    return (said || part.cmi).core.lesson_status || "not attempted";
  }

  play(id) {
    this.current = this.parts.find((part) => part.id === id);
    this.runtime.prepare(this.current, this.isReview);
    if (!this.current.is_sco && !this.isReview) this.runtime.noteOpened();
    this.shell.play(this.current.href);
  }

  async choose(id) {
    if (this.current && id === this.current.id) return;
    await this.shell.blank();
    this.putAway();
    this.play(id);
  }

  /* What the part said last is what it finds when it is opened again on this page. */
  putAway() {
    if (this.current.is_sco && this.runtime.lastCmi) {
      this.current.cmi = this.runtime.reopened();
      this.current.status_set = this.runtime.isStatusSet;
    }
    this.runtime.lastCmi = null;
  }

  /* It was on screen and never called us. */
  noteSilence() {
    if (!this.current || !this.current.is_sco || this.runtime.wasStarted || this.isReview) return;
    if (this.current.is_new) this.runtime.noteOpened();
    this.current.is_new = false;
  }

  entries() {
    return this.parts.map((part) => ({
      id: part.id,
      title: part.title,
      depth: 0,
      isCurrent: part === this.current,
      isDone: part.is_done,
      isFailed: part.is_failed,
      isAllowed: this.isAllowed(part),
    }));
  }

  /* What the server made of what these parts said. */
  told(done, failed) {
    for (const part of this.parts) {
      part.is_done = done[part.id] ?? part.is_done;
      part.is_failed = failed[part.id] ?? part.is_failed;
    }
    this.shell.refresh();
  }

  /* SCORM 1.2 knows no way through a course but its list: back and on in it, past closed parts. */
  get ways() {
    if (this.parts.length < 2) return { previous: null, continue: null };
    return { previous: Boolean(this.beside("previous")), continue: Boolean(this.beside("continue")) };
  }

  beside(way) {
    const at = this.parts.indexOf(this.current);
    const parts = way === "previous" ? this.parts.slice(0, at).reverse() : this.parts.slice(at + 1);
    return parts.find((part) => this.isAllowed(part));
  }

  move(way) {
    const part = this.beside(way);
    return part && this.choose(part.id);
  }

  async leave() {
    await this.shell.blank();
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
