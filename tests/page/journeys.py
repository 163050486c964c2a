"""What somebody does with the mouse, from reports to savings: one function a journey. What is expected comes from the reports
themselves, worked by hand, or from the API beside the page."""

import re
from pathlib import Path

from harness import ROOT, look, serious, settle

SAMPLES = ROOT / "data/samples"
GOOD = "time,kW\n" + "".join(f"2024-03-0{day} {hour:02}:00,{100 + hour}\n" for day in (1, 2, 3) for hour in range(24))
SHIFTED = "time,RT\n" + "".join(f"2024-03-0{day} {hour:02}:00,{40 + hour}\n" for day in (1, 2, 3) for hour in range(24))
FIRST_SCREEN = re.compile("#/sessions/[0-9a-f-]{36}$")
BAD = "this is a letter, not a report\nand it has no times at all\n"


def demo(server):
    return next(session for name, session in server.sessions().items() if "emo" in name)


def file(name, text):
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}


def button(page, name):
    return page.get_by_role("button", name=name, exact=isinstance(name, str))


def link(page, name):
    return page.get_by_role("link", name=name)


def new_session(page, *files):
    """Goes to “New session” and hands it files; comes back when each was looked at."""
    look(page, "#/new")
    with page.expect_file_chooser() as chooser:
        button(page, "Choose files").click()
    chooser.value.set_files(list(files))
    page.wait_for_selector("text=/nothing|Read th|Leave out|No file can be read/")
    settle(page)


def reports_become_a_session(server, browser):
    """Reports are looked at before anything is made of them; then they are read, and the first screen is a verdict."""
    with browser.page() as page:
        page.goto(server.page)
        new_session(page, file("north.csv", GOOD), file("north_rt.csv", SHIFTED))
        # 3 days × 24 hours, two points: nothing is made of them yet.
        page.get_by_text("72 rows").first.wait_for()
        assert all(session["status"] == "uploaded" for name, session in server.sessions().items() if "north" in name)
        page.get_by_label("Site").first.fill("North")
        page.get_by_label("Time zone of the clock").first.fill("Asia/Taipei")
        page.get_by_label("Time zone of the clock").first.press("Tab")
        settle(page)
        button(page, re.compile("Read these 2 files")).click()
        page.wait_for_url(FIRST_SCREEN)
        settle(page)
        made = next(session for session in server.sessions().values() if session["site"] == "North")
        assert (made["total_rows"], made["status"], made["timezone"]) == (72, "parsed", "Asia/Taipei"), made
        preview = server.ask("GET", f"data/preview?session_id={made['session_id']}&rows=1")
        assert preview["preview"][0]["kW"] == 100 and preview["preview"][0]["RT"] == 40, preview


def a_bad_file_is_named_and_the_good_ones_are_read(server, browser):
    # The browser notes that the look at the bad one alone was refused.
    with browser.page(allowed=["/parse"]) as page:
        page.goto(server.page)
        new_session(page, file("good.csv", GOOD), file("letter.csv", BAD))
        page.get_by_text("letter.csv").first.wait_for()
        page.get_by_text("cannot be read").first.wait_for()
        button(page, re.compile("Leave out 1|Leave out one|Read this file")).first.click()
        page.wait_for_url(FIRST_SCREEN)
        settle(page)
        made = next(session for session in server.sessions().values() if session["total_rows"] == 72 and session["site"] is None)
        assert made["status"] == "parsed", made
        # The bad one alone: nothing is kept of it, and no `failed` session is left.
        before = set(server.sessions())
        new_session(page, file("letter.csv", BAD))
        page.get_by_text("cannot be read").first.wait_for()
        give_up = button(page, "Give up")
        if give_up.count():
            give_up.first.click()
            page.get_by_text("Given up").or_(page.get_by_text("nothing was kept")).first.wait_for()
        left = {name: session["status"] for name, session in server.sessions().items() if name not in before}
        assert "failed" not in left.values(), left
        assert not server.ask("GET", "sessions?status=failed")["items"]


