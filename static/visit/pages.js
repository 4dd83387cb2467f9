/* The pages of a visit in a browser that keeps no cookie in this frame: they are fetched with the session in a header,
   and put in the place of the page shown. Links, forms, files, downloads, Back and Forward work as ever. */
import { authorization, find, follow, hold, holds, nameIn } from "./session.js";
import { save } from "./downloads.js";
import { swap, announce, complain, settle } from "./swap.js";

const words = document.getElementById("visit-script").dataset;
let shown = window.location.href.split("#")[0];
let underway = null;
let refresh = 0;

export const failed = () => words.failed;

/* The visit begins here: its session is held, and its first page shown. */
export async function enter({ session, page }) {
  hold(nameIn(page), session);
  listen();
  return go(page, { replaces: true });
}

const isOurs = (address) => new URL(address, window.location.href).origin === window.location.origin && holds(nameIn(address));

/* Ask for a page of the visit and show what comes; false when nothing came. */
async function go(address, { method = "GET", body = null, replaces = false, isBack = false, isQuiet = false } = {}) {
  underway?.abort();
  const mine = (underway = new AbortController());
  clearTimeout(refresh);
  document.documentElement.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, {
      method,
      body,
      headers: authorization(),
      credentials: "omit",
      redirect: "error",
      signal: method === "GET" ? mine.signal : undefined,
    });
    follow(answer.headers.get("Visit-Session"));
    const next = answer.headers.get("Visit-Location");
    if (next !== null) return await goOn(new URL(next, new URL(address, window.location.href)).href, address, replaces);
    return await show(answer, address, { replaces, isBack, isQuiet });
  } catch (error) {
    if (error.name !== "AbortError") complain(words.failed);
    return false;
  } finally {
    if (underway === mine) document.documentElement.removeAttribute("aria-busy");
  }
}

async function goOn(next, from, replaces) {
  const hash = new URL(from, window.location.href).hash;
  const target = next.includes("#") ? next : next + hash;
  if (isOurs(target)) return go(target, { replaces });
  window.location.assign(target);
  return true;
}

async function show(answer, address, { replaces, isBack, isQuiet }) {
  if (!(answer.headers.get("Content-Type") || "").startsWith("text/html") || isFile(answer)) {
    announce(words.saved.replace("{file}", await save(answer)));
    settle();
    return true;
  }
  const text = await answer.text();
  if (!isBack) enterHistory(address, replaces);
  const page = await swap(text, { hash: new URL(address, window.location.href).hash, isBack, isQuiet });
  shown = window.location.href.split("#")[0];
  look(page);
  return true;
}

const isFile = (answer) => (answer.headers.get("Content-Disposition") || "").startsWith("attachment");

function enterHistory(address, replaces) {
  const target = new URL(address, window.location.href).href;
  if (replaces || target === window.location.href) window.history.replaceState({ visit: true }, "", target);
  else {
    window.history.replaceState({ visit: true, top: window.scrollY }, "", window.location.href);
    window.history.pushState({ visit: true }, "", target);
  }
}

/* A page that says it looks again by itself does, without moving the focus. */
function look(page) {
  const said = /^\s*(\d+)/.exec(page.querySelector("meta[http-equiv=refresh]")?.content || "");
  if (said) refresh = setTimeout(() => go(window.location.href, { replaces: true, isQuiet: true }), Number(said[1]) * 1000);
}

function onClick(event) {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  if (link.target === "_top" || link.target === "_parent" || !isOurs(link.href)) return;
  if (link.hash && link.href.split("#")[0] === shown) return;
  event.preventDefault();
  go(link.href);
}

function onSubmit(event) {
  const form = event.target;
  const button = event.submitter;
  const address = button?.hasAttribute("formaction") ? button.formAction : form.getAttribute("action") ? form.action : shown;
  if (event.defaultPrevented || !isOurs(address)) return;
  event.preventDefault();
  const said = new FormData(form);
  if (button?.name) said.append(button.name, button.value);
  const method = (button?.getAttribute("formmethod") || form.method || "get").toUpperCase();
  if (method !== "POST") {
    const target = new URL(address);
    target.search = new URLSearchParams([...said].filter(([, value]) => typeof value === "string")).toString();
    go(target.href);
    return;
  }
  const carriesFiles = (button?.getAttribute("formenctype") || form.enctype) === "multipart/form-data";
  go(address, { method, body: carriesFiles ? said : new URLSearchParams(said) });
}

function onBack(event) {
  if (!holds(nameIn(window.location.href))) return;
  event.stopImmediatePropagation();
  if (window.location.href.split("#")[0] === shown) return;
  go(window.location.href, { isBack: true });
}

/* Parts of pages that load by themselves bring the session too. */
function onPartAsked(event) {
  if (isOurs(event.detail.path)) Object.assign(event.detail.headers, authorization());
}

function onPartCame(event) {
  const { xhr } = event.detail;
  follow(xhr.getResponseHeader("Visit-Session"));
  const next = xhr.getResponseHeader("Visit-Location");
  if (next === null) return;
  event.preventDefault();
  go(next);
}

function onPartShown() {
  shown = window.location.href.split("#")[0];
}

let isListening = false;

function listen() {
  if (isListening) return;
  isListening = true;
  window.history.scrollRestoration = "manual";
  document.addEventListener("click", onClick);
  document.addEventListener("submit", onSubmit);
  window.addEventListener("popstate", onBack);
  document.addEventListener("htmx:configRequest", onPartAsked);
  document.addEventListener("htmx:beforeOnLoad", onPartCame);
  document.addEventListener("htmx:pushedIntoHistory", onPartShown);
}

if (words.resume !== undefined) {
  const name = nameIn(window.location.href);
  const session = find(name);
  if (session) enter({ session, page: window.location.href });
}
