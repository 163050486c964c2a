"""Pictures of every view in both themes and three widths, and one contact sheet of them all."""

from PIL import Image, ImageDraw

from harness import SIZES, look, pictures
from views import REFUSED, addresses


def every_view(server, browser):
    folder = pictures() / "screens"
    folder.mkdir(parents=True, exist_ok=True)
    taken = []
    for size in SIZES:
        for theme in ("light", "dark"):
            with browser.page(size, theme, "zh-TW" if theme == "dark" else "en-GB", touch=size == "phone", allowed=REFUSED) as page:
                page.goto(server.page)
                for name, address in addresses(server).items():
                    look(page, address)
                    path = folder / f"{name}-{size}-{theme}.png"
                    page.screenshot(path=path, full_page=size != "wall")
                    taken.append(path)
    tile = 360
    columns = 8
    sheet = Image.new("RGB", (columns * (tile + 8), -(-len(taken) // columns) * (tile + 24)), "white")
    write = ImageDraw.Draw(sheet)
    for index, path in enumerate(taken):
        with Image.open(path) as picture:
            picture.thumbnail((tile, tile))
            x, y = index % columns * (tile + 8), index // columns * (tile + 24)
            sheet.paste(picture.convert("RGB"), (x, y + 16))
            write.text((x, y), path.stem, "black")
    sheet.save(pictures() / "contact-sheet.png")
    print(f"page: {len(taken)} pictures, {pictures() / 'contact-sheet.png'}")


ALL = [every_view]
