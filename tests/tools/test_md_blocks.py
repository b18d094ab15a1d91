"""`/// snippet` 与 `/// figure`：生成的 HTML，以及每一种写错都报到真实的行。"""

from dataclasses import dataclass
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from handbook import context
from handbook.catalog import load_catalog
from handbook.context import Conversion, Ran
from handbook.convert import convert
from handbook.project import Project
from markdown import Markdown

BODY_LINE = 6
SVG = '<svg width="460.8pt" height="230.4pt" viewBox="0 0 460.8 230.4"></svg>'
CODE = 'x = 1 < 2  # 注释\nprint(f"{x}")\n'
EXTENSIONS = [
    "pymdownx.details",
    "pymdownx.highlight",
    "pymdownx.superfences",
    "handbook.md_blocks",
]


@dataclass
class Page:
    """一次转换：HTML 与报出的问题（文件行号，规则，说明）。"""

    html: str
    problems: list[tuple[int | None, str, str]]

    @property
    def tree(self) -> BeautifulSoup:
        return BeautifulSoup(self.html, "html.parser")

    def only(self) -> tuple[int | None, str, str]:
        [problem] = self.problems
        return problem


@pytest.fixture
def snippet(tmp_path: Path) -> Path:
    path = tmp_path / "snippets" / "demo" / "two_words.py"
    path.parent.mkdir(parents=True)
    path.write_text(CODE, "utf-8")
    return path


def render(
    source: str,
    snippet: Path | None,
    ran: Ran | None,
    *,
    md: Markdown | None = None,
) -> Page:
    path = Path("docs/demo/two-words.md")
    conversion = Conversion(path, source, BODY_LINE, snippet, ran)
    token = context.current.set(conversion)
    try:
        html = (md or Markdown(extensions=EXTENSIONS)).reset().convert(source)
    finally:
        context.current.reset(token)
    assert all(p.path == path for p in conversion.problems)
    return Page(html, [(p.line, p.rule, f"{p.message}；{p.fix}") for p in conversion.problems])


SNIPPET = "/// snippet\n///\n"


class TestSnippet:
    def test_code_downloads_and_output(self, snippet: Path) -> None:
        page = render(SNIPPET, snippet, Ran("结果 <1>\n", {}))
        assert page.problems == []
        [box] = page.tree.select("div.snippet")
        assert box.has_attr("data-search-exclude")
        code, output = box.select("div.highlight")
        assert code.select(".filename")[0].get_text() == "snippets/demo/two_words.py"
        assert code.select("code")[0].get_text() == CODE  # 一个字符也不差
        assert code.select("span.nb")  # 真的着了色
        assert output.select(".filename")[0].get_text() == "输出"
        assert output.select("code")[0].get_text() == "结果 <1>\n"
        assert [a.get("href") for a in box.select("a[download]")] == [
            "../assets/snippets/demo/two_words.py",
            "../assets/snippets/demo/two_words.ipynb",
        ]

    def test_same_highlighting_as_fences(self, snippet: Path) -> None:
        """与围栏同一套设置：同样的代码得到同样的标记。"""
        settings = {"pymdownx.highlight": {"pygments_lang_class": True, "linenums": True}}
        md = Markdown(extensions=EXTENSIONS, extension_configs=settings)
        fence = f'```python title="snippets/demo/two_words.py"\n{CODE}```\n'
        page = render(f"{fence}\n{SNIPPET}", snippet, Ran("", {}), md=md)
        first, second = page.tree.select(".highlight:not(table)")
        for block in (first, second):
            for anchor in block.select("[id], [name], [href]"):
                anchor.attrs.clear()  # 行锚点各块不同
        assert str(first) == str(second)

    def test_no_output_block_without_output(self, snippet: Path) -> None:
        page = render(SNIPPET, snippet, Ran("", {"": SVG}))
        assert len(page.tree.select("div.highlight")) == 1

    @pytest.mark.parametrize("suffix", [".c", ".cpp"])
    def test_c(self, snippet: Path, suffix: str) -> None:
        path = snippet.rename(snippet.with_suffix(suffix))
        path.write_text("int main(void) { return 0; }\n", "utf-8")
        page = render(SNIPPET, path, Ran("1\n", {}))
        assert [a.get("href") for a in page.tree.select("a[download]")] == [
            f"../assets/snippets/demo/two_words{suffix}"
        ]
        assert page.tree.select("span.kt")[0].get_text() == "int"

    def test_line_anchors_are_unique(self, snippet: Path) -> None:
        settings = {"pymdownx.highlight": {"anchor_linenums": True}}
        md = Markdown(extensions=EXTENSIONS, extension_configs=settings)
        source = f"```python\na = 1\n```\n\n{SNIPPET}\n```python\nb = 1\n```\n"
        tree = render(source, snippet, Ran("1\n", {}), md=md).tree
        ids = [element["id"] for element in tree.select("[id]")]
        assert len(ids) >= 5 and len(ids) == len(set(ids))

    def test_markdown_around_it(self, snippet: Path) -> None:
        page = render(f"前文\n{SNIPPET}\n后文 *强调*\n", snippet, Ran("1\n", {}))
        before, box, after = page.tree.find_all(recursive=False)
        assert (before.get_text(), box.name, after.get_text()) == ("前文", "div", "后文 强调")


