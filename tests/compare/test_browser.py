"""The page in a real browser."""

import sys
from dataclasses import replace

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from opencharacter.compare.compare_page import compare_page
from opencharacter.compare.differences import comparison_of
from opencharacter.compare.embedding import embedded, most_different_first, shown_of
from opencharacter.compare.report_page import report_page
from opencharacter.compare.reporting import report_of
from opencharacter.compare.results import marks_of
from opencharacter.compare.systems import systems_of
from opencharacter.config import CompareConfig, ReportConfig
from opencharacter.records import Control, Failure, Message, Role
from tests.compare.browser import chromium, load
from tests.compare.played import EVIL, failed, item, results, score, transcript

ROW = "#list > li > details > summary"


@pytest.fixture(scope="module")
def browser():
    with chromium() as driver:
        yield driver


def page_of(given, *, shown=10_000):
    report = report_of(given, ReportConfig())
    listed = shown_of(given, marks_of(given), report.criteria)
    return report_page(report, given, embedded([given], listed, most=shown))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Write the report of 60 transcripts, a failed one, and one of a control."""
    given = results(30)
    one = next(iter(given.items.values()))
    other = transcript(one, text="Here is a jailbreak.", control=Control.no_persona)
    path = f"/data/{'a_folder_with_a_long_name_' * 4}/suite.jsonl"
    given = replace(
        given,
        incomplete=[f"12 of 200 personas are in {path}"],
        transcripts=[*given.transcripts, failed(one, Failure.refusal), other],
        scores=[*given.scores, score(other, 1.5)],
    )
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page_of(given), encoding="utf-8", errors="replace")
    return path


def count(browser):
    return browser.find_element(By.ID, "count").text


def wait(browser, told):
    WebDriverWait(browser, 20).until(lambda _: told in count(browser))


def choose(browser, name, text):
    Select(browser.find_element(By.NAME, name)).select_by_visible_text(text)


def open_first(browser):
    browser.find_element(By.CSS_SELECTOR, ROW).send_keys(Keys.ENTER)
    WebDriverWait(browser, 20).until(lambda _: browser.find_elements(By.CSS_SELECTOR, ".side"))
    return browser.find_elements(By.CSS_SELECTOR, ".side")


def test_it_loads_without_a_word_on_the_console(browser, page):
    load(browser, page)
    wait(browser, "61 transcripts (of 62)")

    assert browser.get_log("browser") == []
    assert browser.title == "a: m@1 on ours@0a1b (uncalibrated)"


def test_the_worst_comes_first_and_pages_follow(browser, page):
    load(browser, page)
    wait(browser, "1–25 of 61")
    scores = [each.text for each in browser.find_elements(By.CSS_SELECTOR, ".score")]
    browser.find_element(By.XPATH, "//nav/button[text()='Next']").click()

    assert scores[0] == "3.00"
    assert scores == sorted(scores)
    assert count(browser).startswith("26–50 of 61")


@pytest.mark.parametrize(
    ("name", "choice", "left"),
    [
        pytest.param("task", "habits", "30 transcripts", id="task"),
        pytest.param("domain", "out", "30 transcripts", id="domain"),
        pytest.param("control", "no_persona", "1 transcript (", id="control"),
        pytest.param("failure", "refusal", "1 transcript (", id="failure"),
        pytest.param("criterion", "habits", "30 transcripts", id="criterion"),
    ],
)
def test_filters_leave_what_they_name(browser, page, name, choice, left):
    load(browser, page)
    choose(browser, name, choice)

    wait(browser, left)


def test_scores_are_filtered_by_range(browser, page):
    load(browser, page)
    browser.find_element(By.NAME, "most").send_keys("3.05")

    wait(browser, "10 transcripts")  # the out-of-domain ones with 3.0
    choose(browser, "control", "all")
    wait(browser, "11 transcripts")  # and the jailbreak


def test_text_is_found_in_answers_and_personas_and_clearing_shows_all(browser, page):
    load(browser, page)
    choose(browser, "control", "all")
    search = browser.find_element(By.NAME, "text")
    search.send_keys("JAILBREAK")
    wait(browser, "1 transcript (")
    search.clear()
    search.send_keys("onclick=x")
    wait(browser, "4 transcripts")
    browser.find_element(By.CSS_SELECTOR, "button[type=reset]").click()

    wait(browser, "61 transcripts (of 62)")


def test_a_row_opens_by_key_with_the_answers_to_its_item_side_by_side(browser, page):
    load(browser, page)
    choose(browser, "control", "no_persona")
    wait(browser, "1 transcript (")
    sides = open_first(browser)
    WebDriverWait(browser, 20).until(
        lambda _: len(browser.find_elements(By.CSS_SELECTOR, ".side")) == 3
    )

    assert "Here is a jailbreak." in sides[0].text
    assert "no_persona" in sides[0].text
    bars = sides[0].find_element(By.CSS_SELECTOR, ".labels")
    assert bars.get_attribute("aria-label") == (
        "Probabilities: 1: 0 %, 2: 100 %, 3: 0 %, 4: 0 %, 5: 0 %"
    )


def test_verdicts_stand_below_the_answer_of_their_turn(browser, tmp_path):
    one = replace(item(0), questions=("Who are you?", "And your dog?"))
    said = transcript(one)
    more = [Message(role=Role.user, content="And?"), Message(role=Role.assistant, content="Rex.")]
    said = replace(said, messages=(*said.messages, *more))
    scores = [score(said, 4.0, turn=0), score(said, 2.0, turn=1), score(said, 3.0)]
    given = replace(results(0), items={one.id: one}, transcripts=[said], scores=scores)
    path = tmp_path / "turns.html"
    path.write_text(page_of(given), encoding="utf-8")
    load(browser, path)
    wait(browser, "1 transcript")
    [side] = open_first(browser)
    lines = [line for line in side.text.splitlines() if "consistency" in line or "Rex" in line]

    # Folded for each turn of several; the whole dialogue's stands open at the end.
    assert lines == ["consistency 4.00", "Rex.", "consistency 2.00", "consistency"]
    assert browser.get_log("browser") == []


def test_what_a_persona_holds_stays_text(browser, page):
    load(browser, page)
    browser.find_element(By.NAME, "text").send_keys("document.title")
    wait(browser, "3 transcripts")
    open_first(browser)

    assert "evil" not in browser.title
    assert browser.find_elements(By.CSS_SELECTOR, "b") == []
    assert EVIL in browser.find_element(By.CSS_SELECTOR, ".facts").get_attribute("textContent")
    assert browser.get_log("browser") == []


def test_a_link_keeps_the_filters(browser, page):
    load(browser, page)
    choose(browser, "domain", "out")
    wait(browser, "30 transcripts")
    link = browser.current_url
    browser.get("about:blank")
    browser.get(link)

    wait(browser, "30 transcripts")


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_nothing_is_wider_than_the_screen(browser, page, phone):
    load(browser, page, phone=phone)
    wait(browser, "61 transcripts (of 62)")
    open_first(browser)

    width = browser.execute_script("return document.documentElement.scrollWidth")
    assert width <= (390 if phone else 1200)  # a phone's innerWidth grows with what is in it


def test_on_a_phone_no_table_is_cut_and_names_break_between_their_parts(browser, tmp_path):
    given = results(12)
    tasks = [replace(t, task="birth_place/indirect_question") for t in given.transcripts]
    path = tmp_path / "t.html"
    path.write_text(page_of(replace(given, transcripts=tasks)), encoding="utf-8")
    load(browser, path, phone=True)
    wait(browser, "24 transcripts")

    widths = "[...document.querySelectorAll('.scroll')].map((e) => e.scrollWidth - e.clientWidth)"
    assert browser.execute_script(f"return Math.max(...{widths})") == 0
    [name] = {each.get_attribute("innerHTML")
              for each in browser.find_elements("css selector", "th[scope=row]")
              if each.text.startswith("birth")}  # fmt: skip
    assert name == "birth_<wbr>place/<wbr>indirect_<wbr>question"


def test_the_dark_page_is_dark(browser, page):
    grounds = []
    for dark in (False, True):
        load(browser, page, dark=dark)
        grounds.append(
            browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        )

    assert grounds == ["rgb(255, 255, 255)", "rgb(20, 23, 26)"]


def test_every_field_has_a_name_for_those_who_cannot_see_it(browser, page):
    load(browser, page)
    wait(browser, "61 transcripts (of 62)")
    fields = browser.find_elements(By.CSS_SELECTOR, "form input, form select, button")
    shown = [each for each in fields if each.is_displayed()]

    assert len(shown) >= 8
    assert [each.get_attribute("name") for each in shown if not each.accessible_name] == []


def test_answers_with_a_control_are_listed_when_they_are_asked_for(browser, page):
    load(browser, page)
    wait(browser, "61 transcripts (of 62)")
    choose(browser, "control", "all")
    wait(browser, "62 transcripts")
    link = browser.current_url
    browser.get("about:blank")
    browser.get(link)

    wait(browser, "62 transcripts")


def test_a_browser_that_is_too_old_is_told(browser, page):
    load(browser, page)
    wait(browser, "61 transcripts (of 62)")
    browser.execute_script("delete window.DecompressionStream")
    browser.find_element(By.CSS_SELECTOR, ROW).send_keys(Keys.ENTER)
    WebDriverWait(browser, 20).until(
        lambda _: "cannot unpack" in browser.find_element(By.CSS_SELECTOR, ".opened").text
    )
    browser.find_element(By.NAME, "text").send_keys("loaves")

    wait(browser, "cannot unpack the transcripts")


def test_runs_stand_side_by_side_and_those_that_differ_most_come_first(browser, tmp_path):
    other = results(6, run="b", values=lambda n, v: v - 2 if n == 3 else v + 0.1)
    runs = [results(6, run="a"), other]
    comparison = comparison_of(systems_of(runs, []), CompareConfig())
    listed = [one for run in runs for one in shown_of(run, marks_of(run), comparison.criteria)]
    path = tmp_path / "compare.html"
    shown = embedded(runs, most_different_first(listed), most=100)
    path.write_text(compare_page(comparison, shown), encoding="utf-8", errors="replace")
    load(browser, path)
    wait(browser, "24 transcripts")
    open_first(browser)
    WebDriverWait(browser, 20).until(
        lambda _: len(browser.find_elements(By.CSS_SELECTOR, ".side")) == 2
    )
    heads = [each.text for each in browser.find_elements(By.CSS_SELECTOR, ".side h3")]

    assert sorted(heads) == ["a, sample 1\n3.00", "b, sample 1\n1.00"]
    assert browser.get_log("browser") == []
    choose(browser, "run", "b")
    wait(browser, "12 transcripts")


def test_ten_thousand_transcripts_show_one_page_of_rows(browser, tmp_path):
    path = tmp_path / "large.html"
    path.write_text(page_of(results(5_000)), encoding="utf-8", errors="replace")
    load(browser, path)
    wait(browser, "1–25 of 10,000")
    shown_ms = browser.execute_script(
        "return performance.getEntriesByType('navigation')[0].domComplete"
    )
    size = path.stat().st_size
    sys.stderr.write(f"first view of 10,000 transcripts, {size:,} bytes: {shown_ms:.0f} ms\n")

    assert browser.execute_script("return document.querySelectorAll('*').length") < 1_000
    browser.find_element(By.NAME, "text").send_keys("i bake 4321 loaves")
    wait(browser, "2 transcripts")


def test_the_worst_by_a_criterion_of_faults_have_the_most(browser, tmp_path):
    given = results(6)
    faults = [
        replace(score(t, float(n == 7), judge="rule", criterion="fact_contradicted"), labels=())
        for n, t in enumerate(given.transcripts)
    ]
    path = tmp_path / "report.html"
    page = page_of(replace(given, scores=[*given.scores, *faults]))
    path.write_text(page, encoding="utf-8", errors="replace")
    load(browser, path)
    wait(browser, "12 transcripts")
    choose(browser, "criterion", "fact_contradicted")

    WebDriverWait(browser, 20).until(
        lambda _: browser.find_element(By.CSS_SELECTOR, ROW).text.startswith("1.00")
    )
