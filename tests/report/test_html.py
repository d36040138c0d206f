"""index.html: one file that says the verdict first, and does what it offers; in a real browser where there is one."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from pytest_resilience.report.html import to_html
from pytest_resilience.report.json_form import to_json
from pytest_resilience.report.model import Gate, Shard

HOSTILE = "</script><img src=x onerror=\"console.error('broke out')\">&amp;<!--"
VISIBLE = "[...document.querySelectorAll('#{} > .row')].filter((row) => !row.hidden).length"
DATA = re.compile(r'<script type="application/json" id="report">(.*?)</script>', re.DOTALL)
MANY = 350
SHOWN = "[...document.querySelectorAll('{}')].filter((row) => row.checkVisibility()).length"
BOXES = """
[...document.querySelectorAll("{}")].map((each) => {{
  const range = document.createRange();
  range.selectNodeContents(each);
  return [...range.getClientRects()].map((box) => box.left);
}})
"""
SETTLED = "new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)))"
"""What has been pressed is drawn."""


def test_the_data_is_the_report(report):
    """Nothing is lost or changed on the way, whatever stands in it."""
    data = json.loads(DATA.search(to_html(report))[1])
    texts = data.pop("texts")
    for run in data["runs"]:
        run["marks"] = [
            {
                "at": at,
                "kind": texts[kind],
                "lane": texts[lane],
                "label": texts[label],
                "until": more[0] if more else None,
                "bad": bool(bad),
                "count": more[1] if more[1:] else 1,
            }
            for at, kind, lane, label, bad, *more in run["marks"]
        ]
    expected = json.loads(json.dumps(to_json(report)), parse_float=lambda text: round(float(text), 4))

    assert data == expected


def test_nothing_breaks_out_of_the_data(report):
    """No name can end the element, start another or open a comment."""
    data = DATA.search(to_html(replace(report, notes=("\u2028@@STYLE@@ <!-- <script>",))))[1]

    assert [letter for letter in "<>&\u2028" if letter in data] == []
    assert "@@STYLE@@" in data


def test_the_page_needs_no_network(report):
    """No address in it is loaded: the only ones are names of things."""
    page = DATA.sub("", to_html(report))

    assert re.findall(r"""(?:src|href)=["']?(?!#|data:)[^"'\s>]+|@import|url\(""", page) == []
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) == {"http://www.w3.org/2000/svg"}


def test_the_title_says_the_verdict(report, green):
    """For a list of tabs, and where scripts do not run."""
    shard = replace(report, gate=Gate(passed=False, deferred=True), shard=Shard(index=1, count=2))
    unasked = replace(report, gate=Gate(passed=False, asked=False))
    titles = [re.search("<title>(.*)</title>", to_html(each))[1] for each in (report, green, shard, unasked)]

    assert titles == [f"Resilience gate: {word}" for word in ("failed", "passed", "deferred", "not judged")]


@pytest.fixture(scope="module")
def page(tmp_path_factory, report):
    """The address of a page with many runs."""
    run = report.runs[0]
    runs = tuple(
        replace(run, id=f"run-{n}", title=f"labs cut at message {n}", verdict="passed") for n in range(MANY)
    )
    file = tmp_path_factory.mktemp("page") / "index.html"
    file.write_text(to_html(replace(report, runs=(*report.runs, *runs))), encoding="utf-8")
    return file.as_uri()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_page_opens_without_complaint(browser, page, width, dark):
    """No message in the console, nothing asked for, no sideways scrolling, and the verdict on top."""
    browser.open(page, width=width, dark=dark)

    assert browser.complaints() == []
    assert {address.split("#")[0] for address in browser.requests()} == {page}
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    assert browser.run("document.querySelector('h1').getBoundingClientRect().bottom") < 120
    assert browser.run("document.querySelector('h1').innerText") == "Resilience gate: failed"


def test_hostile_names_are_shown_not_run(browser, page):
    """In an item, its evidence, a run and its title."""
    browser.open(f"{page}#item=alerts")
    shown = browser.run("document.querySelector('main').innerText")
    browser.run("document.querySelectorAll('summary').forEach((each) => each.click())")

    assert HOSTILE in shown
    assert browser.complaints() == []
    assert browser.run("document.querySelectorAll('img').length") == 0


def test_the_time_is_told_without_microseconds(browser, tmp_path, report):
    """Nobody reads them."""
    file = tmp_path / "index.html"
    file.write_text(to_html(replace(report, started="2026-03-01T09:30:00.123456+00:00")), encoding="utf-8")
    browser.open(file.as_uri())

    assert "Started 2026-03-01T09:30:00+00:00" in browser.run("document.getElementById('facts').innerText")


