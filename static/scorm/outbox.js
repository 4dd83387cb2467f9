/* What the server has not acknowledged yet. At most one entry per part: the newest says it all. */

const AGE_LIMIT = 14 * 24 * 3600 * 1000;
const PREFIX = "module-assignment:outbox:";
/* What one request carries at most: well below what the server takes, and as many as it takes. */
const MOST_BYTES = 400000;
const MOST_ENTRIES = 20;

/* Storage may be missing or throw (a frame of another site, a private window). */
function guarded(action) {
  try {
    return action(window.localStorage);
  } catch {
    return null;
  }
}

/* As we write it: courses can write into this storage, too. */
function isWhole(kept, key) {
  const { opening, commits } = kept || {};
  const isNumbered = Number.isInteger(opening) && key.endsWith(`:${opening}`);
  return isNumbered && Array.isArray(commits) && commits.every((each) => each && "sco" in Object(each));
}

/* The first entries that fit into one request, at least one. */
export function fitting(entries, most = MOST_BYTES) {
  let size = 0;
  const end = entries.findIndex((entry, index) => {
    size += new Blob([JSON.stringify(entry)]).size;
    return index > 0 && (size > most || index >= MOST_ENTRIES);
  });
  return end < 0 ? entries : entries.slice(0, end);
}

/* `name` is the sitting's and is told to its player only: all courses share this storage. */
export class Outbox {
  constructor(name) {
    this.prefix = `${PREFIX}${name}:`;
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
    this.keepRest();
  }

  /* The server can never take it. */
  drop(sco, seq) {
    if (this.entries.get(sco)?.seq === seq) this.entries.delete(sco);
    this.keepRest();
  }

  keepRest() {
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

  /* What earlier openings of this sitting left behind in this browser, oldest first. */
  left() {
    const keys = guarded((storage) => Object.keys(storage).filter((key) => key.startsWith(PREFIX)));
    const found = (keys || []).map((key) => this.read(key)).filter(Boolean);
    found.sort((one, other) => one.opening - other.opening);
    return found.flatMap(({ opening, commits }) => commits.map((each) => ({ opening, commits: [each] })));
  }

  /* What is kept under a key, if it is this sitting's; what is too old or nothing of ours goes. */
  read(key) {
    return guarded((storage) => {
      let kept = null;
      try {
        kept = JSON.parse(storage.getItem(key));
      } catch {
        /* not written by us */
      }
      const isKept = isWhole(kept, key) && Date.now() - kept.at <= AGE_LIMIT;
      if (!isKept) storage.removeItem(key);
      return isKept && key.startsWith(this.prefix) ? kept : null;
    });
  }

  /* The server has seen them. */
  forget(replayed) {
    for (const { opening, commits } of replayed) {
      guarded((storage) => {
        const key = this.prefix + opening;
        const kept = JSON.parse(storage.getItem(key));
        kept.commits = kept.commits.filter(({ seq }) => !commits.some((each) => each.seq === seq));
        if (kept.commits.length) storage.setItem(key, JSON.stringify(kept));
        else storage.removeItem(key);
      });
    }
  }
}
