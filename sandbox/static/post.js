// Sends the form of this page on; without scripts its button does.
document.querySelector("form[data-submit]").submit();
