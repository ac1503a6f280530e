"""Works in the console as a person does, in a real Chromium, against a real server.

Says each step as it is done; ends with 0 when all went well, else with 1 and what was wrong. Told by environment
variables: BASE, EMAIL, PASSWORD, KEY (scope ingest), SANDBOX (the stand-ins' address), CHROMIUM, and SHOTS, a folder for
pictures of every page.
"""

import json
import os
import sys
import time
import urllib.request

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

BASE = os.environ["BASE"]
SHOTS = os.environ["SHOTS"]
SERIOUS = {"serious", "critical"}
problems = []


def step(text):
    print(f"- {text}", flush=True)


def post(url, body, headers=None):
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"content-type": "application/json", **(headers or {})}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read() or b"{}")


def send(identifier, kind, session, **data):
    """An event as the chatbot sends it."""
    return post(
        f"{BASE}/v1/events?source=chat",
        {"id": identifier, "type": kind, "session": session, "data": data},
        {"authorization": f"Bearer {os.environ['KEY']}"},
    )


def faults(stand_in, *list_of_faults):
    post(f"{os.environ['SANDBOX']}/_sandbox/faults", {"stand_in": stand_in, "faults": list(list_of_faults)})


def watch(page):
    """Anything that a script or the content security policy complains about is a problem."""
    page.on("pageerror", lambda error: problems.append(f"script error at {page.url}: {error}"))
    page.on(
        "console",
        lambda message: problems.append(f"console at {page.url}: {message.text}")
        if message.type == "error" and "401" not in message.text
        else None,
    )


def shoot(page, name):
    """A picture of the page, and what axe says of it."""
    page.wait_for_load_state("load")
    page.screenshot(path=f"{SHOTS}/{name}.png")
    for violation in Axe().run(page).response["violations"]:
        if violation["impact"] in SERIOUS:
            nodes = "; ".join(node["html"][:160] for node in violation["nodes"][:3])
            problems.append(f"axe on {name}: {violation['id']} ({violation['impact']}): {nodes}")


