from html.parser import HTMLParser

from opencharacter.population.attributes import distribution, joints
from opencharacter.population.page import page
from opencharacter.population.texts import variety


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def test_a_page_shows_everything_and_runs_nothing():
    values = [f"v{n}" for n in range(20)] + ["<script>alert(1)</script>"] * 5
    rows = [{"gender": v, "age": "a", "race": v, "country": "c"} for v in values]
    reader = Reader()
    reader.feed(
        page(
            "25 <b>characters</b>",
            distributions=[distribution("gender", values, {})],
            joints=joints(rows),
            varieties={"experience": variety(["a b c", "a b d"])},
            lists={"Names": [("Ann & Bob", 3)]},
        )
    )

    text = " ".join(reader.text)
    assert "script" not in {tag for tag, _ in reader.tags}
    assert "<script>alert(1)</script>" in text
    assert "25 <b>characters</b>" in text
    assert "9 others" in text
    assert "Ann & Bob" in text
    widths = [a["style"] for tag, a in reader.tags if a.get("class") == "bar"]
    assert len(widths) == 13
    assert widths[-1] == "width:100.0%"
    assert not [a for _, a in reader.tags if "src" in a or "href" in a]
