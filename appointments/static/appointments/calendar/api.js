// What is asked of the server. Every refusal is a Refused, which has words to show.

import { settings } from "./settings.js";

export class Refused extends Error {
  constructor(status, body) {
    super(body.error);
    this.status = status;
    this.code = body.code;
    this.body = body;
  }
}

export function ask(route, query = {}) {
  return send(route, query, { method: "GET" });
}

export function tell(route, body) {
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
  return send(route, {}, { method: "POST", headers, body: JSON.stringify(body) });
}

// Of one gesture: when it is sent twice, it is done once. (randomUUID is for secure contexts alone.)
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function send(route, query, request) {
  const address = new URL(settings.url + route, location.href);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") address.searchParams.set(name, value);
  }
  address.searchParams.set("tenant", settings.tenant); // who has gone elsewhere in another window is told
  let response;
  try {
    response = await fetch(address, { credentials: "same-origin", ...request });
  } catch {
    throw new Refused(0, { code: "OFFLINE", error: "The server cannot be reached. Is there a connection?" });
  }
  const body = await response.json().catch(() => null);
  if (!body) throw new Refused(response.status, { code: "BROKEN", error: "Something went wrong. Please try again." });
  if (!body.success) throw new Refused(response.status, body);
  return body.data;
}
