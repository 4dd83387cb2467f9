/* The session of a visit in a browser that keeps no cookie: in this frame's memory, and in its sessionStorage where
   that is allowed, so that a reload of the frame goes on. Never in an address. */

const held = { name: "", session: "" };

export const nameIn = (address) => /^\/visit\/([0-9a-f]{16})\//.exec(new URL(address, window.location.href).pathname)?.[1] || "";

const place = (name) => `visit-${name}`;

export function hold(name, session) {
  held.name = name;
  held.session = session;
  try {
    if (session) window.sessionStorage.setItem(place(name), session);
    else window.sessionStorage.removeItem(place(name));
  } catch {
    // The browser allows no storage here: memory has to do.
  }
}

export function find(name) {
  try {
    return window.sessionStorage.getItem(place(name)) || "";
  } catch {
    return "";
  }
}

export const holds = (name) => name !== "" && name === held.name && held.session !== "";

export const authorization = () => ({ Authorization: `Bearer ${held.session}` });

/* The server changes a session as it would change a cookie; empty means that the visit is over. */
export function follow(changed) {
  if (changed !== null) hold(held.name, changed);
}
