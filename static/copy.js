/* A button beside a value that is to be pasted elsewhere. Without this file the button is not shown,
   and the value is selected and copied by hand. */
"use strict";

(() => {
  const show = () => {
    for (const button of document.querySelectorAll("button[data-copies]")) button.hidden = false;
  };

  /* What is selected may be copied anywhere; a frame may write to the clipboard only if the page around it lets it. */
  const copied = async (field) => {
    field.focus();
    field.select();
    if (document.execCommand("copy")) return true;
    try {
      await navigator.clipboard.writeText(field.value);
      return true;
    } catch {
      return false;
    }
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button[data-copies]");
    if (!button) return;
    const said = document.getElementById(`${button.dataset.copies}-copied`);
    said.textContent = "";
    if (await copied(document.getElementById(button.dataset.copies))) said.textContent = said.dataset.words;
  });
  document.addEventListener("page:shown", show);
  show();
})();
