"""What goes wrong meanwhile: no network, a server that is killed or asked too much. Nothing is lost, and it goes on by itself."""

import re
import time
from collections import Counter
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from harness import Server, look, settle, until
from journeys import FIRST_SCREEN, GOOD, button, demo, file, link, new_session

AWAY = ["502", "503", "504", "Failed to load", "ERR_"]


def a_restart_in_the_middle_is_bridged(server, browser):
    """The server is killed while somebody looks: what is shown stays, it is said, and it goes on by itself."""
    identity = demo(server)["session_id"]
    with browser.page(allowed=["502", "503", "504", "Failed to load"]) as page:
        page.goto(server.page)
        look(page, f"#/sessions/{identity}/statistics")
        shown = page.locator("main").inner_text()
        server.stop(kill=True)
        link(page, "Table").first.click()
        page.get_by_text("The server does not answer").first.wait_for()
        assert page.locator("header").is_visible() and len(shown) > 100
        server.start()
        page.locator("tbody tr td", has_text="2024-07-01").first.wait_for(timeout=30000)
        assert not page.get_by_text("The server does not answer").first.is_visible()


def offline_is_said_and_ends_by_itself(server, browser):
    with browser.page(allowed=["ERR_INTERNET_DISCONNECTED", "Failed to fetch", "Failed to load"]) as page:
        page.goto(server.page)
        settle(page)
        page.context.set_offline(True)
        page.get_by_role("searchbox").first.fill("kW")
        page.get_by_text("The server does not answer").first.wait_for()
        page.context.set_offline(False)
        until(page, "!document.querySelector('.connection:not([hidden])')")
        settle(page)
        assert "q=kW" in page.url


def what_is_too_much_at_once_is_waited_for(server, browser):
    """Whoever is told to come again in a second does so, and says it."""
    refused = []

    def once(route):
        if refused:
            return route.continue_()
        refused.append(route.request.url)
        return route.fulfill(status=429, headers={"retry-after": "1"}, content_type="application/problem+json", body='{"code": "rate_limited", "status": 429}')

    with browser.page(allowed=["429"]) as page:
        page.route("**/api/v1/sessions?*", once)
        page.goto(server.page)
        page.get_by_text("The server is given a moment").wait_for()
        page.locator("main a.name").first.wait_for()
        assert refused and not page.locator(".connection").is_visible()


def whoever_clicks_quickly_is_never_refused(server, browser):
    """As it is set up by default, behind a proxy that nobody has named: all people have one address, and none has to wait."""
    here = Server(server.binary, server.folder / "default", server.sources, RATE_LIMIT_ANONYMOUS="100", RATE_LIMIT_HEAVY="10", TRUSTED_PROXIES="")
    try:
        here.run("demo")
        here.start()
        session = demo(here)["session_id"]
        tabs = ("verdict", "chart", "table", "statistics", "clean", "model", "findings", "findings?part=events", "files")
        places = ["#/", *(f"#/sessions/{session}/{tab}" for tab in tabs), "#/models", "#/ask", "#/system", "#/system/jobs", "#/new", "#/records"]
        answers = []
        # What is posted is refused: nobody has said that the page's origin, the proxy's, is ours.
        with browser.page(allowed=["/data/efficiency", "403 (Forbidden)"]) as page:
            page.on("response", lambda response: "/api/" in response.url and answers.append(response.status))
            page.goto(here.page)
            began = time.monotonic()
            for place in places * 3:
                look(page, place)
            taken = time.monotonic() - began
        print(f"page: {len(places) * 3} views in {taken:.0f} s asked {len(answers)} questions")
        assert 429 not in answers
        # A flood is refused, whoever it says that it is.
        flood = Counter(status(f"{here.page}api/v1/status", {"x-hvac-page": "1"}) for _ in range(1200))
        assert flood[429] > 100, flood
    finally:
        here.end()


