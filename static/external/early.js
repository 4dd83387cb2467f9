/* A tool's frame may be faster than the page's script, which is a module and comes last: what is said meanwhile is
   kept for it. */
(() => {
  const kept = [];
  const keep = (event) => kept.push(event);
  window.addEventListener("message", keep);
  window.takeEarlyMessages = () => {
    window.removeEventListener("message", keep);
    return kept.splice(0);
  };
})();
