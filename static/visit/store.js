/* At the login: the LMS keeps a proof for this browser; then, whatever came of it, the login goes on. */
import { put } from "./platform.js";

const place = document.getElementById("storage");
const next = document.getElementById("next");
await put(place, place.dataset.proof).catch(() => null);
window.location.replace(next.href);