def a_site_with_a_slash_is_found_behind_any_proxy(server, browser):
    """What a kilowatt-hour costs at North/South, stated through a proxy that unescapes paths."""
    strange = server.sessions()["strange building"]
    server.ask("PATCH", f"sessions/{strange['session_id']}", {"site": "North/South"})
    with browser.page() as page:
        page.goto(server.page.replace("/hvac/", "/usual/"))
        look(page, "#/system/sites/North%2FSouth")
        button(page, "State a price").click()
        page.get_by_label("Price of 1 kWh").fill("3.5")
        button(page, "Save").click()
        page.get_by_text("TWD 3.5").wait_for()
        settle(page)
    assert server.ask("GET", "sites/-?site=North%2FSouth")["energy_price"] == {"currency": "TWD", "per_kwh": 3.5}
    server.ask("PATCH", f"sessions/{strange['session_id']}", {"site": None})


def status(url, headers):
    try:
        return urlopen(Request(url, headers=headers), timeout=60).status
    except HTTPError as refused:
        return refused.code


def a_change_that_meets_no_server_changes_nothing(server, browser):
    """It is sent once and said; asked again when the network is back, it is done once."""
    with browser.page(allowed=AWAY) as page:
        page.goto(server.page)
        look(page, "#/setpoints?model=demo-model")
        runs = server.ask("GET", "optimizations")["total"]
        page.context.set_offline(True)
        button(page, "Recommend set-points").click()
        page.get_by_text("nothing was changed").wait_for()
        page.context.set_offline(False)
        page.wait_for_timeout(500)
        assert server.ask("GET", "optimizations")["total"] == runs, "it was not sent later behind somebody's back"
        button(page, "Recommend set-points").click()
        link(page, "Follow it up").wait_for()
        assert server.ask("GET", "optimizations")["total"] == runs + 1


def a_kill_in_the_middle_of_an_upload_loses_nothing(server, browser):
    """The server dies while a file comes in: it is sent again by itself, and counts once."""
    rows = "".join(f"2024-04-{day:02} {hour:02}:{minute:02},{100 + hour}\n" for day in range(1, 29) for hour in range(24) for minute in range(60))
    with browser.page(allowed=AWAY) as page:
        page.goto(server.page)
        look(page, "#/new")
        client = page.context.new_cdp_session(page)
        client.send("Network.enable")
        client.send("Network.emulateNetworkConditions", {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000})
        with page.expect_file_chooser() as chooser:
            button(page, "Choose files").click()
        chooser.value.set_files([file("april.csv", "time,kW\n" + rows)])
        page.get_by_text(re.compile("april")).first.wait_for()
        page.wait_for_timeout(600)
        server.stop(kill=True)
        client.send("Network.emulateNetworkConditions", {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})
        page.get_by_text("The server does not answer").first.wait_for()
        server.start()
        page.get_by_text("40,320 rows").first.wait_for(timeout=30000)
        settle(page)
        button(page, "Read this file").click()
        page.wait_for_url(FIRST_SCREEN, timeout=30000)
        made = server.ask("GET", f"sessions/{page.url.rsplit('/', 1)[1]}")
        assert (made["total_rows"], len(made["files"])) == (28 * 24 * 60, 1), made
        assert not server.ask("GET", "sessions?status=failed")["items"]


def a_kill_in_the_middle_of_a_cleaning_ends_in_a_version(server, browser):
    """The job is taken up again by the server that comes; the page follows it until there is one version more."""
    year = server.sessions()["year"]["session_id"]
    with browser.page(allowed=AWAY) as page:
        page.goto(server.page)
        look(page, f"#/sessions/{year}/clean")
        versions = len(server.ask("GET", f"sessions/{year}")["versions"])
        button(page, re.compile("^Clean: only report")).click()
        until = time.monotonic() + 20
        while not server.ask("GET", "jobs?status=running")["items"]:
            assert time.monotonic() < until, "no job ran"
        server.stop(kill=True)
        page.get_by_text("The server does not answer").first.wait_for()
        server.start()
        page.get_by_role("heading", name="Report of cleaned-v").wait_for(timeout=120000)
        assert len(server.ask("GET", f"sessions/{year}")["versions"]) == versions + 1


ALL = [
    offline_is_said_and_ends_by_itself, what_is_too_much_at_once_is_waited_for, whoever_clicks_quickly_is_never_refused, a_site_with_a_slash_is_found_behind_any_proxy, a_change_that_meets_no_server_changes_nothing, a_restart_in_the_middle_is_bridged,
    a_kill_in_the_middle_of_an_upload_loses_nothing, a_kill_in_the_middle_of_a_cleaning_ends_in_a_version,
]
