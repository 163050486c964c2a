"""What a reader of 繁體中文 sees: his language, in the server's own sentences too."""

import re

from harness import look, settle
from views import REFUSED, addresses

# Texts that stand alone, with where: not what is code, and not what somebody typed or a report is called.
TEXTS = """() => {
  const found = [], walk = document.createTreeWalker(document.getElementById("app"), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const within = walk.currentNode.parentElement;
    if (!within.closest("code, pre, textarea, [translate=no], [lang=en], .visually-hidden") && within.checkVisibility()) found.push(walk.currentNode.data);
  }
  for (const one of document.querySelectorAll("#app [title]")) if (!one.closest("[translate=no]")) found.push(one.title);
  return found;
}"""
# Four words in a row, none of them a name in capitals.
SENTENCE = re.compile(r"(?:\b[A-Za-z]?[a-z][a-z’'-]*[,;:.]? ){3,}[a-z][a-z’'-]*")


def no_english_is_shown(server, browser):
    """Every view of the demo: no sentence of four English words in a row."""
    shown = {}
    with browser.page(locale="zh-TW", allowed=REFUSED) as page:
        page.goto(server.page)
        for name, address in addresses(server).items():
            if name.startswith("hostile"):
                continue
            look(page, address)
            page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
            settle(page)
            english = {text.strip() for text in page.evaluate(TEXTS) if SENTENCE.search(text)}
            if english:
                shown[name] = sorted(english)
    assert not shown, "\n".join(f"{name}: {text}" for name, texts in shown.items() for text in texts)


ALL = [no_english_is_shown]
