"""What a reader of 繁體中文 sees: his language, in the server's own sentences too."""

import json
import re
import time
from urllib.request import Request, urlopen

import reports
from harness import look, settle
from views import REFUSED, addresses

# Texts that stand alone, with where: not what is code, and not what somebody typed or a report is called.
TEXTS = """() => {
  const found = [], walk = document.createTreeWalker(document.getElementById("app"), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const within = walk.currentNode.parentElement;
    if (!within.closest("code, pre, textarea, .mono, [translate=no], [lang=en], .visually-hidden") && within.checkVisibility()) found.push(walk.currentNode.data);
  }
  for (const one of document.querySelectorAll("#app [title]")) if (!one.closest("[translate=no]")) found.push(one.title);
  return found;
}"""
# A run of Latin words, numbers and signs; a sentence has three small words of it and more: names and units have capitals or stand alone.
RUN = re.compile(r"[!-~–…×−²°’ ]{8,}")
WORD = re.compile(r"(?<![\w.\[{_/-])[a-z]{2,}(?![\w_/=(])")


def english(text):
    return [run.strip() for run in RUN.findall(text) if len(WORD.findall(run)) > 3]


def upload(server, name, content):
    """A report that is sent and not yet read."""
    edge = "--of-the-report--"
    body = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode() + content + f"\r\n--{edge}--\r\n".encode()
    request = Request(f"http://127.0.0.1:{server.port}/api/v1/uploads", body, {"content-type": f"multipart/form-data; boundary={edge}"})
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)


def places(server):
    """All views of the demo, and what each of them opens."""
    every = {name: address for name, address in addresses(server).items() if not name.startswith("hostile")}
    session = re.search(r"#/sessions/([^/]+)/", every["verdict"])[1]
    run = server.ask("POST", "optimize", {"model_name": "demo-model", "input_data": {}})
    marked = server.sessions()["doubtful"]["session_id"]
    hopeless = server.ask("POST", "models/train", {"model_name": "hopeless", "session_id": marked, "interval": "1d"})["job_id"]
    while server.ask("GET", f"jobs/{hopeless}")["status"] != "failed":
        time.sleep(0.05)
    unread = upload(server, "unread.csv", reports.doubtful(server.folder).read_bytes())["session_id"]
    return every | {
        "events": f"#/sessions/{session}/findings?part=events", "run": f"#/setpoints/runs/{run['run_id']}",
        **{f"model_{tab}": f"#/models/demo-model?tab={tab}" for tab in ("quality", "inputs", "versions", "predict")},
        "training": f"#/sessions/{session}/model?job={server.ask('GET', 'jobs?kind=train')['items'][0]['job_id']}",
        "hopeless": "#/models/hopeless", "hopeless_training": f"#/sessions/{marked}/model?job={hopeless}",
        "marked_files": f"#/sessions/{marked}/files", "marked": f"#/sessions/{marked}/verdict", "marked_chart": f"#/sessions/{marked}/findings?part=events",
        "new_of": f"#/new?session={unread}&look=unread.csv",
        "chart_of": f"#/sessions/{session}/chart?columns=CH_1_KW,CH_0_RT",
    }


def no_english_is_shown(server, browser):
    """Every view of the demo: no sentence of four English words in a row."""
    server.stop()
    server.run("parse", reports.doubtful(server.folder), "--name", "doubtful", "--accept-loss")
    server.start()
    doubtful = {"session_id": server.sessions()["doubtful"]["session_id"], "check_sensors": True, "lenient": True, "apply_steady_state": True}
    server.ask("POST", "clean", doubtful)
    shown = {}
    with browser.page(locale="zh-TW", allowed=REFUSED) as page:
        page.goto(server.page)
        for name, address in places(server).items():
            look(page, address)
            page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
            settle(page)
            found = sorted({run for text in page.evaluate(TEXTS) for run in english(text)})
            if found:
                shown[name] = found
    assert not shown, "\n".join(f"{name}: {text}" for name, texts in shown.items() for text in texts)


def a_refusal_is_said_in_chinese_first(server, browser):
    """What its code means and the way out, beneath it the server's own sentence with the name; that alone where the texts cannot be read."""
    texts, unknown = "zh-Hant.refusals.js", "no-such-session"
    with browser.page(locale="zh-TW", allowed=[unknown]) as page:
        page.goto(server.page)
        settle(page)
        assert not page.evaluate("performance.getEntriesByType('resource').map((one) => one.name).join()").count(texts), "the list needs none of them"
        look(page, f"#/sessions/{unknown}")
        page.locator(".problem p", has_text="沒有此編號的工作階段").wait_for()
        first, second = page.locator(".problem p").all_inner_texts()[:2]
        assert first.startswith("沒有此編號的工作階段") and unknown not in first and unknown in second, (first, second)
        assert page.locator(".problem p").nth(1).get_attribute("lang") == "en"
    with browser.page(locale="zh-TW", allowed=[unknown, texts]) as page:
        page.route(f"**/{texts}", lambda route: route.abort())
        page.goto(f"{server.page}#/sessions/{unknown}")
        page.locator(".problem p", has_text=unknown).wait_for()
        settle(page)
        assert unknown in page.locator(".problem p").first.inner_text()


ALL = [no_english_is_shown, a_refusal_is_said_in_chinese_first]
