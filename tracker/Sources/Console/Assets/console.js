// SPDX-License-Identifier: Apache-2.0
//
// Keeps a page up to date while it is looked at: the tracker says that something has changed, the page is read again, and what
// differs takes the place of what was there. Without this script all pages work the same, once they are reloaded.
"use strict";

const withDay = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const today = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

/** Shows times as the reader's clock has them. */
function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    if (Number.isNaN(date.valueOf())) continue;
    time.title = time.dateTime;
    const isToday = date.toDateString() === new Date().toDateString();
    time.textContent = (isToday ? today : withDay).format(date);
  }
}

/** Puts what is new into the page. What has the focus keeps it. */
function renew(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const fresh = page.querySelector("main");
  if (!fresh || !fresh.hasAttribute("data-live")) {
    location.reload();
    return;
  }
  localise(fresh);
  for (const part of fresh.querySelectorAll("section[id]")) {
    const old = document.getElementById(part.id);
    if (!old || old.innerHTML === part.innerHTML && old.className === part.className) continue;
    const focus = old.contains(document.activeElement) ? document.activeElement : null;
    const name = focus && (focus.getAttribute("href") || focus.getAttribute("aria-label"));
    old.className = part.className;
    old.replaceChildren(...part.childNodes);
    if (!name) continue;
    for (const candidate of old.querySelectorAll("a, [tabindex]")) {
      if ((candidate.getAttribute("href") || candidate.getAttribute("aria-label")) === name) {
        candidate.focus({ preventScroll: true });
        break;
      }
    }
  }
}

function watch() {
  const note = document.getElementById("live");
  let reading = false;
  let again = false;
  let failed = false;

  function say(words) {
    if (note && note.textContent !== words) note.textContent = words;
  }

  async function read() {
    if (reading) {
      again = true;
      return;
    }
    reading = true;
    try {
      const answer = await fetch(location.href, { headers: { "X-Drover-Live": "1" }, cache: "no-store" });
      if (answer.status === 401) {
        location.reload();
        return;
      }
      if (answer.ok) renew(await answer.text());
    } catch {
      // The stream of events notices it too, and says so.
    } finally {
      reading = false;
      if (again) {
        again = false;
        read();
      }
    }
  }

  function listen() {
    const events = new EventSource("/changes");
    events.addEventListener("open", () => {
      say("Live");
      if (failed) read();
      failed = false;
    });
    // What nobody looks at is read when somebody does again.
    events.addEventListener("change", () => document.hidden || read());
    events.addEventListener("error", () => {
      failed = true;
      say("The tracker does not answer; trying again…");
      // An answer that is no stream ends it for good: too many watch, or the session is over, which reading shows.
      if (events.readyState !== EventSource.CLOSED) return;
      setTimeout(listen, 10000);
      read();
    });
  }

  listen();
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) read();
  });
}

localise(document);
if (document.querySelector("main[data-live]")) watch();
