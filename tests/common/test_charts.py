from xml.etree import ElementTree

from common.charts import Column, bar, columns

SVG = "{http://www.w3.org/2000/svg}"


def parsed(picture):
    return ElementTree.fromstring(str(picture))  # noqa: S314  our own picture


def test_the_parts_of_a_bar_stand_one_after_the_other():
    rects = parsed(bar(("good", 0.5), ("bad", 0.25))).findall("rect")
    assert [(r.get("class"), r.get("x"), r.get("width")) for r in rects[1:]] == [
        ("good", "0.0", "50.0"),
        ("bad", "50.0", "25.0"),
    ]


def test_a_bar_is_never_longer_than_its_line():
    rects = parsed(bar(("good", 0.9), ("bad", 0.9))).findall("rect")
    assert sum(float(r.get("width")) for r in rects[1:]) == 100


def test_the_highest_column_reaches_the_top_and_a_missing_one_has_no_height():
    points = [
        Column("Jan", 0.1, "10 %", "January"),
        Column("Feb", None, "", "none"),
        Column("Mar", 0.2, "", ""),
    ]
    rects = [r for r in parsed(columns(points, title="Months")).iter("rect") if r.get("class") == "bad"]
    heights = [float(r.get("height")) for r in rects]
    assert heights == [heights[2] / 2, 0, max(heights)]


def test_words_with_markup_are_text():
    picture = str(columns([Column("<b>", 1, "", "<script>", "/x?a=1&b=2")], title="<i>"))
    assert "<script>" not in picture
    assert parsed(picture).find("a").get("href") == "/x?a=1&b=2"