def the_list_is_searched_described_and_a_delete_undone(server, browser):
    with browser.page() as page:
        page.goto(server.page)
        settle(page)
        # By the name of a point, which only the demo has.
        page.get_by_role("searchbox").first.fill("CHWST")
        page.wait_for_url("**q=CHWST*")
        settle(page)
        name = demo(server)["name"]
        assert link(page, name).count() >= 1
        look(page, "#/")
        button(page, f"Edit: {name}").click()
        page.get_by_role("textbox", name=re.compile("^Tags")).fill("august, check")
        page.get_by_role("textbox", name="Notes").fill("冰水主機 2 looked odd")
        button(page, "Save").click()
        page.get_by_text("is saved").wait_for()
        kept = server.ask("GET", f"sessions/{demo(server)['session_id']}")
        assert (sorted(kept["tags"]), kept["notes"]) == (["august", "check"], "冰水主機 2 looked odd")
        look(page, "#/?tag=august")
        assert page.locator("main li").count() == 1
        look(page, "#/")
        button(page, f"Delete: {name}").click()
        button(page, "Undo").click()
        page.get_by_text("is back").wait_for()
        assert demo(server)["deleted_at"] is None


def the_verdict_leads_to_the_place(server, browser):
    """Its figures are the API's own, and each leads on."""
    identity = demo(server)["session_id"]
    with browser.page() as page:
        page.goto(server.page)
        look(page, f"#/sessions/{identity}")
        page.locator("main").get_by_text(re.compile("Data are")).first.wait_for()
        assert serious(page) == []
        for heading in ("What is there, day by day", "Dead points", "Why values are missing", "Energy"):
            assert page.get_by_role("heading", name=heading).count() >= 1, heading
        page.locator(f"main a[href*='{identity}/chart']").first.click()
        page.wait_for_url("**/chart*")
        settle(page)
        assert page.locator(".uplot canvas").count() >= 1


def a_chart_is_zoomed_and_its_address_brings_it_back(server, browser):
    identity = demo(server)["session_id"]
    with browser.page() as page:
        page.goto(server.page)
        look(page, f"#/sessions/{identity}/chart?columns=CHWST,CH_SYS_TOTAL_KW")
        over = page.locator(".uplot .u-over").first
        box = over.bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 80)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 90, steps=5)
        page.mouse.up()
        page.wait_for_url("**from=*")
        settle(page)
        zoomed = page.url
        over.hover()
        page.mouse.wheel(0, -240)
        page.wait_for_function("before => location.href !== before", arg=zoomed)
        settle(page)
        address = page.url
        page.reload()
        settle(page)
        assert page.url == address and page.locator(".uplot canvas").count() >= 1
        with page.expect_download() as saved:
            button(page, "Save picture").first.click()
        assert Path(saved.value.path()).read_bytes().startswith(b"\x89PNG")
        with page.expect_download() as saved:
            page.get_by_text("Save as CSV").first.click()
        lines = Path(saved.value.path()).read_text().splitlines()
        assert lines[0].replace('"', "").split(",")[1:] == ["CHWST", "CH_SYS_TOTAL_KW"] and 2 < len(lines) < 1344, lines[:2]


def a_chart_follows_fingers(server, browser):
    identity = demo(server)["session_id"]
    with browser.page("phone", touch=True) as page:
        page.goto(server.page)
        look(page, f"#/sessions/{identity}/chart?columns=CHWST")
        before = page.url
        page.evaluate("""() => {
            const over = document.querySelector(".uplot .u-over"), { left, top, width } = over.getBoundingClientRect();
            const at = (id, x) => new Touch({ identifier: id, target: over, clientX: left + x * width, clientY: top + 50 });
            const send = (kind, touches) => over.dispatchEvent(new TouchEvent(kind, { touches, changedTouches: touches, bubbles: true, cancelable: true }));
            send("touchstart", [at(1, 0.4), at(2, 0.6)]);
            for (let step = 1; step <= 5; step += 1) send("touchmove", [at(1, 0.4 - step * 0.05), at(2, 0.6 + step * 0.05)]);
            send("touchend", [at(1, 0.15), at(2, 0.85)]);
        }""")
        page.wait_for_function("before => location.href !== before", arg=before)
        settle(page)
        assert "from=" in page.url


