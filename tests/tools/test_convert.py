"""唯一的转换：结果的形状、报错的行号、与状态无关、按内容缓存。"""

import re
from pathlib import Path

import pytest
from handbook.catalog import load_catalog
from handbook.context import Ran
from handbook.convert import Document, convert, convert_plain, settings
from handbook.documents import convert_all
from handbook.errors import HandbookError, Problem
from handbook.html_text import plain as plain_text
from handbook.md_links import to_html
from handbook.page import Source, read_source
from handbook.project import Project
from lxml import html

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="288pt" height="216pt"></svg>'
RAN = {"square": Ran("f'(3) = 6\n", {"": SVG})}
PAGE = "docs/demo/square.md"


def edit(project: Project, name: str, old: str, new: str) -> None:
    path = project.root / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def line_of(project: Project, name: str, text: str) -> int:
    lines = (project.root / name).read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def square(project: Project) -> Document:
    return convert(load_catalog(project).pages["square"], RAN["square"], project)


def plain(project: Project, body: str, title: str = "一页") -> Document:
    return convert_plain(
        Source(project.docs / "about" / "x.md", {"title": title}, body, 1), project
    )


def test_a_question_page_has_formulas_code_output_figure_and_footnotes(project: Project) -> None:
    document = square(project)
    tree = html.fromstring(f"<div>{document.html}</div>")
    assert tree.xpath('//div[contains(@class, "math-display")]/@data-tex') == ["f'(x) = 2x"]
    assert "def derivative(x):" in tree.text_content()
    assert "f'(3) = 6" in tree.text_content()
    assert tree.xpath("//figure/img/@src") == ["../assets/figures/demo/square.svg"]
    assert [h.tag for h in tree.iter("h1", "h2")] == ["h2"] * 6
    assert tree.xpath('//a[@class="footnote-ref"]')


def test_title_is_html_and_plain_text(project: Project) -> None:
    document = square(project)
    assert document.title_text == "平方函数 f(x) = x² 怎样求导？"
    assert "<math" in document.title_html and "$" not in document.title_html


def test_headings_are_flat_with_ids_that_exist(project: Project) -> None:
    document = square(project)
    found = re.findall(r"^(##+) (.*?)(?: \{.*)?$", (project.root / PAGE).read_text("utf-8"), re.M)
    assert [(h.level, h.text) for h in document.headings] == [(len(m), t) for m, t in found]
    ids = html.fromstring(f"<div>{document.html}</div>").xpath("//h2/@id | //h3/@id")
    assert [h.id for h in document.headings] == ids


def test_answer_is_the_paragraph_without_footnote_marks(project: Project) -> None:
    edit(project, PAGE, "用割线斜率取极限即可得到", "用割线斜率取极限即可得到 [^spivak]")
    source = (project.root / PAGE).read_text("utf-8").split("## 一句话回答\n\n")[1].split("\n")[0]
    assert square(project).answer == source.replace(" [^spivak]", "")


def test_answer_is_empty_where_there_is_no_such_section(project: Project) -> None:
    assert plain(project, "## 别的\n\n文字。\n").answer == ""


def test_section_ends_at_the_next_second_level_heading(project: Project) -> None:
    document = plain(project, "## 甲\n\n一。\n\n### 子\n\n二。\n\n## 乙\n\n三。\n")
    assert "二。" in document.section("甲") and "三。" not in document.section("甲")
    assert document.section("乙") == "<p>三。</p>"


def test_prose_has_words_without_formulas_and_code(project: Project) -> None:
    edit(project, PAGE, "### 几何意义", "### $x^2$ 的几何意义")
    prose = square(project).prose
    words = html.fromstring(f"<div>{prose}</div>")
    assert "x² 的几何意义" in words.xpath("string(//h3[2])")
    assert "切线斜率随  线性增长，见图。" in words.text_content()
    for stranger in ("math", "katex", "def derivative", "f'(3)", "¶"):
        assert stranger not in prose
    assert not plain(project, "```text\n输出\n```\n").prose.strip()


def test_plain_text_writes_formulas_out() -> None:
    assert plain_text("") == ""
    assert plain_text("甲 <strong>乙</strong> &lt;丙&gt;") == "甲 乙 <丙>"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a.md", "a.html"),
        ("../b/c.md#甲-乙", "../b/c.html#甲-乙"),
        ("#甲", "#甲"),
        ("https://example.org/a.md", "https://example.org/a.md"),
        ("a.pdf", "a.pdf"),
    ],
)
def test_internal_links_become_html(project: Project, written: str, shown: str) -> None:
    assert to_html(written) == shown
    tree = html.fromstring(plain(project, f"见[这里]({written})。").html)
    assert tree.xpath("//a/@href") == [shown]


