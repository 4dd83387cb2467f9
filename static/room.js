/* The page shown in a room: when its code is over, the next one takes its place. Without scripts
   the page is loaded anew instead. */
const SOON = 1000;

function next() {
  const room = document.getElementById("room");
  window.setTimeout(renew, Number(room.dataset.seconds) * 1000 + SOON / 2);
}

async function renew() {
  try {
    const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.getElementById("room").replaceWith(page.getElementById("room"));
    next();
  } catch {
    window.setTimeout(renew, 3 * SOON);
  }
}

next();
