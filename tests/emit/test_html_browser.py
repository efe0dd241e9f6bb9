"""The page in a real browser: on a phone and a desk, light, dark and printed; it fetches nothing, hides nothing, overflows nowhere."""

from __future__ import annotations

import base64
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgekit.devices.profile import load_profile
from edgekit.emit.html import html_report
from edgekit.measure.insides import insides
from edgekit.tflite.reader import parse_tflite

pytestmark = pytest.mark.slow
BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-extensions --hide-scrollbars"
).split()
WIDTHS, SCHEMES = (360, 390, 768, 900, 1400), ("light", "dark")
REPORTS = (
    "many_candidates", "sample_report", "one_unknown", "nothing_made", "hostile", "with_decisions", "with_many_classes",
    "with_errors", "on_npu",
)  # fmt: skip
CHARTS = {"nothing_made": 0, "one_unknown": 0, "with_errors": 3, "on_npu": 1}
FILES = ("model.tflite", "report.json", "manifest.json")

# What is wrong with the page as it is shown, one line each.
LOOK = """
const wrong = [];
const root = document.scrollingElement;
if (root.scrollWidth > innerWidth) wrong.push(`the page is ${root.scrollWidth} wide on ${innerWidth}`);
const shown = e => e.checkVisibility() && e.getClientRects().length > 0;
const rgba = text => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
const light = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  return .2126 * x + .7152 * y + .0722 * z;
};
const behind = e => {
  for (; e; e = e.parentElement) {
    const found = rgba(getComputedStyle(e).backgroundColor);
    if (found.length < 4 || found[3] > 0) return found;
  }
  return [255, 255, 255];
};
const name = e => `${e.tagName} ${(e.getAttribute('class') || '')} "${e.textContent.trim().slice(0, 40)}"`;
let texts = 0;
for (const e of document.querySelectorAll('body *')) {
  const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (!own || !shown(e) || ['title', 'desc', 'STYLE'].includes(e.tagName)) continue;
  texts += 1;
  const style = getComputedStyle(e);
  const ink = light(rgba(e.ownerSVGElement ? style.fill : style.color)), paper = light(behind(e));
  const contrast = (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05);
  if (contrast < 4.5) wrong.push(`contrast ${contrast.toFixed(2)}: ${name(e)}`);
  if (parseFloat(style.fontSize) < (arguments[0] ? 9 : 11)) wrong.push(`text of ${style.fontSize}: ${name(e)}`);
}
if (texts < 30) wrong.push(`only ${texts} texts were looked at`);
let charts = 0;
for (const chart of document.querySelectorAll('svg.chart')) {
  if (!shown(chart)) continue;
  charts += 1;
  const all = chart.getBoundingClientRect();
  if (Math.abs(all.width - chart.viewBox.baseVal.width) > 1 && !arguments[0]) wrong.push(`${name(chart)} is scaled`);
  const boxes = [...chart.querySelectorAll('text')].map(e => [e, e.getBoundingClientRect()]);
  for (const [e, b] of boxes)
    if (b.left < all.left - .5 || b.right > all.right + .5 || b.top < all.top - .5 || b.bottom > all.bottom + .5)
      wrong.push(`outside its picture: ${name(e)}`);
  boxes.forEach(([e, a], i) => boxes.slice(i + 1).forEach(([f, b]) => {
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (across > 1 && down > 3) wrong.push(`one on the other: ${name(e)} and ${name(f)}`);
  }));
}
for (const box of document.querySelectorAll('.scroll'))
  if (box.scrollWidth > box.clientWidth + 1 && !arguments[0])
    wrong.push(`cut off: ${box.getAttribute('aria-label')}, ${box.scrollWidth} wide in ${box.clientWidth}`);
for (const image of document.images)
  if (!image.complete || !image.naturalWidth) wrong.push(`not a picture: ${image.alt}`);
return [wrong, charts];
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (the `dev` extra)")
    if BROWSER is None or DRIVER is None:
        pytest.skip(
            "there is no chromium with its chromedriver on PATH (Debian: apt-get install chromium chromium-driver)"
        )
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture
def page(
    request: pytest.FixtureRequest, tmp_path: Path, provenance, int8_model, hostile_model
) -> Callable[[str], Path]:
    """Writes the page of the report that a fixture gives."""

    def write(name: str) -> Path:
        content = hostile_model() if name == "hostile" else int8_model.read_bytes()
        report, profile = request.getfixturevalue(name), load_profile("rpi4")
        model = None if name == "one_unknown" else parse_tflite(content, where="model.tflite")
        text = html_report(
            report,
            inside=insides(report.chosen, model, profile),
            profile=profile,
            provenance=provenance,
            files=FILES,
        )
        path = tmp_path / f"{name}.html"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def show(browser: Any, path: Path, width: int, scheme: str, media: str = "screen") -> None:
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
    browser.get(path.as_uri())


def requests(browser: Any) -> list[str]:
    """The addresses that were asked for since the last time; a picture that is in the page is none."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    return [address for address in asked if not address.startswith("data:image/png;base64,")]


@pytest.mark.parametrize("name", REPORTS)
def test_it_is_whole_at_every_width_light_and_dark(browser, page, name):
    path = page(name)
    browser.get("about:blank")
    requests(browser), browser.get_log("browser")  # what the browser itself did before
    for width in WIDTHS:
        for scheme in SCHEMES:
            show(browser, path, width, scheme)
            wrong, charts = browser.execute_script(LOOK, False)
            assert not wrong, f"{width} {scheme}"
            assert charts == CHARTS.get(name, 2)
            paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
            assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
    assert set(requests(browser)) == {path.as_uri()}
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("name", REPORTS)
def test_it_can_be_printed(browser, page, name):
    path = page(name)
    show(browser, path, 700, "dark", media="print")
    wrong, _ = browser.execute_script(LOOK, True)
    assert not [each for each in wrong if not each.startswith("the page is")]
    paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert paper == "rgb(255, 255, 255)", "printed on dark paper"
    overflow = browser.execute_script(
        "return [...document.querySelectorAll('.scroll')].map(e => getComputedStyle(e).overflowX)"
    )
    assert set(overflow) <= {"visible"}, "a table would be cut off on paper"
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True, "preferCSSPageSize": True})
    pages = len(re.findall(rb"/Type\s*/Page\b", base64.b64decode(printed["data"])))
    assert 1 <= pages <= 25


def test_the_page_has_no_script_to_miss(browser, page):
    """With scripts forbidden it is the same page."""
    path = page("sample_report")
    show(browser, path, 768, "light")
    height = browser.execute_script("return document.body.scrollHeight")
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(path.as_uri())
        found = laid_out_height(browser)
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert found == pytest.approx(height, abs=2)


def laid_out_height(browser) -> float:
    """The page's height, once a busy machine has laid it out: without scripts nothing else tells."""
    for _ in range(100):
        height = browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]["height"]
        if height:
            break
        time.sleep(0.1)
    return height


def test_links_in_the_page_lead_to_its_parts(browser, page):
    show(browser, page("many_candidates"), 768, "light")
    missing = browser.execute_script(
        "return [...document.querySelectorAll('nav a')].map(a => a.hash).filter(h => !document.querySelector(h))"
    )
    assert missing == []
