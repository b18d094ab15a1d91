"""Anki 牌组：一题一张「问答」，有结论公式或要手写代码的题另有一张「推导·手撕」。

编号（GUID、模型、牌组）都由 slug 算出，重新导入是更新而不是多出一份；公式写成 Anki 自带的 MathJax。
"""

import hashlib
import html
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

import genanki
from lxml import etree
from lxml.html import HtmlElement
from pygments.formatters import HtmlFormatter

from handbook.export import markup
from handbook.export.book import TITLE, Book, Part, Question
from handbook.export.links import Links
from handbook.export.stamp import fresh
from handbook.furniture import DIFFICULTIES

MISTAKES = "易错点"
_QA_FIELDS = ("题目", "回答", "公式", "易错点", "图", "来源")
_PROOF_FIELDS = ("题目", "提示", "结果", "代码", "来源")
_HOT = ((5, "高频"), (2, "常考"), (1, "偶尔"), (0, "未见"))
_STYLE = """\
.card { font: 17px/1.65 sans-serif; text-align: left; max-width: 46em; margin: 0 auto; }
.ask { font-size: 1.15em; font-weight: bold; } .hint, .source { color: #777; font-size: .85em; }
h4 { margin: 1em 0 .3em; color: #2f5bb7; } img { max-width: 100%; background: #fff; }
pre { white-space: pre-wrap; font-size: .8em; line-height: 1.4; padding: .6em;
  background: #f6f8fa; color: #24292f; }
.nightMode a, .nightMode h4 { color: #8ab4f8; }
"""
_FRONT = '<div class="ask">{{题目}}</div>'
_QA_BACK = (
    "{{FrontSide}}<hr id=answer>{{回答}}"
    "{{#公式}}<h4>关键公式</h4>{{公式}}{{/公式}}"
    "{{#图}}{{图}}{{/图}}"
    "{{#易错点}}<h4>易错点</h4>{{易错点}}{{/易错点}}"
    '<div class="source">{{来源}}</div>'
)
_PROOF_BACK = (
    "{{FrontSide}}<hr id=answer>{{#结果}}<h4>结果</h4>{{结果}}{{/结果}}"
    '{{#代码}}<h4>代码</h4>{{代码}}{{/代码}}<div class="source">{{来源}}</div>'
)


def number(name: str) -> int:
    """名字 → 固定的编号；Anki 要它落在 2³⁰ 与 2³¹ 之间。"""
    return (1 << 30) + int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % (1 << 30)


def _model(name: str, fields: Iterable[str], front: str, back: str) -> genanki.Model:
    return genanki.Model(
        number(f"handbook/{name}"),
        f"{TITLE}·{name}",
        fields=[{"name": field} for field in fields],
        templates=[{"name": name, "qfmt": front, "afmt": back}],
        css=_STYLE + HtmlFormatter(style="default").get_style_defs(".highlight"),
    )


QA = _model("问答", _QA_FIELDS, _FRONT, _QA_BACK)
PROOF = _model("推导·手撕", _PROOF_FIELDS, _FRONT + '<div class="hint">{{提示}}</div>', _PROOF_BACK)


def write_deck(book: Book, target: Path, *, site: str = "") -> None:
    decks = [_deck(part, site) for part in book.parts]
    with tempfile.TemporaryDirectory(prefix="handbook-anki-") as folder, fresh(target) as temporary:
        package = genanki.Package(decks)
        for path, svg in book.figures.items():
            file = Path(folder) / media_name(path)
            file.write_text(svg, "utf-8")
            package.media_files.append(str(file))
        package.write_to_file(str(temporary), timestamp=book.date.timestamp())


def media_name(path: str) -> str:
    """Anki 的媒体文件都在一个文件夹里：名字要全库唯一。"""
    return "handbook-" + Path(path).name


def _deck(part: Part, site: str) -> genanki.Deck:
    name = f"{TITLE}::{int(part.number):02} {part.chapter.title}"
    deck = genanki.Deck(number(f"handbook/{part.chapter.slug}"), name)
    for question in part.questions:
        for note in notes(question, site):
            deck.add_note(note)
    return deck


