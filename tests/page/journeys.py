"""What somebody does with the mouse, from reports to savings: one function a journey. What is expected comes from the reports
themselves, worked by hand, or from the API beside the page."""

import json
import re
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from harness import look, overflow, serious, settle, until

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
        button(page, "Give up").click()
        page.get_by_text("nothing was kept").wait_for()
        assert set(server.sessions()) == before
        assert not server.ask("GET", "sessions?status=failed")["items"] and not server.ask("GET", "sessions?deleted=true&q=letter")["items"]


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
        page.wait_for_url(lambda address: address != zoomed)
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
        page.wait_for_url(lambda address: address != before)
        settle(page)
        assert "from=" in page.url


def rows_are_sorted_and_found_by_time(server, browser):
    identity = demo(server)["session_id"]
    with browser.page() as page:
        page.goto(server.page)
        look(page, f"#/sessions/{identity}/table")
        page.get_by_label("Go to time").fill("2024-07-03 12:00")
        # What is typed stays while the page is drawn anew around it.
        button(page, "Dark").click()
        settle(page)
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
    """Counted by the rule's own limit while it moves; then made, and laid over what it was made of."""
    identity = demo(server)["session_id"]
    with browser.page() as page:
        page.goto(server.page)
        look(page, f"#/sessions/{identity}/clean?interval=15m")
        before = server.ask("GET", f"sessions/{identity}")["versions"]
        # As few samples of one value as the slider allows: what is counted beside it is what the API's own dry run counts.
        page.get_by_role("switch", name="Sensors that stand still").or_(page.get_by_role("checkbox", name="Sensors that stand still")).first.check()
        page.get_by_text("Take out", exact=True).first.click()
        settle(page)
        asked = {"session_id": identity, "dataset_id": "parsed", "resample_interval": "15m", "detect_frozen": True, "filter_invalid": True, "dry_run": True}
        forecast = server.ask("POST", "clean", asked)
        assert f"{forecast['report']['cells']['kept']:,} of {forecast['report']['cells']['before']:,} stay" in page.locator("aside").inner_text()
        assert len(server.ask("GET", f"sessions/{identity}")["versions"]) == len(before), "a look makes no version"
        button(page, re.compile("^Clean: take out")).click()
        page.get_by_role("heading", name="Report of cleaned-v").wait_for()
        settle(page)
        after = server.ask("GET", f"sessions/{identity}")["versions"]
        made = next(version for version in after if version["id"] not in [one["id"] for one in before])
        assert len(after) == len(before) + 1 and made["cleaned_from"], after
        compared = server.ask("GET", f"sessions/{identity}/compare?a=parsed-v1&b={made['version']}")
        link(page, re.compile("^Compare with")).click()
        settle(page)
        assert compared["b"]["version"] == made["version"] and page.get_by_role("heading", name="Points that differ").or_(page.get_by_text("Points that differ")).count() >= 1
        page.go_back()
        settle(page)
        link(page, "Before and after on the chart").click()
        page.wait_for_url("**/chart*")
        settle(page)
        assert f"version={made['version']}" in page.url and "with=parsed" in page.url, page.url
        assert page.locator(".chart-entry-other").count() >= 1


def an_event_leads_to_its_place(server, browser):
    """What a rule hit is listed beside the plot; pressed, the chart shows it whole, and little more."""
    identity = demo(server)["session_id"]
    event = server.ask("GET", f"data/events?session_id={identity}&version=cleaned-v1&rule=frozen")["items"][0]
    with browser.page() as page:
        page.goto(server.page)
        look(page, f"#/sessions/{identity}/chart?version=cleaned-v1&columns=CHWST")
        button(page, f"Draw {event['column']}").click()
        page.wait_for_url(f"**columns=CHWST,{event['column']}*")
        settle(page)
        page.locator("button.chart-event", has_text="Stands still").first.click()
        page.wait_for_url("**from=*")
        start, end = (re.search(f"{name}=([^&]+)", page.url)[1][:16] for name in ("from", "to"))
        # On the site's clock, as the event is told; half as long again on either side.
        assert "2024-07-04T03" <= start <= event["start_at"][:16] and event["end_at"][:16] <= end <= "2024-07-05T05", (start, end, event)


def a_unit_is_stated_for_the_next_parse(server, browser):
    """A speed without a unit is given one: the site remembers it, and the chart says that this version keeps its own."""
    identity = demo(server)["session_id"]
    with browser.page() as page:
        page.goto(server.page)
        look(page, f"#/sessions/{identity}/chart?columns=CHP_VFD_OUT")
        button(page, re.compile("^Set the unit of CHP_VFD_OUT")).click()
        page.get_by_role("combobox", name="Unit", exact=True).fill("Hz")
        button(page, "Save").click()
        page.get_by_text("that unit from the next parse on").wait_for()
        settle(page)
        assert [one["unit"] for one in server.ask("GET", "sites/DEMO/overrides")["columns"]] == ["Hz"]
        assert "→ Hz" in button(page, re.compile("^Set the unit of CHP_VFD_OUT")).inner_text()