def test_bad_formulas_in_title_and_body_are_reported_at_their_lines(project: Project) -> None:
    edit(project, PAGE, "$f(x)=x^2$", "$\\frac{$")
    edit(project, PAGE, "f'(x) = 2x\n", "\\nosuch{x}\n")
    with pytest.raises(HandbookError) as caught:
        square(project)
    lines = [problem.line for problem in caught.value.problems]
    assert lines == [line_of(project, PAGE, "title:"), line_of(project, PAGE, r"\nosuch")]
    assert {p.path.as_posix() for p in caught.value.problems} == {PAGE}


def test_one_conversion_leaves_nothing_behind_for_the_next(project: Project) -> None:
    first = square(project)
    plain(project, "## 甲\n\n文字 [^a]。\n\n```python\nx = 1\n```\n\n[^a]: 注。\n")
    again = square(project)
    configuration = project.root / "mkdocs.yml"
    configuration.write_text(configuration.read_text("utf-8") + "# 另装配一个\n", "utf-8")
    assert first == again == square(project)


def test_extensions_are_read_from_mkdocs_yml_only(project: Project) -> None:
    table = "| 甲 | 乙 |\n| --- | --- |\n| 1 | 2 |\n"
    assert "<table>" in plain(project, table).html
    edit(project, "mkdocs.yml", "  - tables\n", "")
    assert "tables" not in settings((project.root / "mkdocs.yml").read_text("utf-8"))
    assert "<table>" not in plain(project, table).html


def cached(project: Project) -> dict[Path, int]:
    return {p: p.stat().st_mtime_ns for p in (project.cache / "pages").rglob("*.json")}


def test_unchanged_pages_are_not_converted_again(project: Project) -> None:
    catalog = load_catalog(project)
    made = convert_all(catalog, RAN)
    before = cached(project)
    assert convert_all(catalog, RAN) == made
    assert cached(project) == before
    pages = {p.relative_to(project.docs).as_posix() for p in project.docs.rglob("*.md")}
    assert set(made) == pages


def test_any_change_of_what_a_page_shows_converts_it_again(project: Project) -> None:
    def shown(ran: dict[str, Ran]) -> str:
        return convert_all(load_catalog(project), ran)["demo/square.md"].html

    first = shown(RAN)
    edit(project, PAGE, "恒为二。", "处处为二。")
    edited = shown(RAN)
    edit(project, "snippets/demo/square.py", "return 2 * x", "return x + x")
    coded = shown(RAN)
    ran = shown({"square": Ran("别的输出\n", {"": SVG})})
    drawn = shown({"square": Ran("别的输出\n", {"": SVG.replace("288pt", "144pt")})})
    assert len({first, edited, coded, ran, drawn}) == 5


def test_problems_of_all_pages_are_listed_every_time(project: Project) -> None:
    edit(project, PAGE, "恒为二。", "恒为 $\\nosuch$。")
    edit(project, "docs/demo/index.md", "一章一题。", "一章 $\\alsonot$ 一题。")
    for _ in range(2):
        with pytest.raises(HandbookError) as caught:
            convert_all(load_catalog(project), RAN)
        paths = [problem.path.as_posix() for problem in caught.value.problems]
        assert paths == ["docs/demo/index.md", PAGE]


def test_generated_pages_are_converted_without_a_file(project: Project) -> None:
    path = project.docs / "about" / "made.md"
    source = Source(path, {"title": "生成"}, "## 甲\n\n见[记号](notation.md)。\n", 1)
    made = convert_all(load_catalog(project), RAN, [source])["about/made.md"]
    assert made.title_text == "生成" and 'href="notation.html"' in made.html
    assert not path.exists()


def test_about_pages_of_the_real_project_convert() -> None:
    project = Project.find(Path(__file__).parent)
    for path in sorted((project.docs / "about").glob("*.md")):
        document = convert_plain(read_source(path, project.relative(path)), project)
        headings = html.fromstring(f"<div>{document.html}</div>").xpath("//h1")
        assert len(headings) == 1 and document.title_text


def test_problems_without_a_line_stand_before_those_with_one() -> None:
    path = Path("docs/a.md")
    problems = [
        Problem(path, 3, "丙", "改"),
        Problem(path, None, "甲", "改"),
        Problem(path, 1, "乙", "改"),
    ]
    assert [p.message for p in HandbookError(problems).problems] == ["甲", "乙", "丙"]
