// Sends the form of this page on; without scripts its button does.
const form = document.querySelector("form[data-submit]");
form.querySelector("button").hidden = true;
form.submit();