class TestFigure:
    def test_html(self, snippet: Path) -> None:
        source = (
            f'{SNIPPET}\n/// figure | two_paths\n    alt: 甲 "乙" <丙>\n*图注*：`x` 与 $y$。\n///\n'
        )
        page = render(source, snippet, Ran("1\n", {"two_paths": SVG}))
        assert page.problems == []
        [figure] = page.tree.select("figure")
        assert figure.get("id") == "figure-two_paths"
        image, caption = figure.find_all(recursive=False)
        assert image.attrs == {
            "class": ["figure"],
            "src": "../assets/figures/demo/two-words-two_paths.svg",
            "alt": '甲 "乙" <丙>',
            "width": "614",
            "height": "307",
            "loading": "lazy",
        }
        assert caption.name == "figcaption"
        assert caption.select("em")[0].get_text() == "图注"
        assert caption.select("code")[0].get_text() == "x"

    def test_unnamed_and_inside_a_fold(self, snippet: Path) -> None:
        source = (
            f'{SNIPPET}\n??? step "一步"\n\n    /// figure\n        alt: 甲\n    图注\n    ///\n'
        )
        page = render(source, snippet, Ran("1\n", {"": SVG}))
        assert page.problems == []
        [figure] = page.tree.select("details figure")
        assert figure.get("id") == "figure"
        assert figure.img["src"] == "../assets/figures/demo/two-words.svg"

    def test_formula_in_caption(self, project: Project) -> None:
        """全书的设置与真正的转换：图注里的公式由 KaTeX 排好。"""
        page = load_catalog(project).pages["square"]
        document = convert(page, Ran("1\n", {"": SVG}), project)
        caption = BeautifulSoup(document.html, "html.parser").select("figcaption")[0]
        assert caption.select(".katex") and "切线斜率" in caption.get_text()

    def test_alt_over_several_lines(self, snippet: Path) -> None:
        source = f"{SNIPPET}\n/// figure\n    alt: >\n        甲\n        乙\n图注\n///\n"
        page = render(source, snippet, Ran("1\n", {"": SVG}))
        assert page.problems == []
        assert page.tree.select("img")[0].get("alt") == "甲 乙\n"


def figure(options: str, caption: str = "图注\n", name: str = "") -> str:
    head = f"/// figure | {name}\n" if name else "/// figure\n"
    return f"{SNIPPET}\n{head}{options}{caption}///\n"


LINE = BODY_LINE + 3  # figure() 里图那一行