def two_versions_are_laid_over_each_other(server, browser):
    """The line of what was cleaned over what was parsed; under the cursor stands the value of each, as the API has it."""
    identity = demo(server)["session_id"]
    with browser.page() as page:
        page.goto(server.page)
        look(page, f"#/sessions/{identity}/chart?version=cleaned-v1&columns=CHWST&from=2024-07-02T06:00&to=2024-07-02T12:00")
        assert page.locator(".chart-entry-other").count() == 0
        page.get_by_label("Laid over, dashed").select_option("parsed-v1")
        page.wait_for_url("**with=parsed*")
        settle(page)
        box = page.locator(".uplot .u-over").first.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
        entry = page.locator(".chart-entry").first
        shown = [float(text) for text in entry.locator("b.number").all_inner_texts()]
        span = "from=2024-07-02T06:00&to=2024-07-02T12:00"
        for number, version in zip(shown, ("cleaned-v1", "parsed-v1"), strict=True):
            values = [row["CHWST"] for row in server.ask("GET", f"data/preview?session_id={identity}&version={version}&columns=CHWST&rows=500&{span}")["preview"]]
            assert any(abs(number - value) < 0.001 for value in values if value is not None), (version, number, values)


def a_model_is_trained_in_two_clicks(server, browser):
    """On the demo, by the page's own suggestion: the tab, the button. Then its pictures, and the set-points it leads to."""
    train(server, browser, demo(server), "CH_SYS_TOTAL_KW")


def a_point_is_moved_to_where_it_belongs(server, browser):
    """By keyboard as by mouse; a reload keeps it, and what is not used is not trained with."""
    identity = demo(server)["session_id"]
    with browser.page() as page:
        page.goto(server.page)
        look(page, f"#/sessions/{identity}/model")
        page.get_by_label("Part of OAH").select_option("")
        page.get_by_text("one moved by you").wait_for()
        page.reload()
        settle(page)
        page.get_by_text("one moved by you").wait_for()
        assert page.get_by_text("14 of 17 points play a part").count() == 1
        button(page, "As suggested again").click()
        page.get_by_text("15 of 17 points play a part").wait_for()


def a_version_of_a_model_gets_a_name(server, browser):
    with browser.page() as page:
        page.goto(server.page)
        look(page, "#/models/demo-model")
        button(page, "Set an alias").click()
        page.get_by_role("textbox", name=re.compile("^Alias")).fill("production")
        button(page, "Save").click()
        page.get_by_text("“production” now means v1").wait_for()
        assert server.ask("GET", "models/by-name/demo-model")["aliases"] == ["production"]
        for tab, heading in (("What it goes by", "What it goes by"), ("Try it", "What would it say?")):
            link(page, tab).click()
            settle(page)
            page.get_by_role("heading", name=heading).first.wait_for()
        button(page, "Predict").click()
        page.get_by_text("It says").first.wait_for()


def a_strange_building_is_trained_in_two_clicks(server, browser):
    """Names that no list knows: the plant's total power is found, and a chiller's own power is left out and named."""
    session = server.sessions()["strange building"]
    text = train(server, browser, session, "kW_Tot")
    # kW over RT, and the parts of which kW_Tot is the sum.
    assert "kW_RT" in text and "kW_CHH" in text, text[:900]


def train(server, browser, session, target):
    with browser.page() as page:
        page.goto(server.page)
        look(page, f"#/sessions/{session['session_id']}")
        link(page, "Model").last.click()
        settle(page)
        name = page.get_by_role("textbox", name="Name").input_value()
        assert page.get_by_role("combobox", name="It predicts").input_value() == target
        button(page, "Train").click()
        link(page, "Look at it").first.wait_for(timeout=120000)
        settle(page)
        told = page.locator("main").inner_text()
        link(page, "Look at it").first.click()
        settle(page)
        model = server.ask("GET", f"models/by-name/{name}")
        assert model["target_col"] == target and not model["leaks"], model["leaks"]
        text = page.locator("main").inner_text()
        assert f"{model['metrics']['time_ordered']['mape']:.1f}\u00a0% off on average" in text, text[:600]
        page.get_by_role("heading", name="Predicted against measured").wait_for()
        assert page.locator("main canvas").count() >= 2
        return told