def rows_are_sorted_and_found_by_time(server, browser):
    identity = demo(server)["session_id"]
    with browser.page() as page:
        page.goto(server.page)
        look(page, f"#/sessions/{identity}/table")
        page.get_by_label("Go to time").fill("2024-07-03 12:00")
        button(page, "Go").click()
        page.wait_for_url("**2024-07-03*")
        settle(page)
        assert page.locator("tbody tr").first.inner_text().startswith("2024-07-03 12:00")
        look(page, f"#/sessions/{identity}/table")
        page.locator("thead").get_by_role("button", name=re.compile("^CHWST")).first.click()
        settle(page)
        asked = server.ask("POST", "query", {"session_id": identity, "sql": 'SELECT min("CHWST") AS least, max("CHWST") AS most FROM latest'})
        least, most = asked["rows"][0]
        head = page.locator("thead th").evaluate_all("heads => heads.map((head) => (head.querySelector('.table-name') ?? head).textContent)")
        first = float(page.locator("tbody tr").first.locator("td").nth(head.index("CHWST")).inner_text().split()[0])
        assert first in (least, most), (first, least, most)


def statistics_say_what_the_api_says(server, browser):
    identity = demo(server)["session_id"]
    with browser.page() as page:
        page.goto(server.page)
        look(page, f"#/sessions/{identity}/statistics")
        page.get_by_role("button", name="CHWST").or_(link(page, "CHWST")).first.click()
        settle(page)
        stats = server.ask("GET", f"data/stats?session_id={identity}&column=CHWST")
        assert f"{stats['mean']:.4g}" in page.locator("main").inner_text()
        assert page.locator("main canvas").count() >= 2
        for part in ("Correlation", "kW/RT against load"):
            button(page, part).or_(link(page, part)).first.click()
            settle(page)
            assert page.locator("main canvas").count() >= 1, part


def a_cleaning_is_counted_before_it_is_made(server, browser):
    identity = demo(server)["session_id"]
    with browser.page() as page:
        page.goto(server.page)
        look(page, f"#/sessions/{identity}/clean")
        versions = len(server.ask("GET", f"sessions/{identity}")["versions"])
        page.get_by_label("Spikes").first.check()
        settle(page)
        button(page, re.compile("Spikes|off|nothing found|values|one value"))
        assert len(server.ask("GET", f"sessions/{identity}")["versions"]) == versions, "a look makes no version"
        page.get_by_text("Take out", exact=True).first.click()
        settle(page)
        button(page, re.compile("^Clean")).last.click()
        page.locator("main").get_by_text(re.compile("cleaned-v\\d")).first.wait_for()
        settle(page)
        after = server.ask("GET", f"sessions/{identity}")["versions"]
        assert len(after) == versions + 1, [version["version"] for version in after]
        page.locator("main a[href*='/chart']").first.click()
        page.wait_for_url("**/chart*")


def a_model_is_trained_in_two_clicks(server, browser):
    """On the demo, by the page's own suggestion; then its pictures, and the set-points it leads to."""
    identity = demo(server)["session_id"]
    with browser.page() as page:
        page.goto(server.page)
        look(page, f"#/sessions/{identity}/model")
        name = page.get_by_role("textbox", name="Name").input_value()
        assert page.get_by_role("combobox", name="It predicts").input_value() == "CH_SYS_TOTAL_KW"
        button(page, "Train").click()
        page.get_by_text("Look at it").first.wait_for(timeout=120000)
        link(page, "Look at it").first.click()
        settle(page)
        model = server.ask("GET", f"models/by-name/{name}")
        text = page.locator("main").inner_text()
        assert f"{model['metrics']['mape']:.1f}" in text or f"{model['metrics']['mape']:.2f}" in text, text[:600]
        assert page.get_by_role("heading", name="Predicted against measured").count() == 1
        assert page.locator("main canvas").count() >= 2


def set_points_are_recommended_and_followed_up(server, browser):
    with browser.page() as page:
        page.goto(server.page)
        look(page, "#/setpoints/demo-model")
        runs = server.ask("GET", "optimizations")["total"]
        button(page, "Recommend set-points").first.click()
        page.get_by_text("Kept since").first.wait_for()
        assert server.ask("GET", "optimizations")["total"] == runs + 1
        newest = server.ask("GET", "optimizations")["items"][0]
        text = page.locator("main").inner_text()
        assert "no change" in text or f"{newest['savings_kw']:.0f}" in text or "Leave it" in text, text[:500]
        look(page, "#/setpoints?tab=history")
        assert page.locator("main tbody tr").count() >= 1 or page.locator("main li").count() >= 1


