"""The page that people label on, in a real browser."""

import csv
import json

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from opencharacter.evaluation.labels import label_page, read_labels
from opencharacter.evaluation.work import Work
from tests.compare.browser import chromium, load
from tests.evaluation.judged import item, transcript
from tests.evaluation.test_labels import RUBRIC, SCALE

EVIL = '</script><script>document.title="evil"</script><b onclick=x> {{ name }} "quoted", \u2028'


def work(n=3):
    people = [item(("Who?",), persona_id=f"persona-{p:024x}", persona=EVIL) for p in range(n)]
    return [Work(one, transcript(one, EVIL), "persona_consistency", 0) for one in people]


@pytest.fixture(scope="module")
def browser():
    with chromium() as driver:
        yield driver


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "labels.html"
    path.write_text(label_page(work(), RUBRIC), encoding="utf-8")
    return path


def load_anew(browser, page, name="rater"):
    """Open a page that remembers nothing; the browser does not always forget at once."""

    def forgets(_):
        load(browser, page)
        browser.execute_script("localStorage.clear()")
        load(browser, page)
        return browser.execute_script("return localStorage.length") == 0

    WebDriverWait(browser, 30).until(forgets)
    begin(browser, name)


def begin(browser, name):
    browser.find_element(By.ID, "who").send_keys(name, Keys.ENTER)


def reload_as(browser, page, name):
    load(browser, page)
    begin(browser, name)
    return told(browser)


def told(browser):
    return browser.find_element(By.ID, "done").text


def press(browser, *keys):
    for key in keys:
        browser.find_element(By.TAG_NAME, "body").send_keys(key)


def test_what_is_labelled_stays_text_and_the_console_is_silent(browser, page):
    load_anew(browser, page)

    assert browser.title == "Labels"
    assert browser.find_elements(By.CSS_SELECTOR, "main b") == []
    answer = browser.find_element(By.CSS_SELECTOR, "pre.answer").get_attribute("textContent")
    assert answer == EVIL
    assert browser.get_log("browser") == []


def test_keys_choose_and_go_back_and_a_reload_forgets_nothing(browser, page):
    load_anew(browser, page)
    press(browser, "4", "2", Keys.ARROW_LEFT)

    assert told(browser) == "2 of 3 labelled"
    chosen = browser.find_element(By.CSS_SELECTOR, "button.chosen").text
    assert chosen.startswith("2: ")
    press(browser, "5")  # another mind
    # Another process of the browser reads what this one has just kept: not always at once.
    WebDriverWait(browser, 30).until(lambda b: reload_as(b, page, "rater") == "2 of 3 labelled")
    assert browser.find_element(By.TAG_NAME, "h2").text.startswith("3 of 3")


def test_digits_in_the_name_choose_nothing(browser, page):
    load_anew(browser, page, "rater 5")

    assert told(browser) == "0 of 3 labelled"


def test_nobody_s_labels_go_out_under_another_name(browser, page):
    load_anew(browser, page, "Ann")
    press(browser, "4", "2")
    browser.find_element(By.ID, "other").click()
    assert browser.find_element(By.ID, "who").get_attribute("value") == ""
    begin(browser, "Bob")
    assert told(browser) == "0 of 3 labelled"
    press(browser, "1")

    kept = browser.execute_script("return Object.entries(localStorage)")
    found = {key.rpartition("/")[2]: list(json.loads(labels).values()) for key, labels in kept}
    assert found == {"Ann": ["4", "2"], "Bob": ["1"]}


def test_labels_that_an_earlier_page_kept_are_their_annotator_s(browser, page):
    load_anew(browser, page)
    key = browser.execute_script("return place")
    browser.execute_script(
        "localStorage.clear(); localStorage.setItem(place, arguments[0])",
        json.dumps({"who": "Ann ", "labels": {work()[0].key: "3"}}),
    )
    assert key.startswith("labels-")
    WebDriverWait(browser, 30).until(lambda b: reload_as(b, page, "Ann") == "1 of 3 labelled")

    assert reload_as(browser, page, "Bob") == "0 of 3 labelled"


def test_what_it_saves_is_what_the_import_reads(browser, page, tmp_path):
    load_anew(browser, page, 'An "odd" name, 7')
    allow = {"behavior": "allow", "downloadPath": str(tmp_path)}
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", allow)
    press(browser, "1", "5")
    browser.find_element(By.ID, "export").click()
    saved = tmp_path / "labels-An_odd_name_7.csv"
    WebDriverWait(browser, 20).until(lambda _: saved.exists() and saved.stat().st_size)

    keys = [each.key for each in work()]
    found = read_labels([str(saved)], dict.fromkeys(keys, SCALE))
    assert found == {'An "odd" name, 7': {keys[0]: 1.0, keys[1]: 5.0}}
    with saved.open(newline="") as file:
        assert next(csv.reader(file)) == ["key", "annotator", "points"]
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("name", ["", "  "])
def test_without_a_name_there_is_nothing_to_label(browser, page, name):
    load_anew(browser, page, name)
    press(browser, "4", Keys.ARROW_RIGHT)

    assert browser.find_element(By.ID, "item").text == ""
    assert not browser.find_element(By.ID, "export").is_displayed()
    assert browser.execute_script("return localStorage.length") == 0


def test_a_page_without_answers_says_so(browser, tmp_path):
    path = tmp_path / "none.html"
    path.write_text(label_page([], RUBRIC), encoding="utf-8")
    load(browser, path)
    press(browser, "3")

    assert "no answer to label" in browser.find_element(By.TAG_NAME, "main").text
    assert browser.get_log("browser") == []


def test_it_fits_a_phone_and_follows_the_dark(browser, page, tmp_path):
    load(browser, page, dark=True, phone=True)
    begin(browser, "rater with a name that is rather long")
    width, screen, ground = browser.execute_script(
        "return [document.documentElement.scrollWidth, window.innerWidth, "
        "getComputedStyle(document.body).backgroundColor]"
    )

    assert width <= screen == 390
    assert ground == "rgb(20, 23, 26)"


def test_one_reads_the_character_the_dialogue_the_answer_and_then_what_is_asked_of_it(
    browser, page
):
    load_anew(browser, page)
    places = [
        browser.find_element(By.CSS_SELECTOR, name).location["y"]
        for name in ("main pre", "main pre ~ pre", "pre.answer", "h2.asked", "#scale")
    ]

    assert places == sorted(set(places))
    [criterion] = {each.criterion for each in work()}
    asked = browser.find_element(By.CSS_SELECTOR, "h2.asked").text
    assert asked == RUBRIC.criteria[criterion].question


def test_the_next_one_is_read_from_its_beginning(browser, page):
    load_anew(browser, page)
    browser.set_window_size(1200, 400)
    browser.find_elements(By.CSS_SELECTOR, "#scale button")[-1].click()  # scrolls to it
    browser.set_window_size(1200, 900)

    assert told(browser) == "1 of 3 labelled"
    assert browser.execute_script("return scrollY") == 0


def test_earlier_turns_are_shown_before_the_answer(browser, tmp_path):
    one = item(("Who?", "And now?"))
    path = tmp_path / "turns.html"
    judged = Work(one, transcript(one, "First.", "Second."), "persona_consistency", 1)
    path.write_text(label_page([judged], RUBRIC), encoding="utf-8")
    load_anew(browser, path)
    shown = [each.text for each in browser.find_elements(By.TAG_NAME, "pre")]

    assert shown[1:] == ["Earlier question: Who?", "Earlier answer: First.", "And now?", "Second."]
