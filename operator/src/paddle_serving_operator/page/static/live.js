// Asks for this page again and puts what has changed in its place. Without it the page is as whole, and as still.
"use strict";
(() => {
  const main = document.getElementById("main");
  const lost = document.getElementById("lost");
  const FIRST = 2000, LONGEST = 30000, LATE = 10000; // milliseconds
  let wait = FIRST;
  let timer = 0;
  let tag = "";
  let known = [...main.children].map((part) => part.innerHTML);

  const ids = (parts) => [...parts].map((part) => part.id || part.localName).join(" ");

  // what is open stays open, and who is somewhere stays there
  const replace = (old, fresh) => {
    const open = [...old.querySelectorAll("details[open]")].map((part) => part.id);
    const active = old.contains(document.activeElement) ? document.activeElement : null;
    const place = active ? [...old.querySelectorAll(active.localName)].indexOf(active) : -1;
    const scrolled = [...old.querySelectorAll(".scroll")].map((part) => part.scrollLeft);
    old.replaceChildren(...fresh.childNodes);
    open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    old.querySelectorAll(".scroll").forEach((part, index) => { part.scrollLeft = scrolled[index] ?? 0; });
    if (place >= 0) old.querySelectorAll(active.localName)[place]?.focus({ preventScroll: true });
  };

  const show = (text) => {
    const next = new DOMParser().parseFromString(text, "text/html");
    const fresh = next.getElementById("main");
    const html = [...fresh.children].map((part) => part.innerHTML);
    document.title = next.title;
    if (ids(fresh.children) === ids(main.children)) {
      [...fresh.children].forEach((part, index) => {
        if (html[index] !== known[index]) replace(main.children[index], part);
      });
    } else {
      replace(main, fresh);
    }
    known = html;
  };

  const ask = async () => {
    const headers = tag ? { "If-None-Match": tag } : {};
    const answer = await fetch(location.href, { headers, cache: "no-store", signal: AbortSignal.timeout(LATE) });
    if (answer.status === 304) return;
    if (!answer.ok && answer.status !== 404) throw new Error(`HTTP ${answer.status}`);
    tag = answer.headers.get("ETag") ?? "";
    show(await answer.text());
  };

  const tick = async () => {
    if (document.hidden) return; // goes on when somebody looks again
    const began = performance.now();
    try {
      await ask();
      lost.textContent = "";
      wait = Math.min(LONGEST, Math.max(FIRST, 10 * (performance.now() - began)));
    } catch {
      const sentence = "The operator does not answer. What you see is what was known when it last did.";
      if (lost.textContent !== sentence) lost.textContent = sentence;
      wait = Math.min(LONGEST, 2 * wait);
    }
    timer = setTimeout(tick, wait);
  };

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden) tick();
  });
  timer = setTimeout(tick, wait);
})();