def findings_say_what_was_looked_at(server, browser):
    identity = demo(server)["session_id"]
    with browser.page() as page:
        page.goto(server.page)
        look(page, f"#/sessions/{identity}/findings")
        found = server.ask("GET", f"sessions/{identity}/findings")
        text = page.locator("main").inner_text()
        for item in found["items"][:3]:
            assert item["machine"] in text
        assert re.search("fouled|fouling", text), text[:400]


def a_statement_is_asked_kept_and_linked(server, browser):
    identity = demo(server)["session_id"]
    statement = 'SELECT count(*) AS n, max("CHWST") AS most FROM latest'
    with browser.page(allowed=["422"]) as page:
        page.goto(server.page)
        look(page, f"#/ask?session={identity}")
        page.get_by_role("textbox", name="Statement").or_(page.locator("textarea")).first.fill(statement)
        page.keyboard.press("Control+Enter")
        page.locator("main td", has_text=re.compile("^1,?344$")).first.wait_for()
        address = page.url
        page.reload()
        settle(page)
        assert page.url == address and page.locator("textarea").first.input_value() == statement
        page.locator("textarea").first.fill('SELECT "CHWS" FROM latest')
        page.keyboard.press("Control+Enter")
        page.locator(".problem", has_text="CHWST").first.wait_for()


def the_system_shows_its_work(server, browser):
    with browser.page() as page:
        page.goto(server.page)
        look(page, "#/system")
        page.get_by_text("All is well").wait_for()
        for tab in ("Jobs", "Cache and storage", "Sites", "Settings", "People and keys", "Audit"):
            link(page, tab).first.click()
            settle(page)
            assert page.locator("main .problem").count() == 0, tab
        page.locator("main").get_by_text("cleaned a session").first.wait_for()


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
        page.wait_for_function("!document.querySelector('.connection:not([hidden])')")
        settle(page)
        assert "q=kW" in page.url


def all_of_it_goes_by_keyboard(server, browser):
    """From the first key on: skip to the content, through the list, into a session; the focus is always seen."""
    with browser.page() as page:
        page.goto(server.page)
        settle(page)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        for _ in range(40):
            page.keyboard.press("Tab")
            place = page.evaluate("(() => { const a = document.activeElement; return [a.getAttribute('href') ?? '', getComputedStyle(a).outlineStyle]; })()")
            assert place[1] != "none", place
            if place[0].startswith("#/sessions/"):
                break
        page.keyboard.press("Enter")
        page.wait_for_url("**#/sessions/**")


def a_session_of_the_hospital(server, browser):
    """Real reports, where they are: the whole way on 120 points, no view without its answer."""
    kmuh = server.sessions().get("kmuh")
    if kmuh is None:
        return
    with browser.page() as page:
        page.goto(server.page)
        for tab in ("verdict", "chart", "table", "statistics", "clean", "model", "findings", "files"):
            look(page, f"#/sessions/{kmuh['session_id']}/{tab}")
            assert page.locator("main .problem").count() == 0, tab
        look(page, f"#/sessions/{kmuh['session_id']}/model")
        assert page.get_by_role("combobox", name="It predicts").input_value() == "MMCB_KW"


ALL = [
    reports_become_a_session, a_bad_file_is_named_and_the_good_ones_are_read, the_list_is_searched_described_and_a_delete_undone, the_verdict_leads_to_the_place,
    a_chart_is_zoomed_and_its_address_brings_it_back, a_chart_follows_fingers, rows_are_sorted_and_found_by_time, statistics_say_what_the_api_says,
    a_cleaning_is_counted_before_it_is_made, a_model_is_trained_in_two_clicks, set_points_are_recommended_and_followed_up, findings_say_what_was_looked_at,
    a_statement_is_asked_kept_and_linked, the_system_shows_its_work, a_restart_in_the_middle_is_bridged, offline_is_said_and_ends_by_itself, all_of_it_goes_by_keyboard,
    a_session_of_the_hospital,
]