def sign_in(page):
    step("a wrong password is refused in words that tell nothing")
    page.goto(f"{BASE}/console")
    expect(page).to_have_url(f"{BASE}/console/sign-in")
    shoot(page, "sign-in")
    page.get_by_label("Address").fill(os.environ["EMAIL"])
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("That did not work")
    step("the right one opens the console")
    page.get_by_label("Address").fill(os.environ["EMAIL"])
    page.get_by_label("Password").fill(os.environ["PASSWORD"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(f"{BASE}/console")
    expect(page.get_by_role("heading", level=1)).to_contain_text("All is well since")
    expect(page.locator("#live")).to_have_text("live")


def find_trail(page):
    step("a lead is found by its address, from any page, and its steps open")
    send("lead-ada", "lead_captured", "sess_ada", email="ada@example.com", firstname="Ada", message="Is it <b>safe</b>?")
    page.goto(f"{BASE}/console/events")
    expect(page.get_by_role("link", name="lead captured").first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("ada@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Trail")).to_be_visible()
    job = page.locator("details.job", has_text="crm.upsert_contact")
    expect(job.locator("summary .tag")).to_have_text("completed", timeout=15000)
    job.locator("summary").click()
    expect(job).to_contain_text("Attempt 1")
    expect(job).to_contain_text("crm contact")
    event = page.locator("details.event", has_text="lead captured")
    event.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(event).to_contain_text("a••••@example.com")
    expect(event).not_to_contain_text("safe")
    shoot(page, "trail")
    page.get_by_role("link", name="Link to this trail").click()
    expect(page.locator("details.job").first).to_be_visible()
    assert "example.com" not in page.url, page.url


def mend_dead_letter(page):
    step("a dead letter appears by itself")
    faults("zendesk", {"fault": "status", "status": 400, "method": "POST"})
    page.goto(f"{BASE}/console/dead")
    expect(page.get_by_text("None. Every job found its way.")).to_be_visible()
    expect(page.locator("#live")).to_have_text("live")
    send("help-1", "support_escalated", "sess_help", message="I was charged twice", email="grace@example.com")
    card = page.locator("article.card")
    expect(card.get_by_role("heading")).to_contain_text("1 complaint has no ticket in Zendesk", timeout=20000)
    expect(page.get_by_role("navigation").locator(".badge").first).to_be_visible()
    shoot(page, "dead-letters")
    page.goto(f"{BASE}/console")
    expect(page.get_by_role("heading", level=1)).to_contain_text("1 complaint has no ticket in Zendesk")
    shoot(page, "now-unwell")
    step("its replay shows its plan first, runs, and completes")
    faults("zendesk")
    page.goto(f"{BASE}/console/dead")
    page.get_by_role("link", name="Replay, plan first").click()
    expect(page.locator(".lead")).to_contain_text("1 job would be tried again at once")
    shoot(page, "plan")
    page.get_by_role("button", name="Replay 1 job").click()
    expect(page.get_by_role("status")).to_contain_text("1 of 1 set going again", timeout=15000)
    expect(page.locator("h1 .tag")).to_have_text("done", timeout=15000)
    shoot(page, "run")
    page.goto(f"{BASE}/console/jobs?destination=desk")
    expect(page.locator("tbody .tag").first).to_have_text("completed", timeout=20000)
    shoot(page, "jobs")
    page.locator("tbody th a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("desk.open_ticket")
    shoot(page, "job")
    page.goto(f"{BASE}/console/dead")
    expect(page.get_by_text("None. Every job found its way.")).to_be_visible()


def pause_and_resume(page):
    step("a destination is paused, its work waits, and it flows again")
    page.goto(f"{BASE}/console/destinations")
    page.get_by_role("button", name="Pause crm").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("paused")
    send("lead-bob", "lead_captured", "sess_bob", email="bob@example.com", firstname="Bob")
    expect(page.locator(".facts")).to_contain_text("1 available", timeout=15000)
    shoot(page, "destination")
    page.goto(f"{BASE}/console")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("HubSpot is paused by a person since")
    expect(heading).to_contain_text("1 lead waits, none lost")
    heading.get_by_role("link").click()
    page.get_by_role("button", name="Ask what it lacks").click()
    expect(page.get_by_role("status")).to_contain_text("It answers")
    page.get_by_role("button", name="Check and resume").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("healthy")
    expect(page.locator(".facts")).to_contain_text("nothing waits", timeout=15000)
    page.goto(f"{BASE}/console/destinations")
    shoot(page, "destinations")


def read_quarantine(page):
    step("what could not be read waits in quarantine, grouped, and its payload is shown with a note in the audit")
    try:
        send("odd-1", "moon_landed", "sess_moon", place="sea of tranquility")
    except urllib.error.HTTPError as refused:
        assert refused.code == 400, refused.code
    page.goto(f"{BASE}/console/quarantine")
    expect(page.locator("article.card h2")).to_contain_text("1 × chat")
    shoot(page, "quarantine")
    page.locator("article.line a").first.click()
    expect(page.get_by_text("tranquility")).to_have_count(0)
    page.get_by_role("button", name="Show the raw payload").click()
    expect(page.locator("pre")).to_contain_text("sea of tranquility")
    shoot(page, "kept")
    page.goto(f"{BASE}/console/audit")
    expect(page.get_by_role("row", name="quarantine.payload")).to_be_visible()
    shoot(page, "audit")
    step("what needs no mend is set aside after a plan, and no longer asks for anybody")
    page.goto(f"{BASE}/console/quarantine")
    page.get_by_role("link", name="Set aside, plan first").click()
    expect(page.locator(".lead")).to_contain_text("1 delivery would be put among the ignored ones")
    page.get_by_role("button", name="Set aside 1 delivery").click()
    expect(page.get_by_text("None.", exact=True)).to_be_visible()
    page.get_by_role("link", name="Show ignored ones").click()
    expect(page.locator("article.line a").first).to_contain_text("chat moon_landed")


def reconcile(page):
    step("what Stripe says is held against the journal, and what never arrived is fetched after a plan")
    page.goto(f"{BASE}/console/reconciliations")
    expect(page.get_by_role("heading", name="Reconciliation")).to_be_visible()
    page.get_by_label("Compare", exact=True).select_option("stripe")
    page.get_by_label("Reaching back").select_option("24h")
    page.get_by_role("button", name="Compare now").click()
    expect(page.locator("h1 .tag")).to_have_text("completed", timeout=20000)
    card = page.locator("article.card", has_text="never arrived")
    expect(card).to_contain_text("2 × never arrived")
    shoot(page, "reconciliation")
    card.get_by_role("link", name="Repair, plan first").click()
    expect(page.locator(".lead")).to_contain_text("2 differences would be repaired")
    shoot(page, "repair-plan")
    page.get_by_role("button", name="Repair 2 differences").click()
    expect(card).to_contain_text("all repaired", timeout=20000)
    page.locator("article.line a", has_text="evt_").first.click()
    expect(page.get_by_role("heading", name="Trail")).to_be_visible()
    page.goto(f"{BASE}/console/reconciliations")
    expect(page.locator("article.card").first).to_contain_text("2 repaired")
    shoot(page, "reconciliations")


def rehearse(page):
    step("a past event runs dry, also with another configuration, and nothing is written")
    page.goto(f"{BASE}/console/flows")
    shoot(page, "flows")
    page.get_by_role("link", name="new lead").click()
    expect(page.get_by_role("heading", name="What it decided")).to_be_visible()
    shoot(page, "flow")
    page.goto(f"{BASE}/console/events?type=lead_captured")
    shoot(page, "events")
    page.locator("tbody th a").last.click()
    shoot(page, "event")
    page.get_by_role("link", name="Dry run").click()
    expect(page.get_by_role("heading", name="crm.upsert_contact")).to_be_visible()
    page.get_by_text("With another configuration").click()
    page.get_by_label("The whole text").fill(
        "product: A\ndestinations:\n  team: { kind: slack, url: env:SLACK_WEBHOOK_URL }\n"
        "flows:\n  - { name: tell, on: lead_captured, do: team.notify }\n"
    )
    page.get_by_role("button", name="Run it dry").click()
    expect(page.get_by_role("heading", name="team.notify")).to_be_visible()
    shoot(page, "dry-run")
    page.get_by_label("The whole text").fill("product: A\nflows:\n  - { name: x, on: lead_captured, do: nowhere.go }\n")
    page.get_by_role("button", name="Run it dry").click()
    expect(page.get_by_role("alert")).to_contain_text("no destination is called")
    page.goto(f"{BASE}/console/jobs?flow=tell")
    expect(page.get_by_text("None fits.")).to_be_visible()


def settings(page):
    step("an administrator adds a person and makes a key, which is shown once")
    page.goto(f"{BASE}/console/settings")
    page.get_by_text("Add a person").click()
    page.get_by_label("Address").fill("reader@example.com")
    page.get_by_label("Password").fill("a password for reading")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="reader@example.com")).to_contain_text("reader")
    page.get_by_text("Make a key").click()
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_label("New key")).to_contain_text("tl_")
    page.goto(f"{BASE}/console/settings")
    expect(page.get_by_label("New key")).to_have_count(0)
    shoot(page, "settings")
    page.goto(f"{BASE}/console/alerts")
    shoot(page, "alerts")


