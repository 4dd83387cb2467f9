/* The one way data leaves the player: acknowledged by the server, or kept until it is.
 *
 * A synchronous request while the page lives (SCORM's calls want an answer); a beacon when the
 * browser is leaving and forbids that; a retry with growing pauses when nothing else worked.
 * A beacon that was accepted is not a delivery: entries stay in the outbox until acknowledged.
 * Where a beacon could not carry everything, it leaves out what the course's engine stores.
 * What the server says it can never take (413, 400) is given up and named, so that the rest goes on. */

import { fitting } from "./outbox.js";

const BEACON_BYTES = 64000;
const PAUSES = [1, 2, 5, 10, 20, 30];
const ONE_BY_ONE = 0;

export class Transport {
  constructor(base, outbox, listener) {
    this.base = base;
    this.outbox = outbox;
    this.listener = listener;
    this.seq = 0;
    this.beaconed = 0;
    this.opening = 0;
    this.isLeaving = () => false;
    this.isSwitching = false; /* parts are changed and this page stays: it waits for delivery */
    this.isStaying = false; /* Exit waits until all is delivered: a beacon would only come after it */
    this.refusal = null;
    this.failures = 0;
    this.timer = null;
    this.unstored = new Set(); /* parts whose newest words the server can never take */
    this.most = undefined;
  }

  begin(opening) {
    this.opening = opening;
    this.outbox.begin(opening);
    this.seq = this.beaconed = 0;
    this.refusal = null;
    this.most = undefined;
  }

  /* Everything is said; nothing more is sent. */
  end() {
    this.stopRetrying();
    this.refusal = 410;
  }

  /* Keep and send; the answer is true when the server has it, or will get it by a beacon. */
  commit(...entries) {
    if (this.refusal) return false;
    for (const entry of entries.filter(Boolean)) {
      this.seq += 1;
      this.outbox.put({ ...entry, seq: this.seq });
    }
    const answer = this.sendNow();
    const isLost = entries.some((entry) => entry && this.unstored.has(entry.sco));
    if (answer === true) return !isLost || this.isSwitching;
    /* Thrown: the network is gone, or the page is (browsers do not say which). */
    const isTaken = answer === "thrown" && (this.isStaying || this.sendBeacon());
    this.retryLater();
    if (this.refusal) return false;
    return this.isSwitching || (isTaken && this.isLeaving());
  }

  /* The last chance of this page: what no beacon carries yet goes with one. */
  leave() {
    if (this.refusal || this.outbox.isEmpty) return;
    this.outbox.keep();
    if (this.beaconed < this.seq) this.sendBeacon();
  }

  sendNow() {
    for (;;) {
      const batch = this.batch();
      const request = new XMLHttpRequest();
      try {
        request.open("POST", `${this.base}commit`, false);
        request.setRequestHeader("Content-Type", "application/json");
        request.send(batch.body);
      } catch {
        this.outbox.keep();
        return "thrown";
      }
      const answer = this.judge(request.status, () => JSON.parse(request.responseText), batch);
      if (!answer || this.outbox.isEmpty) return answer;
    }
  }

  sendBeacon() {
    this.outbox.keep();
    const packed = (entries) => new Blob([this.body(entries)], { type: "text/plain" });
    let body = packed(this.outbox.list());
    if (body.size >= BEACON_BYTES) body = packed(this.withoutCourse());
    const isTaken = body.size < BEACON_BYTES && navigator.sendBeacon(`${this.base}commit`, body);
    if (isTaken) this.beaconed = this.seq;
    return isTaken;
  }

  /* The parts alone. What is left out comes after them, or it would be taken for old when it follows. */
  withoutCourse() {
    const waiting = this.outbox.list();
    for (const entry of waiting.filter(({ sco }) => !sco)) {
      this.seq += 1;
      this.outbox.put({ ...entry, seq: this.seq });
    }
    this.outbox.keep();
    return waiting.filter(({ sco }) => sco);
  }

  /* The same again, without blocking; resolves to true when nothing is left to deliver. */
  async deliver(closing = false) {
    if (this.refusal) return false;
    if (this.outbox.isEmpty && !closing) return true;
    const batch = this.batch(closing);
    try {
      const answer = await fetch(`${this.base}commit`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: batch.body,
        signal: AbortSignal.timeout(20000),
      });
      const read = answer.ok ? await answer.json() : {};
      if (!this.judge(answer.status, () => read, batch)) return false;
      if (batch.isAll && answer.ok) return true;
    } catch {
      this.outbox.keep();
      return false;
    }
    return this.deliver(closing);
  }

  /* What one request carries: the oldest first, since what is numbered lower later is not taken. */
  batch(closing = false) {
    const waiting = this.outbox.list();
    const commits = fitting(waiting, this.most);
    const isAll = commits.length === waiting.length;
    const seq = isAll ? this.seq : commits.at(-1).seq;
    return { body: this.body(commits, closing && isAll), commits, seq, isAll };
  }

  body(commits, closing = false) {
    return JSON.stringify({ opening: this.opening, closing, commits });
  }

  /* Everything is on the server, or nobody wants it any more. */
  async settle() {
    for (let attempt = 0; !this.outbox.isEmpty && !this.refusal; attempt += 1) {
      if (await this.deliver()) return;
      this.listener.trouble();
      const pause = PAUSES[Math.min(attempt, PAUSES.length - 1)];
      await new Promise((wait) => setTimeout(wait, pause * 1000));
    }
  }

  /* True when the batch is done with, or when what is left may be sent now. */
  judge(status, read, batch) {
    if (status >= 200 && status < 300) {
      let answer;
      try {
        answer = read();
      } catch {
        answer = null;
      }
      if (answer && answer.result === "true") {
        this.outbox.acknowledge(batch.seq);
        for (const { sco } of batch.commits) this.unstored.delete(sco);
        this.failures = 0;
        if (this.outbox.isEmpty) this.stopRetrying();
        this.listener.saved(answer.state, answer.done || {}, answer.failed || {});
        return true;
      }
    }
    this.outbox.keep();
    if (status === 409 || status === 410 || status === 404) {
      this.refusal = status;
      this.stopRetrying();
      this.listener.refused(status);
    }
    return (status === 413 || status === 400) && this.giveUp(batch.commits);
  }

  /* Several are sent one by one; one that is refused alone can never be stored. */
  giveUp(commits) {
    if (!commits.length) return false;
    if (commits.length > 1) {
      this.most = ONE_BY_ONE;
      return true;
    }
    const [{ sco, seq }] = commits;
    this.outbox.drop(sco, seq);
    this.unstored.add(sco);
    if (this.outbox.isEmpty) this.stopRetrying();
    this.listener.unstored();
    return true;
  }

  retryLater() {
    if (this.timer || this.refusal) return;
    const pause = PAUSES[Math.min(this.failures, PAUSES.length - 1)];
    this.failures += 1;
    if (!this.isLeaving()) this.listener.trouble();
    this.timer = setTimeout(async () => {
      this.timer = null;
      if (!(await this.deliver())) this.retryLater();
    }, pause * 1000);
  }

  retryNow() {
    if (!this.timer) return;
    this.stopRetrying();
    this.failures = 0;
    this.deliver().then((done) => done || this.retryLater());
  }

  stopRetrying() {
    clearTimeout(this.timer);
    this.timer = null;
  }

  async heartbeat() {
    if (this.refusal || !this.opening) return;
    try {
      const answer = await fetch(`${this.base}heartbeat`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ opening: this.opening }),
      });
      if (answer.status === 409 || answer.status === 410) this.judge(answer.status);
    } catch {
      /* the next commit will say so */
    }
  }
}
