// <throughline-status>: tells an end user how their request stands.
//
//   <script src="https://hooks.acme.example/throughline.js" defer></script>
//   <throughline-status event="tev_…" token="trt_…"></throughline-status>
//
// Attributes: `event` and `token` as the answer to the event gave them; `server` where the script comes from elsewhere;
// `texts` as JSON replaces the words (received, done, delayed, needs_person, unknown, contact). Without event and token
// nothing is shown. Each change is a `throughline-status` event with what the server said in `detail`.
//
// Style it by its parts (status, mark, text, contact) and by the custom properties --throughline-color,
// --throughline-accent, --throughline-warning, --throughline-background, --throughline-radius, --throughline-font.
(() => {
  "use strict";

  const origin = document.currentScript?.src ? new URL(document.currentScript.src).origin : location.origin;

  const words = {
    received: "We have it.",
    done: "Done.",
    delayed: "This takes longer than usual. Nothing is lost.",
    needs_person: "A person will take care of this.",
    unknown: "We cannot tell how this stands right now.",
    contact: "Contact us",
  };

  const style = `
    :host { display: block; font: var(--throughline-font, inherit); color: var(--throughline-color, inherit); }
    :host([hidden]), [hidden] { display: none !important; }
    [part=status] {
      display: flex; gap: 0.6em; align-items: center; padding: 0.6em 0.8em;
      background: var(--throughline-background, transparent);
      border: 1px solid currentColor; border-radius: var(--throughline-radius, 0.5em);
    }
    [part=mark] {
      flex: none; width: 0.7em; height: 0.7em; border-radius: 50%; background: var(--throughline-accent, #1a7f37);
    }
    [data-state=received] [part=mark] { animation: pulse 1.6s ease-in-out infinite; }
    [data-state=delayed] [part=mark], [data-state=needs_person] [part=mark], [data-state=unknown] [part=mark] {
      background: var(--throughline-warning, #9a6700);
    }
    [part=contact] { color: inherit; }
    @keyframes pulse { 50% { opacity: 0.3; } }
    @media (prefers-reduced-motion: reduce) { [part=mark] { animation: none !important; } }
  `;

  // A contact is a link only where it is plainly one: an address, a number, or a page.
  function link(contact) {
    if (/^(mailto:|tel:|https:\/\/)/i.test(contact)) return contact;
    if (/^[^\s@<>"]+@[^\s@<>"]+\.[^\s@<>"]+$/.test(contact)) return "mailto:" + contact;
    if (/^\+?[0-9][0-9 ()-]{5,}$/.test(contact)) return "tel:" + contact.replace(/[^0-9+]/g, "");
    return null;
  }

  class ThroughlineStatus extends HTMLElement {
    static observedAttributes = ["event", "token", "server", "texts"];

    #source = null;
    #state = null;
    #contact = null;
    #failures = 0;
    #silences = 0;
    #timer = 0;
    #queued = false;
    #parts = null;

    connectedCallback() {
      if (!this.#parts) this.#build();
      this.#restart();
    }

    disconnectedCallback() { this.#stop(); }

    attributeChangedCallback(name, before, after) {
      if (before === after || !this.isConnected || !this.#parts) return;
      if (name === "texts") return this.#show();
      this.#restart();
    }

    #build() {
      const root = this.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(style);
      root.adoptedStyleSheets = [sheet];
      const status = document.createElement("div");
      status.setAttribute("part", "status");
      // Spoken when it changes, without taking the focus away.
      status.setAttribute("role", "status");
      status.setAttribute("aria-live", "polite");
      status.setAttribute("aria-atomic", "true");
      status.hidden = true;
      const mark = document.createElement("span");
      mark.setAttribute("part", "mark");
      mark.setAttribute("aria-hidden", "true");
      const text = document.createElement("span");
      text.setAttribute("part", "text");
      const contact = document.createElement("a");
      contact.setAttribute("part", "contact");
      contact.hidden = true;
      status.append(mark, text, contact);
      root.append(status);
      this.#parts = { status, text, contact };
    }

    #restart() {
      if (this.#queued) return;
      this.#queued = true;
      // Several attributes that are set one after the other are one change.
      queueMicrotask(() => {
        this.#queued = false;
        this.#stop();
        this.#state = null;
        this.#contact = null;
        this.#failures = 0;
        this.#silences = 0;
        this.#show();
        if (this.isConnected && this.getAttribute("event") && this.getAttribute("token")) this.#listen();
      });
    }

    #listen() {
      const server = (this.getAttribute("server") || origin).replace(/\/+$/, "");
      const event = encodeURIComponent(this.getAttribute("event"));
      const token = encodeURIComponent(this.getAttribute("token"));
      const source = new EventSource(`${server}/v1/receipts/${event}/stream?token=${token}`);
      this.#source = source;
      source.addEventListener("receipt", (message) => {
        this.#failures = 0;
        this.#silences = 0;
        let receipt;
        try { receipt = JSON.parse(message.data); } catch { return; }
        this.#tell(receipt.state, receipt.contact, receipt);
        // The server ends a stream that is done; asking again would only repeat it.
        if (receipt.state === "done") this.#stop();
      });
      source.addEventListener("error", () => {
        this.#failures += 1;
        // A token that does not open, or a server that is away for long: say that it is not known, and ask again ever
        // more rarely, after half a minute up to ten.
        if (source.readyState === EventSource.CLOSED || this.#failures >= 5) {
          this.#stop();
          if (this.#state !== "done") this.#tell("unknown", this.#contact, null);
          const pause = Math.min(30 * 2 ** this.#silences, 600) * 1000;
          this.#silences += 1;
          this.#timer = setTimeout(() => { this.#failures = 0; this.#listen(); }, pause * (0.75 + Math.random() / 2));
        }
      });
    }

    #stop() {
      clearTimeout(this.#timer);
      this.#source?.close();
      this.#source = null;
    }

    #tell(state, contact, receipt) {
      if (!(state in words) || state === "contact") return;
      this.#state = state;
      this.#contact = contact || null;
      this.#show();
      this.dispatchEvent(
        new CustomEvent("throughline-status", { bubbles: true, composed: true, detail: receipt || { state } }));
    }

    #texts() {
      try { return { ...words, ...JSON.parse(this.getAttribute("texts") || "{}") }; } catch { return words; }
    }

    #show() {
      const { status, text, contact } = this.#parts;
      status.hidden = !this.#state;
      if (!this.#state) return;
      const texts = this.#texts();
      status.dataset.state = this.#state;
      const target = this.#contact ? link(this.#contact) : null;
      // Always as text: nothing that comes from outside is ever read as markup.
      text.textContent = String(texts[this.#state])
        + (this.#contact && !target ? ` ${texts.contact}: ${this.#contact}` : "");
      contact.hidden = !target;
      if (target) {
        contact.href = target;
        contact.textContent = String(texts.contact);
      } else {
        contact.removeAttribute("href");
      }
    }
  }

  if (!customElements.get("throughline-status")) customElements.define("throughline-status", ThroughlineStatus);
})();