def test_an_item_says_how_many_have_warnings(browser, tmp_path, report):
    """What passed has evidence, not findings: those sound like something to mend."""
    first = report.items[0]
    warned = tuple(
        replace(first.evidence[0], warnings=warnings) for warnings in ((), ("no jitter", "slow"), ())
    )
    file = tmp_path / "index.html"
    items = (replace(first, evidence=warned), *report.items[1:])
    file.write_text(to_html(replace(report, items=items)), encoding="utf-8")
    browser.open(file.as_uri())
    counts = browser.run(
        "[...document.querySelectorAll('#items > .row > summary > .count')].map((each) => each.innerText)"
    )

    assert counts[:3] == [
        "3 pieces of evidence, 1 with warnings",
        "3 findings, 1 with warnings",
        "1 piece of evidence",
    ]


def test_findings_of_one_subject_are_told_apart(browser, tmp_path, report):
    """By the fault at the end of the experiment's id; the worst is on top."""
    failed = report.items[1].evidence[0]
    replays = [
        "pytest 'resilience::backoff::ingest::labs::POST /predict::cut' --chaos",
        "pytest resilience::backoff::ingest::labs",
    ]
    evidence = [replace(failed, replay=replay) for replay in replays]
    evidence.insert(0, replace(failed, outcome="passed", subject="workload score", replay=""))
    file = tmp_path / "index.html"
    items = (replace(report.items[1], evidence=tuple(evidence)),)
    file.write_text(to_html(replace(report, items=items)), encoding="utf-8")
    browser.open(file.as_uri())

    assert browser.run("[...document.querySelectorAll('.evidence > b')].map((each) => each.innerText)") == [
        "workload ingest / service labs / POST /predict::cut",
        "workload ingest / service labs",
        "workload score",
    ]


def test_the_policy_lets_no_other_script_run(browser, page):
    """Were something to break out all the same."""
    browser.open(page)
    browser.run(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))"
    )

    assert browser.run("window.ran === undefined")
    assert "Content Security Policy" in " ".join(browser.complaints())


def test_an_address_keeps_the_filters(browser, page):
    """So that one can send what one sees."""
    browser.open(f"{page}#verdict=failed,unproven&q=labs")

    assert browser.run(VISIBLE.format("items")) == 2
    assert browser.run(VISIBLE.format("runs")) == 1
    assert browser.run("document.getElementById('shown').innerText") == (
        "Shown: 2 of 10 items, 1 of 2 scenarios, 1 of 352 runs"
    )


def test_search_and_buttons_filter(browser, page):
    """Typed, pressed and chosen; Esc clears them all."""
    browser.open(page)
    browser.run("document.querySelector('button.waived').click()")
    assert browser.run(VISIBLE.format("items")) == 1
    browser.run("document.querySelector('button.waived').click()")
    browser.press("/")
    for letter in "jitter":
        browser.press(letter)
    assert browser.run(VISIBLE.format("items")) == 1
    assert browser.run("location.hash") == "#q=jitter"
    browser.press("Escape")

    assert browser.run(VISIBLE.format("items")) == 10
    assert browser.run("location.hash") == ""


def test_nothing_found_is_said(browser, page):
    """An empty page would look broken."""
    browser.open(f"{page}#q=xyzzy")

    assert "Nothing fits the filters" in browser.run("document.querySelector('main').innerText")


def test_keys_go_through_the_items(browser, page):
    """`j` and `k` move the focus, Enter opens."""
    browser.open(page)
    for key in "jjk":
        browser.press(key)
    assert browser.run("document.activeElement.innerText.includes('All external calls')")
    browser.run("document.activeElement.click()")

    assert browser.run("document.activeElement.parentElement.open")


def test_many_runs_are_drawn_when_they_are_opened(browser, page):
    """A hundred rows at first, more when asked for, and no time line before."""
    browser.open(page)
    shown = SHOWN.format("#runs > .row, #passed > .row")
    lines = "document.querySelectorAll('svg').length"
    assert (browser.run(shown), browser.run(lines)) == (1, 0)
    browser.run(f"document.getElementById('passed-h').click(), {SETTLED}")
    assert (browser.run(shown), browser.run(lines)) == (100, 0)
    browser.run("document.getElementById('more').click()")
    browser.run("document.querySelectorAll('#runs summary')[0].click()")

    assert (browser.run(shown), browser.run(lines)) == (200, 1)


def test_runs_that_passed_are_folded(browser, page):
    """Until somebody looks for them, by a filter or by an address; the keys pass over them."""
    shown = SHOWN.format("#passed > .row")
    browser.open(page)
    assert browser.run("document.getElementById('passed-h').innerText") == "351 runs passed"
    assert browser.run(shown) == 0
    for _ in range(20):
        browser.press("j")
    assert browser.run("document.activeElement.innerText").split("\n")[0].startswith("failed")
    browser.open(f"{page}#q=message+7")
    assert browser.run(shown) > 0
    browser.open(f"{page}#run=run-120")

    assert browser.run("document.querySelectorAll('svg').length") == 1
    assert browser.run(shown) > 100