def set_points_are_recommended_and_followed_up(server, browser):
    """Asked, kept, and told that they were applied: it says what is still to come before the saving can be measured."""
    with browser.page(allowed=["/verify"]) as page:
        page.goto(server.page)
        look(page, "#/setpoints?model=demo-model")
        runs = server.ask("GET", "optimizations")["total"]
        button(page, "Recommend set-points").click()
        link(page, "Follow it up").wait_for()
        settle(page)
        assert server.ask("GET", "optimizations")["total"] == runs + 1
        run = server.ask("GET", "optimizations")["items"][0]
        text = page.locator("main").inner_text()
        assert (f"Saves {run['savings_kw']:.3g}" if run["change"] else "Leave it as it is") in text, text[:800]
        link(page, "Follow it up").click()
        settle(page)
        button(page, "Say what became of it").click()
        page.get_by_label("Applied since").fill("2024-07-13T06:00")
        button(page, "Save").click()
        page.get_by_text("That is kept").wait_for()
        settle(page)
        outcome = server.ask("GET", f"optimizations/{run['run_id']}")["outcome"]
        # Six in the morning on the site's clock.
        assert outcome["applied"] and outcome["applied_at"] == "2024-07-12T22:00:00.000Z", outcome
        page.get_by_text("There are not enough days yet").wait_for()
        look(page, "#/setpoints/history")
        assert page.locator("main tbody tr").first.get_by_text("applied", exact=True).count() == 1


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
        button(page, "Keep").click()
        page.get_by_role("textbox", name="Name").fill("most of <b>CHWST</b>")
        button(page, "Save").click()
        kept = link(page, "most of <b>CHWST</b>")
        kept.wait_for()
        assert [one["sql"] for one in server.ask("GET", "queries")["queries"]] == [statement]
        look(page, "#/ask")
        kept.click()
        page.locator("main td", has_text=re.compile("^1,?344$")).first.wait_for()
        page.locator("textarea").first.fill('SELECT "CHWS" FROM latest')
        page.keyboard.press("Control+Enter")
        page.locator(".problem", has_text="CHWST").first.wait_for()


def declared_collections_are_listed(server, browser):
    """The page's list of a collection is made from its declaration alone: filtered, sorted, counted as the server does."""
    orders = [{"work_order_id": f"W-{n}", "title": f"Look at pump {n}", "status": "open" if n % 3 else "done"} for n in range(1, 8)]
    server.ask("POST", "work-orders/batch", {"work_orders": orders})
    with browser.page() as page:
        page.goto(server.page)
        look(page, "#/records/work_orders")
        page.get_by_text("7 records").wait_for()
        page.get_by_label("status").select_option("open")
        page.wait_for_url("**status=open*")
        page.get_by_text("5 records").wait_for()
        page.locator("thead").get_by_role("button", name="work_order_id").click()
        page.wait_for_url("**sort=work_order_id*")
        settle(page)
        keys = page.locator("tbody tr td:first-child").all_inner_texts()
        assert keys == ["W-7", "W-5", "W-4", "W-2", "W-1"], keys
        page.get_by_role("link", name="equipment", exact=True).click()
        page.get_by_text("No record is there yet").wait_for()
        page.get_by_text(re.compile("^POST .*/api/v1/equipment/batch$")).wait_for()


def the_system_shows_its_work(server, browser):
    with browser.page() as page:
        page.goto(server.page)
        look(page, "#/system")
        page.get_by_text("All is well").wait_for()
        for tab in ("Jobs", "Cache and storage", "Sites", "Settings", "People and keys", "Audit"):
            link(page, tab).first.click()
            settle(page)
            assert page.locator("main .problem").count() == 0, tab
        done = server.ask("GET", "audit?page_size=50")["items"]
        assert page.locator("main .system-entry").count() == min(50, len(done))
        assert page.locator("main .system-entry strong").all_inner_texts()[:5] == [entry["who"] for entry in done[:5]]
        said = {"session.upload": "uploaded reports", "session.parse": "parsed a session", "clean.enqueue": "began to clean a session",
                "train.enqueue": "began to train a model", "optimization.create": "asked for set-points", "session.restore": "restored a session"}
        told = page.locator("main .system-entry summary").all_inner_texts()
        assert any(entry["action"] in said for entry in done), done
        for entry, text in zip(done, told, strict=True):
            assert said.get(entry["action"], "") in text and entry["action"] not in text, (entry["action"], text)


