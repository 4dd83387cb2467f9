/* What the server has not acknowledged yet. At most one entry per part: the newest says it all. */

const AGE_LIMIT = 14 * 24 * 3600 * 1000;

/* Storage may be missing or throw (a frame of another site, a private window). */
function guarded(action) {
  try {
    return action(window.localStorage);
  } catch {
    return null;
  }
}

export class Outbox {
  constructor(run) {
    this.prefix = `module-assignment:outbox:${run}:`;
    this.entries = new Map();
    this.opening = 0;
  }

  begin(opening) {
    this.opening = opening;
    this.entries.clear();
  }

  put(entry) {
    this.entries.set(entry.sco, entry);
  }

  /* Everything up to this number is on the server. */
  acknowledge(seq) {
    for (const [sco, entry] of this.entries) if (entry.seq <= seq) this.entries.delete(sco);
    if (!this.entries.size) guarded((storage) => storage.removeItem(this.prefix + this.opening));
    else this.keep();
  }

  get isEmpty() {
    return this.entries.size === 0;
  }

  list() {
    return [...this.entries.values()].sort((one, other) => one.seq - other.seq);
  }

  /* Survive this page: called when something could not be delivered. */
  keep() {
    if (!this.entries.size || !this.opening) return;
    const kept = { at: Date.now(), opening: this.opening, commits: this.list() };
    guarded((storage) => storage.setItem(this.prefix + this.opening, JSON.stringify(kept)));
  }

  /* What earlier openings of this run left behind in this browser. */
  left() {
    const found = [];
    guarded((storage) => {
      for (let index = storage.length - 1; index >= 0; index -= 1) {
        const key = storage.key(index);
        if (!key.startsWith("module-assignment:outbox:")) continue;
        const kept = JSON.parse(storage.getItem(key));
        if (Date.now() - kept.at > AGE_LIMIT) storage.removeItem(key);
        else if (key.startsWith(this.prefix)) found.push({ opening: kept.opening, commits: kept.commits });
      }
    });
    return found.sort((one, other) => one.opening - other.opening).slice(-20);
  }

  /* The server has seen them. */
  forget(replayed) {
    for (const each of replayed) guarded((storage) => storage.removeItem(this.prefix + each.opening));
  }
}