def notes(question: Question, site: str) -> list[genanki.Note]:
    """一题的一两张笔记。"""
    links = Links({}, question.url, site)
    title = field(question.document.title_html, links)
    source = _source(question, site)
    whole = markup.parse(question.document.html)
    result = "".join(_answers(whole, links))
    mistakes = field(question.document.section(MISTAKES), links)
    figures = "".join(_outer(f, links) for f in whole.iter("figure"))
    answer = field(question.document.answer, links)
    made = [_note(question, QA, "qa", (title, answer, result, mistakes, figures, source))]
    kind = question.page.kind
    code = _code(whole) if kind == "code" or (kind == "derivation" and result) else ""
    if code or (result and kind == "derivation"):
        made.append(
            _note(question, PROOF, "proof", (title, _hint(result, code), result, code, source))
        )
    return made


def _note(
    question: Question, model: genanki.Model, kind: str, fields: Iterable[str]
) -> genanki.Note:
    page = question.page
    heat = next(name for least, name in _HOT if page.asked >= least)
    tags = [
        f"章::{page.chapter.title}",
        f"难度::{DIFFICULTIES[page.meta.difficulty]}",
        f"热度::{heat}",
    ]
    tags += [f"标签::{tag}" for tag in page.meta.tags]
    return genanki.Note(
        model=model,
        fields=list(fields),
        guid=genanki.guid_for("handbook", page.slug, kind),
        tags=[re.sub(r"\s+", "_", tag) for tag in tags],
    )


def _source(question: Question, site: str) -> str:
    name = html.escape(f"{TITLE} {question.page.number}")
    return f'<a href="{site.rstrip("/")}/{question.url}">{name}</a>' if site else name


def _hint(result: str, code: str) -> str:
    wanted = [name for name, found in (("推导出结果", result), ("写出代码", code)) if found]
    return "在纸上" + "，并".join(wanted)


def _answers(whole: HtmlElement, links: Links) -> list[str]:
    """标为结论的块，去掉块的标题。"""
    found = []
    for box in markup.with_class(whole, "answer"):
        head = box.find('p[@class="admonition-title"]')
        shown = "".join(_outer(child, links) for child in box if child is not head)
        found.append(shown)
    return found


def _code(whole: HtmlElement) -> str:
    """片段的代码，不含它的输出。"""
    box = next(markup.with_class(whole, "snippet"), None)
    block = None if box is None else next(markup.with_class(box, "highlight"), None)
    if block is None:
        return ""
    pre = block.find(".//pre")
    assert pre is not None
    return f'<div class="highlight"><pre>{markup.inner(pre).strip()}</pre></div>'


def _outer(element: HtmlElement, links: Links) -> str:
    return field(etree.tostring(element, encoding="unicode", method="html", with_tail=False), links)


def field(source: str, links: Links) -> str:
    """网页的一段 → 笔记的一个字段。"""
    if not source:
        return ""
    root = markup.parse(source)
    for element in list(markup.with_class(root, "math")):
        _mathjax(element)
    for mark in [
        s for s in root.iter("sup") if next(markup.with_class(s, "footnote-ref"), None) is not None
    ]:
        mark.drop_tree()
    for element in list(root.iter("a")):
        target = links.target(element.get("href") or "")
        if target and not target.startswith("#"):
            element.set("href", target)
        else:
            element.drop_tag()
    for image in root.iter("img"):
        image.set("src", media_name(image.get("src") or ""))
        for key in ("loading", "width", "height"):
            image.attrib.pop(key, None)
    for element in root.iter():
        element.attrib.pop("id", None)
    return markup.inner(root).strip()


def _mathjax(element: HtmlElement) -> None:
    """行内 \\(…\\)，独立成行 \\[…\\]；换行在 Anki 的编辑器里会变成 <br>，改成空格。"""
    tex = " ".join(element.attrib.pop("data-tex").split())
    display = "math-display" in (element.get("class") or "")
    holder = element.makeelement("div" if display else "span", {})
    holder.text = f"\\[{tex}\\]" if display else f"\\({tex}\\)"
    markup.replace(element, holder)
    if not display:
        holder.drop_tag()
