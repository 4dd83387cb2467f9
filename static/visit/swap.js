/* One page takes the place of another in the same document, and says so to everybody: the title, the focus, a voice. */

const STYLES_MS = 3000;
const ran = new Set([...document.scripts].map((each) => each.src));

const voice = region("status", "visually-hidden");
const alarm = region("alert", "alert alert-danger visit-alarm");
alarm.hidden = true;

function region(role, className) {
  const made = document.createElement("div");
  made.setAttribute("role", role);
  made.className = className;
  document.body.append(made);
  return made;
}

export function announce(words) {
  voice.textContent = "";
  setTimeout(() => { voice.textContent = words; }, 100);
}

/* Something went wrong and the page stays as it is: its forms can be sent again. */
export function complain(words) {
  alarm.hidden = false;
  alarm.textContent = words;
  settle();
}

/* Nothing is on its way any more. */
export function settle() {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll("[aria-busy]")) if (button !== document.documentElement) button.removeAttribute("aria-busy");
}

export async function swap(text, { hash = "", isBack = false, isQuiet = false } = {}) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const old = await dress(page);
  document.title = page.title;
  for (const name of ["lang", "dir", "class"]) copy(page.documentElement, document.documentElement, name);
  copy(page.body, document.body, "class");
  const scripts = [...page.querySelectorAll("script[src]")];
  for (const each of page.querySelectorAll("script")) each.remove();
  alarm.hidden = true;
  document.body.replaceChildren(...page.body.childNodes, voice, alarm);
  for (const each of old) each.remove();
  await run(scripts);
  window.htmx?.process(document.body);
  document.dispatchEvent(new CustomEvent("page:shown"));
  if (!isQuiet) arrive(hash, isBack);
  return page;
}

/* The new page's styles are there before it is; returns those that are its predecessor's only. */
async function dress(page) {
  const wanted = [...page.querySelectorAll("link[rel=stylesheet]")].map((each) => each.getAttribute("href"));
  const have = [...document.querySelectorAll("link[rel=stylesheet]")];
  const missing = wanted.filter((each) => !have.some((other) => other.getAttribute("href") === each));
  await Promise.all(missing.map(load));
  document.head.querySelector("meta[name=htmx-config]")?.remove();
  const config = page.querySelector("meta[name=htmx-config]");
  if (config) document.head.append(config);
  return have.filter((each) => !wanted.includes(each.getAttribute("href")));
}

function load(href) {
  return new Promise((resolve) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = href;
    link.onload = link.onerror = resolve;
    setTimeout(resolve, STYLES_MS);
    document.head.append(link);
  });
}

function copy(from, to, name) {
  if (from.hasAttribute(name)) to.setAttribute(name, from.getAttribute(name));
  else to.removeAttribute(name);
}

/* Scripts listen to the document and run once; those that act at every page wait for `page:shown`. */
async function run(scripts) {
  for (const each of scripts) {
    const src = new URL(each.getAttribute("src"), window.location.href);
    if (src.origin !== window.location.origin || ran.has(src.href)) continue;
    ran.add(src.href);
    await new Promise((resolve) => {
      const script = document.createElement("script");
      if (each.type) script.type = each.type;
      script.src = src.href;
      script.onload = script.onerror = resolve;
      document.head.append(script);
    });
  }
}

/* Where the eyes and the focus go: the first mistake, the place in the address, or the top of the page. */
function arrive(hash, isBack) {
  const wrong = document.querySelector("main [aria-invalid=true]");
  const place = hash.length > 1 ? document.getElementById(decodeURIComponent(hash.slice(1))) : null;
  const main = document.querySelector("main") || document.querySelector("h1");
  if (wrong) wrong.focus();
  else if (place) {
    place.scrollIntoView();
    if (!place.hasAttribute("tabindex")) place.setAttribute("tabindex", "-1");
    place.focus({ preventScroll: true });
  } else {
    if (main && !main.hasAttribute("tabindex")) main.setAttribute("tabindex", "-1");
    main?.focus({ preventScroll: true });
    window.scrollTo(0, (isBack && window.history.state?.top) || 0);
  }
  announce(document.title);
}