def other_eyes(browser, state):
    step("dark, on a small screen, and without any script")
    for name, options in {
        "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
        "small": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
        "no-script": {"java_script_enabled": False, "viewport": {"width": 1280, "height": 900}},
    }.items():
        context = browser.new_context(storage_state=state, **options)
        page = context.new_page()
        watch(page)
        for path, shot in {
            "/console": "now", "/console/trail?id=ada@example.com": "trail", "/console/jobs": "jobs",
            "/console/destinations": "destinations", "/console/settings": "settings",
        }.items():
            page.goto(BASE + path)
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            if name == "no-script":
                page.screenshot(path=f"{SHOTS}/{shot}-{name}.png")
                continue
            shoot(page, f"{shot}-{name}")
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if wide > 0:
                problems.append(f"{shot}-{name} is {wide} px wider than the screen")
        if name == "no-script":
            page.goto(f"{BASE}/console/destinations")
            page.get_by_role("link", name="crm", exact=True).click()
            page.get_by_role("button", name="Pause").click()
            page.get_by_role("button", name="Check and resume").click()
            expect(page.get_by_role("heading", level=1)).to_contain_text("healthy")
        context.close()


def sign_out(page):
    step("sign out closes the door")
    page.goto(f"{BASE}/console")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{BASE}/console/sign-in")
    page.goto(f"{BASE}/console/jobs")
    expect(page).to_have_url(f"{BASE}/console/sign-in")


def main():
    expect.set_options(timeout=10000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ["CHROMIUM"], args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
        page = context.new_page()
        watch(page)
        started = time.monotonic()
        sign_in(page)
        for scene in [find_trail, mend_dead_letter, pause_and_resume, read_quarantine, reconcile, rehearse, settings]:
            scene(page)
        page.goto(f"{BASE}/console")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        shoot(page, "now")
        other_eyes(browser, context.storage_state())
        sign_out(page)
        browser.close()
    for problem in problems:
        print(f"PROBLEM {problem}", flush=True)
    print(f"{len(problems)} problems in {time.monotonic() - started:.0f} s", flush=True)
    sys.exit(1 if problems else 0)


main()
