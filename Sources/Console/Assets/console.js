// The console works without this. With it, pages follow what happens, and small things are nearer at hand.
(() => {
  "use strict";
  const pause = 1000;
  let source = null, timer = 0, last = 0, isFetching = false, isStale = false;

  // A region is left alone while somebody writes, chooses or reads in it by keyboard.
  const isInUse = (region) => {
    const active = document.activeElement;
    if (active && active !== document.body && region.contains(active) && active !== region) return true;
    const selection = document.getSelection();
    return Boolean(selection && !selection.isCollapsed && region.contains(selection.anchorNode));
  };

  const replace = (region, fresh) => {
    if (region.innerHTML === fresh.innerHTML) return;
    const place = region.scrollLeft;
    const open = new Set([...region.querySelectorAll("details[open][data-key]")].map((item) => item.dataset.key));
    const places = [...region.querySelectorAll("[data-scroll]")].map((item) => [item.dataset.scroll, item.scrollLeft]);
    region.replaceChildren(...fresh.childNodes);
    for (const item of region.querySelectorAll("details[data-key]")) if (open.has(item.dataset.key)) item.open = true;
    for (const [key, left] of places) {
      const item = region.querySelector(`[data-scroll="${CSS.escape(key)}"]`);
      if (item) item.scrollLeft = left;
    }
    region.scrollLeft = place;
    localise(region);
  };

  const refresh = async () => {
    if (isFetching) { isStale = true; return; }
    isFetching = true;
    last = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, credentials: "same-origin" });
      if (answer.redirected) { location.reload(); return; }
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const region of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(region.id);
        if (!fresh) continue;
        if (isInUse(region)) isStale = true; else replace(region, fresh);
      }
    } catch {
      // The server is away; the stream says when it is back.
    } finally {
      isFetching = false;
      if (isStale) { isStale = false; later(); }
    }
  };

  const later = () => {
    if (timer) return;
    timer = setTimeout(() => { timer = 0; refresh(); }, Math.max(50, last + pause - Date.now()));
  };

  const tell = (state) => {
    const sign = document.getElementById("live");
    if (sign) { sign.dataset.state = state; sign.textContent = state === "on" ? "live" : "not live"; }
  };

  const follow = () => {
    if (source || document.hidden || !document.querySelector("[data-live]") || !window.EventSource) return;
    source = new EventSource("/console/live");
    source.addEventListener("open", () => tell("on"));
    source.addEventListener("change", later);
    source.addEventListener("end", () => { stop(); location.reload(); });
    source.addEventListener("error", () => {
      tell("off");
      // Turned away for good: the session has ended, with the server's restart or otherwise. The page says so then.
      if (source && source.readyState === EventSource.CLOSED) { source = null; setTimeout(() => { follow(); later(); }, 5000); }
    });
  };

  const stop = () => { if (source) source.close(); source = null; tell("off"); };

  // Browsers keep few connections to one server: a page that nobody sees holds none.
  document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); else { follow(); later(); } });
  window.addEventListener("pagehide", stop);

  // Times are told in UTC; the reader's own time stands in the title.
  const localise = (root) => {
    for (const item of root.querySelectorAll("time[datetime]")) {
      const at = new Date(item.dateTime);
      if (!Number.isNaN(at.getTime())) item.title = `${at.toLocaleString()} here`;
    }
  };

  document.addEventListener("change", (event) => {
    const form = event.target.closest('form.filters[method="get"]');
    if (form && event.target.matches("select")) form.requestSubmit();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select")) return;
    const find = document.getElementById("find");
    if (find) { event.preventDefault(); find.focus(); }
  });

  // On a small screen the links are one line, which begins where one is.
  const links = document.getElementById("navigation"), current = links && links.querySelector("[aria-current]");
  if (current && links.scrollWidth > links.clientWidth) {
    links.scrollLeft = current.offsetLeft - links.offsetLeft - (links.clientWidth - current.offsetWidth) / 2;
  }

  localise(document);
  follow();
})();
