"""Drives the sample page of Examples/chat in Chromium, against a server and stand-ins that run already.

    python receipts.py CHROMIUM PAGE_PORT SERVER KEY SANDBOX

Prints one line for each thing that holds; ends with 1 and says what does not.
"""

import json
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

CHROMIUM, PAGE_PORT, SERVER, KEY, SANDBOX = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5]
EXAMPLE = Path(__file__).resolve().parents[2] / "Examples" / "chat"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css"}
expect.set_options(timeout=20_000)


def call(method, url, body=None, headers=None):
    request = urllib.request.Request(url, method=method, headers={"content-type": "application/json", **(headers or {})})
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, data) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def ask(method, path, body=None):
    return call(method, SERVER + path, body, {"authorization": f"Bearer {KEY}"})


def faults(name, *given):
    status, body = call("POST", f"{SANDBOX}/_sandbox/faults", {"stand_in": name, "faults": list(given)})
    assert status == 200, body


class Product(BaseHTTPRequestHandler):
    """The product's own server: the page, and what stands for its Edge Functions."""

    session = "session-of-the-page"

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json"):
        self.send_response(status)
        self.send_header("content-type", kind)
        # Nothing inline: the component must do without.
        self.send_header(
            "content-security-policy",
            f"default-src 'self'; script-src 'self' {SERVER}; connect-src 'self' {SERVER}; style-src 'self'",
        )
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/known":
            return self.answer(*ask("GET", f"/v1/sessions/{self.session}/known"))
        path = EXAMPLE / (self.path.lstrip("/").split("?")[0] or "index.html")
        if not path.is_file() or path.parent != EXAMPLE:
            return self.answer(404, b"{}")
        text = path.read_text().replace('src="/throughline.js"', f'src="{SERVER}/throughline.js"')
        self.answer(200, text.encode(), TYPES[path.suffix])

    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["content-length"])))
        event |= {"session": self.session}
        self.answer(*ask("POST", "/v1/events", event))


def holds(what):
    print(f"ok: {what}", flush=True)


def send(page, email, message="Hello"):
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Message").fill(message)
    page.get_by_role("button", name="Send").click()


def check(page, errors):
    status = page.locator("throughline-status")
    text = status.locator("[part=text]")
    contact = status.locator("[part=contact]")

    page.goto(f"http://127.0.0.1:{PAGE_PORT}/")
    expect(status.locator("[part=status]")).to_be_hidden()
    holds("nothing is shown before there is anything to show")

    page.evaluate(
        """() => { window.told = []; document.addEventListener(
            'throughline-status', (event) => window.told.push(event.detail.state)); }"""
    )
    page.get_by_label("Remember this").check()
    send(page, "ada@example.com")
    expect(text).to_have_text("Sent. Have a look at your mail.")
    told = page.evaluate("window.told")
    assert told[-1] == "done" and set(told) <= {"received", "done"}, told
    holds("a request is told as done once it is done, with the page's own words")

    live = status.locator("[role=status]")
    expect(live).to_have_attribute("aria-live", "polite")
    expect(contact).to_be_hidden()
    violations = [
        found["id"]
        for found in Axe().run(page).response["violations"]
        if found["impact"] in ("serious", "critical")
    ]
    assert violations == [], violations
    holds("a screen reader hears it, and no serious fault of accessibility is found")

    page.reload()
    expect(page.get_by_label("Email")).to_have_value("ada@example.com")
    expect(page.get_by_label("Name")).to_have_value("Ada")
    holds("what was said already need not be typed again")

    faults("hubspot", {"fault": "status", "status": 503})
    send(page, "slow@example.com")
    expect(text).to_have_text("Thank you, we have it.")
    mark = status.locator("[part=mark]")
    assert mark.evaluate("mark => getComputedStyle(mark).animationName") == "pulse"
    page.emulate_media(reduced_motion="reduce")
    assert mark.evaluate("mark => getComputedStyle(mark).animationName") == "none"
    expect(text).to_have_text("This takes longer than usual. Nothing is lost.")
    expect(contact).to_have_attribute("href", "mailto:help@acme.example")
    faults("hubspot")
    expect(text).to_have_text("Sent. Have a look at your mail.")
    holds("what takes longer is told as such, with a contact, and then as done; it holds still where motion is unwanted")

    faults("hubspot", {"fault": "status", "status": 400})
    send(page, "dead@example.com", "<img src=x onerror=alert(1)>")
    expect(text).to_have_text("A person will take care of this.")
    expect(contact).to_have_text("Write to us")
    faults("hubspot")
    holds("what needs a person says so, and how to reach one")

    page.evaluate(
        """() => {
            const status = document.querySelector('throughline-status');
            status.setAttribute('texts', JSON.stringify({needs_person: '<b onclick=alert(1)>Hilfe</b>'}));
        }"""
    )
    expect(text).to_have_text("<b onclick=alert(1)>Hilfe</b>")
    assert text.evaluate("text => text.children.length") == 0
    holds("words are words, never markup")

    page.evaluate("document.querySelector('throughline-status').setAttribute('token', 'trt_0000')")
    expect(text).to_have_text("We cannot tell how this stands right now.")
    expect(contact).to_be_hidden()
    holds("a token that does not open is told as not known")

    page.evaluate(
        """() => {
            const status = document.querySelector('throughline-status');
            status.style.setProperty('--throughline-radius', '3px');
            const sheet = new CSSStyleSheet();
            sheet.replaceSync('throughline-status::part(text) { font-weight: 700 }');
            document.adoptedStyleSheets = [sheet];
        }"""
    )
    assert live.evaluate("part => getComputedStyle(part).borderRadius") == "3px"
    assert text.evaluate("part => getComputedStyle(part).fontWeight") == "700"
    holds("it takes the page's style")

    page.evaluate("document.querySelector('throughline-status').removeAttribute('token')")
    expect(live).to_be_hidden()
    # A stream that is refused is an error of the network, which Chromium notes by itself.
    errors = [error for error in errors if "404" not in error]
    assert errors == [], errors
    holds("no script failed")


def strange(page):
    """A page of an origin that is not named learns nothing."""
    page.goto(f"http://localhost:{PAGE_PORT}/")
    text = page.locator("throughline-status [part=text]")
    send(page, "strange@example.com")
    expect(text).to_have_text("We cannot tell how this stands right now.")
    holds("a page of another origin is told nothing")


def main():
    server = ThreadingHTTPServer(("127.0.0.1", PAGE_PORT), Product)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for test in (check, strange):
            page = browser.new_context().new_page()
            errors = []
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
            page.on("dialog", lambda dialog: errors.append(f"dialog {dialog.message}"))
            if test is check:
                test(page, errors)
            else:
                test(page)
        browser.close()


main()