class TestMistakes:
    @pytest.mark.parametrize(
        ("source", "line", "rule", "words"),
        [
            (figure("", "图注\n"), LINE, "P13", "没有替代文字"),
            (figure("    alt: ''\n"), LINE, "P13", "没有替代文字"),
            (figure("    alt: 甲\n", ""), LINE, "P13", "没有图注"),
            (figure("    alt: 甲\n    width: 3\n"), LINE + 1, "P13", "不认识的选项 width"),
            (figure("    alt: a: b\n"), LINE + 1, "P13", "选项不是合法的 YAML"),
            (figure("    alt: 3\n"), LINE + 1, "P13", "选项 alt 应是文字"),
            (f"{SNIPPET}\n/// figure\n    alt: 甲\n图注\n", LINE, "P13", "没有结束"),
            (f"{SNIPPET}\n/// figure\n    alt: 甲\n图注\n\n//// \n", LINE, "P13", "没有结束"),
            ("正文\n\n/// snippet\n", BODY_LINE + 2, "S01", "没有结束"),
            (f"{SNIPPET}\n\n/// snipet\n///\n", BODY_LINE + 4, "S01", "不认识的指令 /// snipet"),
            ("/// snippet | a\n///\n", BODY_LINE, "S01", "不带参数"),
            ("/// snippet\n文字\n///\n", BODY_LINE, "S01", "里面应是空的"),
            ("/// snippet\n    title: a\n///\n", BODY_LINE + 1, "S01", "不认识的选项 title"),
            (f"{SNIPPET}\n{SNIPPET}", BODY_LINE + 3, "S01", f"用了两次，第 {BODY_LINE} 行已有"),
            (
                "列表\n\n- 甲\n\n        /// snippet\n        ///\n",
                BODY_LINE + 4,
                "S01",
                "没有生效",
            ),
        ],
    )
    def test_reported_with_the_real_line(
        self, snippet: Path, source: str, line: int, rule: str, words: str
    ) -> None:
        figures = {"": SVG} if "/// figure" in source else {}
        page = render(source, snippet, Ran("1\n", figures))
        assert page.only()[:2] == (line, rule)
        assert words in page.only()[2]

    def test_unknown_figure(self, snippet: Path) -> None:
        ran = Ran("1\n", {"a": SVG})
        page = render(figure("    alt: 甲\n", name="b"), snippet, ran)
        unknown, unused = page.problems
        assert unknown[:2] == (LINE, "P13")
        assert "片段里没有 figure_b()" in unknown[2] and "figure_a()" in unknown[2]
        assert unused[:2] == (BODY_LINE, "P13")
        assert "figure_a() 画的图没有显示" in unused[2] and "/// figure | a" in unused[2]

    def test_same_figure_twice(self, snippet: Path) -> None:
        one = "/// figure\n    alt: 甲\n图注\n///\n"
        page = render(f"{SNIPPET}\n{one}\n{one}", snippet, Ran("1\n", {"": SVG}))
        assert page.only()[:2] == (LINE + 5, "P13")
        assert "figure() 的图用了两次" in page.only()[2]

    def test_unshown_snippet(self, snippet: Path) -> None:
        assert render("正文\n", snippet, Ran("1\n", {})).only()[2].startswith("片段没有显示")

    def test_directive_without_a_snippet(self) -> None:
        page = render(f"正文\n\n{SNIPPET}", None, None)
        assert page.only()[:2] == (BODY_LINE + 2, "S01")
        assert "没有片段 snippets/demo/two_words.py" in page.only()[2]

    def test_everything_is_listed_at_once(self, snippet: Path) -> None:
        source = f"{SNIPPET}\n/// figure\n图注\n///\n\n/// figure | x\n    alt: 甲\n///\n"
        page = render(source, snippet, Ran("1\n", {}))
        assert len(page.problems) == 4  # 缺 alt、没有 figure()，缺图注、没有 figure_x()

    def test_examples_in_fences_are_left_alone(self, snippet: Path) -> None:
        source = f"{SNIPPET}\n````markdown\n/// figure | nope\n```\n/// snippet\n````\n"
        page = render(source, snippet, Ran("1\n", {}))
        assert page.problems == []
        assert "/// figure | nope" in page.tree.select("code")[-1].get_text()

    def test_pages_without_directives_need_no_context(self) -> None:
        assert Markdown(extensions=EXTENSIONS).convert("正文") == "<p>正文</p>"
        with pytest.raises(LookupError):
            Markdown(extensions=EXTENSIONS).convert(SNIPPET)

    def test_one_page_does_not_leak_into_the_next(self, snippet: Path) -> None:
        """同一个 Markdown 实例转换许多页。"""
        md = Markdown(extensions=EXTENSIONS)
        first = render(SNIPPET, snippet, Ran("1\n", {}), md=md)
        assert render("/// snippet\n", snippet, Ran("1\n", {}), md=md).problems
        assert render(SNIPPET, snippet, Ran("1\n", {}), md=md) == first
