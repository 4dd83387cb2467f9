"""What a page must hold for everybody, measured in the browser."""

from functools import cache
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import Page

from tests.support.browser import overflows, take_picture

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_RUN_AXE = """(rules) => axe.run(document, { runOnly: rules, resultTypes: ["violations"] })
  .then((found) => found.violations.flatMap((rule) => rule.nodes.map(
    (node) => `${rule.id}: ${node.target.join(" ")}: ${node.failureSummary}`)))"""

_TEXTS = """() => {
  const parse = (text) => {
    const parts = text.match(/[\\d.]+/g).map(Number);
    return { rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1 };
  };
  const light = ([r, g, b]) => {
    const line = [r, g, b].map((part) => {
      const share = part / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * line[0] + 0.7152 * line[1] + 0.0722 * line[2];
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const found = parse(getComputedStyle(each).backgroundColor);
      if (found.alpha > 0.99) return found.rgb;
    }
    return [255, 255, 255];
  };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
    const one = light(parse(getComputedStyle(element).color).rgb);
    const other = light(behind(element));
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) weak.push(`${walker.currentNode.textContent.trim()}: ${ratio.toFixed(2)}`);
  }
  return weak;
}"""
_TARGETS = """() => [...document.querySelectorAll("a, button, input, select, textarea")]
  .filter((each) => each.checkVisibility() && getComputedStyle(each).clipPath === "none")
  .filter((each) => each.type !== "hidden" && getComputedStyle(each).display !== "inline")
  .map((each) => [each.innerText || each.name, each.getBoundingClientRect()])
  .filter(([, box]) => box.width > 1 && (box.width < 24 || box.height < 24))
  .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""
_NAMELESS = """() => [...document.querySelectorAll(
    "a, button, input, select, textarea, iframe, progress")]
  .filter((each) => each.type !== "hidden" && each.checkVisibility())
  .filter((each) => !(each.innerText || each.textContent || "").trim())
  .filter((each) => !(each.type === "submit" && each.value))
  .filter((each) => !each.getAttribute("aria-label") && !each.title && !(each.labels || []).length)
  .map((each) => each.outerHTML)"""
_HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
  .map((each) => Number(each.tagName[1]))"""
_CLIPPED = """() => [...document.querySelectorAll("body *")]
  .filter((each) => each.checkVisibility() && getComputedStyle(each).overflowX === "hidden")
  .filter((each) => getComputedStyle(each).textOverflow !== "ellipsis" && each.clientWidth > 1)
  .filter((each) => each.scrollWidth > each.clientWidth)
  .map((each) => each.innerText.slice(0, 40))"""
_SAME_ID = """() => {
  const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
  return ids.filter((each, place) => ids.indexOf(each) !== place);
}"""
_DANGLING = """() => ["aria-labelledby", "aria-describedby", "aria-controls", "for"]
  .flatMap((name) => [...document.querySelectorAll(`[${name}]`)]
    .flatMap((each) => each.getAttribute(name).split(" "))
    .filter((id) => !document.getElementById(id)))"""


@cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """What axe-core finds on the page against WCAG 2.2, levels A and AA."""
    page.evaluate(_axe())
    found: list[str] = page.evaluate(_RUN_AXE, _RULES)
    return found


def flaws(page: Page) -> list[str]:
    """What stands in the way of somebody: contrast, size, names, headings, landmarks."""
    found = [f"axe {each}" for each in violations(page)]
    found += [f"contrast of {each}" for each in page.evaluate(_TEXTS)]
    found += [f"small target {each}" for each in page.evaluate(_TARGETS)]
    found += [f"no name: {each}" for each in page.evaluate(_NAMELESS)]
    found += [f"cut off: {each}" for each in page.evaluate(_CLIPPED)]
    found += [f"two elements with id {each}" for each in page.evaluate(_SAME_ID)]
    found += [f"nothing has the id {each}" for each in page.evaluate(_DANGLING)]
    levels = page.evaluate(_HEADINGS)
    if levels.count(1) != 1:
        found.append(f"{levels.count(1)} headings of the first level")
    found += [
        f"h{before} is followed by h{after}"
        for before, after in pairwise(levels)
        if after > before + 1
    ]
    if page.locator("main").count() != 1:
        found.append("not one main landmark")
    if not page.locator("html").get_attribute("lang"):
        found.append("no language")
    return found


def flaws_at(page: Page, name: str, *widths: int) -> list[str]:
    """The flaws of the page in windows of these widths, one after the other, each pictured."""
    found: list[str] = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 450 if width < 1000 else 800})
        take_picture(page, f"{name}-{width}")
        found += [f"{width}: {each}" for each in flaws(page)]
        if too_wide := overflows(page):
            found.append(f"{width}: {too_wide} pixels wider than its window")
    return found


def focus_is_visible(page: Page) -> bool:
    """Whether the focused element shows a ring of at least two pixels."""
    return bool(
        page.evaluate(
            """() => {
              const style = getComputedStyle(document.activeElement);
              return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
            }"""
        )
    )
