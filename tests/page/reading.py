"""From reports of every kind to a session: archives, a folder of the server, and what somebody knows better than the file says."""

import io
import re
import zipfile

from harness import look, settle
from journeys import FIRST_SCREEN, GOOD, SHIFTED, button, file, new_session


def an_archive_is_read(server, browser):
    """Two reports in a folder of a zip become one session of two points."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("week/zip_kw.csv", GOOD)
        archive.writestr("week/zip_rt.csv", SHIFTED)
    with browser.page() as page:
        page.goto(server.page)
        new_session(page, {"name": "week.zip", "mimeType": "application/zip", "buffer": packed.getvalue()})
        page.get_by_text("72 rows").first.wait_for()
        button(page, re.compile("^Read th")).click()
        page.wait_for_url(FIRST_SCREEN)
        made = server.ask("GET", f"sessions/{page.url.rsplit('/', 1)[1]}")
        assert (made["total_rows"], made["column_count"]) == (72, 3), made


def an_order_of_dates_takes_effect_at_once(server, browser):
    """01/02 to 03/02: three days of February, or the second of three months. Nothing is stored before it is right."""
    report = "time,kW\n" + "".join(f"{first:02}/02/2024 {hour:02}:00,{100 + hour}\n" for first in (1, 2, 3) for hour in range(24))
    with browser.page(allowed=["/parse"]) as page:
        page.goto(server.page)
        new_session(page, file("slashes.csv", report))
        order = page.get_by_label("Order of dates").first
        for key, period in (("MDY", "2024-01-02 – 2024-03-02"), ("DMY", "2024-02-01 – 2024-02-03")):
            order.select_option(key)
            page.get_by_text(period).first.wait_for()
        settle(page)
        # A reload brings back what was said, and what it means.
        page.reload()
        settle(page)
        page.get_by_text("2024-02-01 – 2024-02-03").first.wait_for()
        button(page, "Read this file").click()
        page.wait_for_url(FIRST_SCREEN)
        made = server.ask("GET", f"sessions/{page.url.rsplit('/', 1)[1]}")
        assert (made["start_at"][:10], made["end_at"][:10]) == ("2024-02-01", "2024-02-03"), made


def a_folder_of_the_server_is_read(server, browser):
    folder = server.folder / "data" / "annex"
    folder.mkdir(exist_ok=True)
    (folder / "annex.csv").write_text(GOOD.replace(",1", ",2"))
    (folder / "other.csv").write_text(SHIFTED)
    with browser.page() as page:
        page.goto(server.page)
        look(page, "#/new")
        button(page, "From the server").click()
        page.get_by_label("Folder on the server").select_option("annex")
        page.get_by_label("other.csv", exact=True).uncheck()
        settle(page)
        page.get_by_text("72 rows").first.wait_for()
        button(page, "Read this file").click()
        page.wait_for_url(FIRST_SCREEN)
        made = server.ask("GET", f"sessions/{page.url.rsplit('/', 1)[1]}")
        assert [one["file_name"].rsplit("/", 1)[-1] for one in made["files"]] == ["annex.csv"] and made["total_rows"] == 72, made


ALL = [an_archive_is_read, an_order_of_dates_takes_effect_at_once, a_folder_of_the_server_is_read]
