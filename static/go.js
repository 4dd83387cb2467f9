/* A form that only carries somebody on is sent by itself; its button is there without scripts. */
"use strict";

document.querySelector("form[data-go]").requestSubmit();
