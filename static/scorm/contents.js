/* The list of contents: headings and parts, where the learner is, and where they may go. */

export class Contents {
  constructor(nav, button, choose) {
    this.nav = nav;
    this.button = button;
    this.list = nav.querySelector("ol");
    this.words = nav.dataset;
    button.addEventListener("click", () => this.toggle(nav.hidden));
    nav.addEventListener("click", (event) => {
      const chosen = event.target.closest("[data-part]");
      if (chosen && chosen.getAttribute("aria-disabled") !== "true") choose(chosen.dataset.part);
    });
    nav.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      this.toggle(false);
      button.focus();
    });
  }

  toggle(isOpen) {
    if (isOpen && this.refresh) this.refresh();
    this.nav.hidden = !isOpen;
    this.button.setAttribute("aria-expanded", String(isOpen));
  }

  /* Entries: { id, title, depth, isCurrent, isDone, isFailed, isAllowed, isHeading }. */
  draw(entries) {
    const drawn = JSON.stringify(entries);
    if (drawn === this.drawn) return; /* whoever is choosing keeps the focus */
    this.drawn = drawn;
    this.button.hidden = entries.length < 2;
    this.list.replaceChildren(...entries.map((entry) => this.line(entry)));
  }

  line(entry) {
    const line = document.createElement("li");
    line.dataset.depth = String(Math.min(entry.depth, 4));
    line.append(entry.isHeading && !entry.isAllowed ? this.heading(entry) : this.part(entry));
    return line;
  }

  heading(entry) {
    const text = document.createElement("span");
    text.className = "heading";
    text.textContent = entry.title || entry.id;
    return text;
  }

  part(entry) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.part = entry.id;
    button.textContent = entry.title || entry.id;
    if (entry.isCurrent) button.setAttribute("aria-current", "true");
    if (!entry.isAllowed) button.setAttribute("aria-disabled", "true");
    if (entry.isFailed) button.append(this.mark("failed", "✗"));
    else if (entry.isDone) button.append(this.mark("done", "✓"));
    return button;
  }

  mark(name, sign) {
    const mark = document.createElement("span");
    mark.className = name;
    mark.textContent = ` ${sign} ${this.words[name]}`;
    return mark;
  }
}
