import os
import shutil

import numpy as np
import pytest

from ggt.images import encode_png
from ggt.stages.report import trust_picture, write_page
from report_facts import HOSTILE, make_facts

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 180_000  # a browser on a machine with other work to do
LQ_COLOUR, GT_COLOUR = (200, 40, 40), (40, 60, 200)


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """A report whose lqs are red and whose other pictures are blue."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "img").mkdir()
    facts = make_facts()
    for figure in (*facts.pairs, *(failure.figure for failure in facts.failures)):
        for address, colour in ((figure.lq, LQ_COLOUR), (figure.other, GT_COLOUR)):
            picture = np.full((figure.height, figure.width, 3), colour, np.uint8)
            (folder / address).write_bytes(encode_png(picture))
        (folder / figure.trust).write_bytes(encode_png(trust_picture(((0.0,) * 16,) * 16)))
    write_page(folder, facts)
    return folder / "index.html"


@pytest.fixture(scope="module")
def browser():
    path = os.environ.get("GGT_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        message = "no Chromium found: install the package chromium, or set GGT_BROWSER"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=list(FLAGS), timeout=PATIENCE_MS
        )
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, page_file):
    """The page, opened from the disk; fails when it complains, asks elsewhere or runs what a name says."""
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    complaints, asked = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())
    page.locator("body[data-state=ready]").wait_for()
    yield page
    page.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith(("file://", "data:"))] == []


def colour_at(compare, share):
    """The colour of the picture at a share of its width."""
    import io

    from PIL import Image

    shot = Image.open(io.BytesIO(compare.screenshot())).convert("RGB")
    return shot.getpixel((int(shot.width * share), shot.height // 4))


def test_the_page_opens_from_the_disk_and_shows_names_as_text(opened):
    assert opened.locator("h1").inner_text() == f"my set {HOSTILE}"
    assert opened.locator("img[src=x]").count() == 0
    assert opened.locator(".banner").inner_text().startswith("not-ground-truth")


def test_every_picture_and_plot_loads(opened):
    opened.locator("img").evaluate_all(
        "all => Promise.all(all.map(i => { i.loading = 'eager'; return i.decode().catch(() => 0); }))"
    )
    widths = opened.locator("img").evaluate_all("all => all.map(i => i.naturalWidth)")
    assert len(widths) == 14
    assert min(widths) > 0


def test_the_slider_uncovers_the_other_side(opened):
    compare = opened.locator("[data-compare]").first
    compare.scroll_into_view_if_needed()
    slider = compare.locator("input")
    slider.fill("80")
    assert colour_at(compare, 0.7) == LQ_COLOUR
    slider.fill("20")
    assert colour_at(compare, 0.7) == GT_COLOUR
    slider.press("ArrowRight")
    assert slider.input_value() == "20.5"


def test_the_trust_map_darkens_the_picture_when_asked(opened):
    card = opened.locator("figure.card").first
    card.scroll_into_view_if_needed()
    compare = card.locator("[data-compare]")
    before = sum(colour_at(compare, 0.8))
    card.locator("[data-trust]").check()
    assert sum(colour_at(compare, 0.8)) < before / 2


def test_the_page_fits_a_telephone(opened):
    opened.set_viewport_size({"width": 390, "height": 800})
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390