def test_notes_stand_at_the_bottom(browser, page, report):
    """Folded: what is new since the last test run is not the verdict."""
    browser.open(page)

    assert report.notes[0] not in browser.run("document.querySelector('header').innerText")
    assert report.notes[0] in browser.run("document.querySelector('main > :last-child').textContent")
    assert not browser.run("document.querySelector('main > :last-child').open")


def test_no_label_is_broken_inside_a_word(browser, page):
    """A service's name stands whole."""
    browser.open(page)
    browser.run("document.querySelector('#scenarios summary').click()")
    lines = browser.run(BOXES.format("#scenarios dt"))

    assert [len(boxes) for boxes in lines] == [1, 1]


def test_a_wrapped_title_stays_right_of_its_arrow(browser, page):
    """Each of its lines."""
    browser.open(page, width=390)
    begin, padding = browser.run(
        "(([each]) => [each.getBoundingClientRect().left, parseFloat(getComputedStyle(each).paddingLeft)])"
        "(document.querySelectorAll('#items summary'))"
    )
    titles = browser.run(BOXES.format("#items h3"))

    assert max(map(len, titles)) == 2
    assert min(left for boxes in titles for left in boxes) > begin + padding - 1 > begin + 20


@pytest.mark.parametrize("width", [390, 1280])
def test_a_time_line_has_everything(browser, page, report, width):
    """A lane for each service and voice, a shape for each mark, with its words; and the same as a table."""
    browser.open(f"{page}#run=resilience::breakers::score::labs", width=width)
    run = report.runs[0]
    titles = browser.run("[...document.querySelectorAll('svg g title')].map((each) => each.textContent)")
    browser.run("document.querySelector('.marks summary').click()")
    browser.run(SETTLED)

    assert len(titles) == len(run.marks)
    for words in (
        "attempt 5: POST /predict",
        "open: 8 calls failed and nothing was sent",
        "pagerduty trigger critical",
    ):
        assert any(words in title for title in titles)
    lanes = {mark.lane for mark in run.marks}
    assert lanes == set(
        browser.run("[...document.querySelectorAll('svg > text > title')].map((each) => each.textContent)")
    )
    assert browser.run("document.querySelectorAll('.marks tbody tr').length") == len(run.marks)
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")


def test_arrows_go_along_a_time_line(browser, page):
    """Each mark is read out."""
    browser.open(f"{page}#run=resilience::breakers::score::labs")
    browser.run("document.querySelector('.line').focus()")
    for _ in range(3):
        browser.press("ArrowRight")

    assert browser.run("document.querySelector('.said').innerText").startswith("3 of ")
    assert browser.run("document.querySelector('.cursor').getAttribute('visibility')") == "visible"


def test_the_theme_can_be_changed(browser, page):
    """From what the system asks for to the other, and kept in the address."""
    browser.open(page, dark=True)
    before = browser.run("getComputedStyle(document.body).backgroundColor")
    browser.run("document.getElementById('theme').click()")

    assert browser.run("getComputedStyle(document.body).backgroundColor") != before
    assert browser.run("location.hash") == "#theme=light"
    browser.run("localStorage.clear()")


CONTRAST = """
(() => {
  const light = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).map((part) => part / 255)
      .map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = getComputedStyle(each).backgroundColor;
      if (!/, 0\\)$/.test(color)) return color;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll("h1, h2, h3, p, li, dt, dd, code, label, button, .badge, .count, b")]
    .filter((each) => each.offsetParent && each.innerText.trim())
    .map((each) => {
      const [a, b] = [light(getComputedStyle(each).color), light(behind(each))].sort().reverse();
      return [Math.max(a, b), Math.min(a, b), each.className || each.tagName];
    })
    .filter(([a, b]) => (a + 0.05) / (b + 0.05) < 4.5).map((each) => each[2]);
})()
"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_can_be_read(browser, page, dark):
    """A contrast of 4.5 to 1 everywhere (WCAG 2.2, 1.4.3)."""
    browser.open(page, dark=dark)

    assert browser.run(CONTRAST) == []


def test_what_can_be_pressed_has_a_name(browser, page):
    """For those who hear the page: buttons, fields and pictures; one first heading, and no level left out."""
    browser.open(f"{page}#run=resilience::breakers::score::labs")
    named = "each.textContent.trim() || each.getAttribute('aria-label') || each.labels?.length"
    query = "button, input, select, [role=img], [role=group], summary"
    nameless = browser.run(
        f"[...document.querySelectorAll('{query}')].filter((each) => each.checkVisibility() && !({named})).length"
    )
    levels = browser.run(
        "[...document.querySelectorAll('h1, h2, h3')].map((each) => Number(each.tagName[1]))"
    )

    assert nameless == 0
    assert levels.count(1) == 1
    assert [b for a, b in pairwise(levels) if b > a + 1] == []
    assert browser.run("document.documentElement.lang") == "en"
