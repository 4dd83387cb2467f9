/* Says a mistake at its field as soon as it is made. The server says the same without this file. */
"use strict";

(() => {
  const touched = new WeakSet();
  const waiting = new Set();
  let isPressed = false;

  const isNeeded = (field) => {
    const other = field.dataset.neededBy;
    return !other || field.form.elements[other]?.value === field.dataset.neededWhen;
  };

  /* Digits of other scripts, and anything else JavaScript reads otherwise than the server, is left to the server. */
  const isOutside = (field) => {
    const text = field.value.trim();
    if (/[^\x20-\x7e]/.test(text)) return false;
    if (!(field.dataset.whole === undefined ? /^[+-]?(\d+\.?\d*|\.\d+)$/ : /^[+-]?\d+$/).test(text)) return true;
    return Number(text) < Number(field.dataset.least) || Number(text) > Number(field.dataset.most);
  };

  const mistakeOf = (field) => {
    const asked = field.dataset;
    if (field.validity.badInput) return asked.bad || "";
    if (!field.value.trim()) return isNeeded(field) ? asked.missing || "" : "";
    if (asked.outside && isOutside(field)) return asked.outside;
    if (asked.email && !/^\s*[^\s@]+@[^\s@]+\s*$/.test(field.value)) return asked.email;
    return "";
  };

  const isAsked = (field) => {
    const asked = field.dataset;
    return field.form?.noValidate && !field.disabled && [asked.missing, asked.outside, asked.email, asked.bad].some(Boolean);
  };

  const say = (field) => {
    const words = mistakeOf(field);
    const id = `${field.id}-error`;
    const said = document.getElementById(id);
    const others = (field.getAttribute("aria-describedby") || "").split(" ").filter((each) => each && each !== id);
    field.classList.toggle("is-invalid", Boolean(words));
    if (words) {
      const sentence = said?.querySelector("span") || place(field, id);
      if (sentence.textContent !== words) sentence.textContent = words;
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", [...others, id].join(" "));
    } else {
      said?.remove();
      field.removeAttribute("aria-invalid");
      if (others.length) field.setAttribute("aria-describedby", others.join(" "));
      else field.removeAttribute("aria-describedby");
    }
    return words;
  };

  const place = (field, id) => {
    const line = document.createElement("p");
    const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    const sentence = document.createElement("span");
    line.className = "form-error mb-0";
    line.id = id;
    drawing.setAttribute("class", "icon");
    drawing.setAttribute("aria-hidden", "true");
    drawing.setAttribute("focusable", "false");
    use.setAttribute("href", "#icon-invalid");
    drawing.append(use);
    line.append(drawing, sentence);
    field.closest(".field").append(line);
    return sentence;
  };

  const isMarked = (field) => field.getAttribute("aria-invalid") === "true";

  document.addEventListener("input", ({ target }) => {
    touched.add(target);
    if (isAsked(target) && isMarked(target)) say(target);
  });

  /* A choice may be what another field was needed for. */
  document.addEventListener("change", ({ target }) => {
    for (const field of target.form?.elements || []) {
      if (field.dataset.neededBy === target.name && isMarked(field)) say(field);
    }
  });

  /* A line that comes between pressing and letting go would move the button away from under the finger. */
  document.addEventListener("pointerdown", () => { isPressed = true; }, true);
  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, () => setTimeout(() => {
      isPressed = false;
      waiting.forEach(say);
      waiting.clear();
    }), true);
  }

  document.addEventListener("focusout", ({ target }) => {
    if (!touched.has(target) || !isAsked(target)) return;
    if (isPressed) waiting.add(target);
    else say(target);
  });

  document.addEventListener("submit", (event) => {
    if (event.submitter?.formNoValidate) return;
    const wrong = [...event.target.elements].filter((field) => isAsked(field) && say(field));
    if (!wrong.length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    wrong[0].focus();
  }, true);
})();
