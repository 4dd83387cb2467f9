/* May a part of a SCORM 1.2 course be opened? Its prerequisites in `aicc_script` (CAM 2.3.2.5.1):
 * & | ~ = <> ( ) sets { } and n*{ }. A part alone means that it is passed or completed.
 * What cannot be read closes nothing: a learner must never be locked out by a typing mistake. */

const TOKEN = /\s*(<>|[&|~=(){},*]|"[^"]*"|[^\s&|~=<>(){},*"]+)/gy;
const OPERATOR = /^[&|~=<(){},*]/;
const DONE = ["passed", "completed"];
const SHORT = { p: "passed", c: "completed", f: "failed", i: "incomplete", b: "browsed", n: "not attempted" };

class Reader {
  constructor(text, statusOf) {
    this.tokens = [...text.matchAll(TOKEN)].map((found) => found[1]);
    this.statusOf = statusOf;
    this.at = 0;
  }

  get next() {
    return this.tokens[this.at];
  }

  take(wanted) {
    if (wanted && this.next !== wanted) throw new SyntaxError(wanted);
    this.at += 1;
    return this.tokens[this.at - 1];
  }

  any() {
    let holds = this.all();
    while (this.next === "|") {
      this.take();
      holds = this.all() || holds;
    }
    return holds;
  }

  all() {
    let holds = this.one();
    while (this.next === "&") {
      this.take();
      holds = this.one() && holds;
    }
    return holds;
  }

  one() {
    if (this.next === "~") {
      this.take();
      return !this.one();
    }
    if (this.next === "(") {
      this.take();
      const holds = this.any();
      this.take(")");
      return holds;
    }
    return this.next === "{" ? this.set(Infinity) : this.named();
  }

  named() {
    const name = this.take();
    if (name === undefined || OPERATOR.test(name)) throw new SyntaxError(name);
    if (this.next === "*") {
      this.take();
      return this.set(Number(name));
    }
    if (this.next !== "=" && this.next !== "<>") return DONE.includes(this.statusOf(name));
    const isEqual = this.take() === "=";
    const wanted = this.take().replace(/"/g, "").toLowerCase();
    return (this.statusOf(name) === (SHORT[wanted] || wanted)) === isEqual;
  }

  /* So many of these must hold; without a number, every one. */
  set(count) {
    const found = [];
    this.take("{");
    while (this.next !== "}") {
      found.push(this.any());
      if (this.next === ",") this.take();
    }
    this.take("}");
    return found.filter(Boolean).length >= Math.min(count, found.length);
  }
}

export function isOpen(prerequisites, statusOf) {
  if (!prerequisites || !prerequisites.trim()) return true;
  try {
    const reader = new Reader(prerequisites, statusOf);
    const holds = reader.any();
    return reader.next === undefined ? holds : true;
  } catch {
    return true;
  }
}