def a_key_is_shown_once(server, browser):
    with browser.page() as page:
        page.goto(server.page)
        look(page, "#/system/people")
        button(page, "New key").click()
        page.get_by_role("textbox", name=re.compile("^Name")).fill("gateway <1>")
        page.get_by_role("combobox", name=re.compile("^Role")).select_option("operator")
        button(page, "Make it").click()
        key = page.locator(".system-key .mono").inner_text()
        request = Request(f"http://127.0.0.1:{server.port}/api/v1/account", headers={"x-api-key": key})
        with urlopen(request) as answer:
            assert json.load(answer)["role"] == "operator"
        page.reload()
        settle(page)
        page.get_by_text("gateway <1>").first.wait_for()
        assert key not in page.content()
        button(page, "End gateway <1>").click()
        page.get_by_role("dialog").get_by_role("button", name="End", exact=True).click()
        page.get_by_text("is ended").first.wait_for()
        try:
            urlopen(request)
            raise AssertionError("a key that was ended still opens")
        except HTTPError as refused:
            assert refused.code == 401


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


def a_finger_is_enough(server, browser):
    """The whole way on a phone: nothing is too small to be hit, nothing wider than the window."""
    session = demo(server)
    with browser.page("phone", "dark", "zh-TW", touch=True) as page:
        page.goto(server.page)
        settle(page)
        page.locator(f"main a.name[href*='{session['session_id']}']").tap()
        page.wait_for_url(FIRST_SCREEN)
        settle(page)
        small = {}
        for tab in ("verdict", "chart", "table", "statistics", "clean", "model", "findings", "files"):
            page.locator(f"nav.tabs a[href*='/{tab}']").tap()
            page.wait_for_url(f"**/{tab}*")
            settle(page)
            assert overflow(page) <= 0, tab
            low = page.evaluate("""[...document.querySelectorAll('main button, main .button, main select, main nav a, main input:not([type=checkbox], [type=radio], [type=range], .visually-hidden)')]
              .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 39.5).map((one) => `${one.className} ${one.textContent.slice(0, 30)} ${one.getBoundingClientRect().height}`)""")
            if low:
                small[tab] = low[:6]
        assert not small, json.dumps(small, indent=1, ensure_ascii=False)


def a_year_of_minutes_is_drawn_at_once(server, browser):
    """525 600 rows of four points: how long from the last of its data to the lines on the canvas."""
    year = server.sessions()["year"]
    assert year["total_rows"] == 525600
    with browser.page() as page:
        page.add_init_script("""new MutationObserver(() => {
            if (window.drawn || !document.querySelector(".uplot canvas")) return;
            window.drawn = -1;
            const came = Math.max(...performance.getEntriesByType("resource").filter(({ name }) => /data\\/(series|coverage)/.test(name)).map((entry) => entry.responseEnd));
            requestAnimationFrame(() => setTimeout(() => (window.drawn = performance.now() - came)));
        }).observe(document, { subtree: true, childList: true });""")
        page.goto(f"{server.page}#/sessions/{year['session_id']}/chart?columns=kW,RT,CHWST,CHWRT")
        until(page, "window.drawn > 0")
        took = page.evaluate("drawn")
        settle(page)
        # By its picture: each of the four colours is there.
        colours = page.evaluate("""(() => {
            const canvas = document.querySelector(".uplot canvas"), { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height), seen = new Set();
            for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) seen.add(`${data[at]},${data[at + 1]},${data[at + 2]}`);
            const lines = [1, 2, 3, 4].map((n) => getComputedStyle(document.documentElement).getPropertyValue(`--line-${n}`).trim());
            return lines.map((hex) => seen.has([1, 3, 5].map((from) => parseInt(hex.slice(from, from + 2), 16)).join()));
        })()""")
        print(f"page: a year of minutes of 4 points is drawn {took:.0f} ms after its data came")
        assert took < 3000 and colours == [True] * 4, (took, colours)


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
    declared_collections_are_listed,
    reports_become_a_session, a_bad_file_is_named_and_the_good_ones_are_read, the_list_is_searched_described_and_a_delete_undone, the_verdict_leads_to_the_place,
    a_chart_is_zoomed_and_its_address_brings_it_back, a_chart_follows_fingers, an_event_leads_to_its_place, a_unit_is_stated_for_the_next_parse, two_versions_are_laid_over_each_other, rows_are_sorted_and_found_by_time,
    statistics_say_what_the_api_says, a_cleaning_is_counted_before_it_is_made, a_model_is_trained_in_two_clicks, a_point_is_moved_to_where_it_belongs, a_version_of_a_model_gets_a_name, a_strange_building_is_trained_in_two_clicks,
    set_points_are_recommended_and_followed_up, findings_say_what_was_looked_at, a_statement_is_asked_kept_and_linked, the_system_shows_its_work, a_key_is_shown_once,
    all_of_it_goes_by_keyboard, a_finger_is_enough, a_year_of_minutes_is_drawn_at_once, a_session_of_the_hospital,
]
