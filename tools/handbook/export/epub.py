"""EPUB 3：一题一个文件，公式是 MathML，图是 SVG；写法由 epubcheck 核对（见测试）。"""

import html
import re
import uuid
from collections.abc import Mapping
from pathlib import Path

from ebooklib import epub
from lxml.html import HtmlElement
from pygments.formatters import HtmlFormatter

from handbook.export import markup, mathml
from handbook.export.book import SUBTITLE, TITLE, Book, Part, Question
from handbook.export.links import Links
from handbook.export.stamp import fresh
from handbook.furniture import DIFFICULTIES, KINDS

AUTHOR = "手册编写者"
_PAGE = """\
<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"
 lang="zh-CN" xml:lang="zh-CN">
<head>
<title>{title}</title>
<link rel="stylesheet" type="text/css" href="../style.css"/>
</head>
<body>
{body}
</body>
</html>
"""
_STYLE = """\
body { line-height: 1.7; }
h1 { font-size: 1.5em; } h2 { font-size: 1.25em; } h3 { font-size: 1.1em; }
h1, h2, h3, h4, .admonition-title, .summary { break-after: avoid; }
pre { white-space: pre-wrap; font-size: .8em; line-height: 1.4; padding: .6em;
  background: #f6f8fa; }
code { font-family: monospace; }
.filename { display: block; font: .8em monospace; background: #e7ecf3; padding: .2em .6em; }
.admonition, .details { border-left: 3px solid #2f5bb7; padding: .1em .9em; margin: 1em 0;
  background: #f3f6fc; }
.answer { border-color: #1b7f4b; background: #f1f8f4; }
.question { border-color: #6b3fa0; background: #f7f3fb; }
.admonition-title, .summary { font-weight: bold; }
.math-display { display: block; text-align: center; margin: .8em 0; }
.table { overflow-x: auto; } table { border-collapse: collapse; }
th, td { border-bottom: 1px solid #bbb; padding: .25em .5em; vertical-align: top; }
figure { margin: 1em 0; text-align: center; } img { max-width: 100%; }
figcaption { font-size: .9em; } .badges { font-size: .85em; color: #555; }
"""


class _Page(epub.EpubHtml):  # type: ignore[misc]
    """内容原样写出；ebooklib 自己会再解析一遍，丢掉 MathML 的命名空间。"""

    def get_content(self, default: object = None) -> bytes:
        content: bytes = self.content
        return content


def write_epub(book: Book, target: Path, *, cover: bytes, site: str = "") -> None:
    """`cover` 是封面的 PNG；`site` 是网站地址，书外的链接指向它。"""
    made = epub.EpubBook()
    made.set_identifier(f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, TITLE)}")
    made.set_title(TITLE)
    made.set_language("zh-CN")
    made.add_author(AUTHOR)
    made.add_metadata("DC", "description", f"{SUBTITLE}（{book.version}）")
    made.add_metadata("DC", "date", f"{book.date:%Y-%m-%d}")
    made.set_cover("cover.png", cover, create_page=True)
    first = made.get_item_with_id("cover")
    first.title, first.is_linear = "封面", True
    style = _STYLE + HtmlFormatter(style="default").get_style_defs(".highlight")
    made.add_item(epub.EpubItem("style", "style.css", "text/css", style.encode()))
    urls = {q.url: f"{q.slug}.xhtml" for q in book.questions}
    urls |= {f"{p.chapter.slug}/index.html": f"chapter-{p.chapter.slug}.xhtml" for p in book.parts}
    spine: list[object] = ["cover", "nav"]
    for part in book.parts:
        pages = [_chapter(part, urls, site)]
        pages += [_question(question, urls, site) for question in part.questions]
        for page in pages:
            made.add_item(page)
        spine += pages
        made.toc.append((pages[0], pages[1:]))
    for name, svg in book.figures.items():
        item = epub.EpubItem(None, _image(name), "image/svg+xml", svg.encode())
        made.add_item(item)
    made.spine = spine
    made.add_item(epub.EpubNcx())
    nav = epub.EpubNav(title="目录")
    made.add_item(nav)
    options = {"mtime": book.date, "epub3_pages": False, "raise_exceptions": True}
    with fresh(target) as temporary:
        epub.write_epub(str(temporary), made, options)


def _image(path: str) -> str:
    return path.removeprefix("assets/")


def _page(name: str, title: str, body: str) -> _Page:
    page = _Page(uid=name, file_name=f"pages/{name}.xhtml", title=title, lang="zh-CN")
    page.content = _PAGE.format(title=html.escape(title), body=body).encode()
    page.properties = [
        kind for kind, mark in (("mathml", "<math"), ("svg", "<svg")) if mark in body
    ]
    return page


def _chapter(part: Part, urls: Mapping[str, str], site: str) -> _Page:
    slug, name = part.chapter.slug, f"第 {part.number} 章　{part.chapter.title}"
    links = Links(urls, f"{slug}/index.html", site)
    lead = body_of(part.lead.html, links)
    rows = "".join(
        f'<p><a href="{q.slug}.xhtml">{q.page.number}　{title}</a></p>'
        for q, title in ((q, body_of(q.document.title_html, links)) for q in part.questions)
    )
    return _page(f"chapter-{slug}", name, f"<h1>{html.escape(name)}</h1>\n{lead}\n{rows}")


def _question(question: Question, urls: Mapping[str, str], site: str) -> _Page:
    page, document = question.page, question.document
    links = Links(urls, question.url, site)
    badges = [KINDS[page.kind], DIFFICULTIES[page.meta.difficulty], *page.meta.tags]
    badges += [f"被问 {page.asked} 次"] if page.asked else []
    head = f"<h1>{page.number}　{body_of(document.title_html, links)}</h1>"
    shown = f'<p class="badges">{html.escape(" · ".join(badges))}</p>'
    body = f"{head}\n{shown}\n{body_of(document.html, links)}"
    return _page(page.slug, f"{page.number} {document.title_text}", body)


def body_of(source: str, links: Links) -> str:
    """一段网页 → 合乎 EPUB 3 的 XHTML。"""
    root = markup.parse(source)
    for element in list(markup.with_class(root, "math")):
        _formula(element)
    for element in list(root.iter("details")):
        _expand(element)
    for element in list(root.iter("a")):
        _link(element, links)
    for image in root.iter("img"):
        image.set("src", "../" + _image(re.sub(r"^(\.\./)+", "", image.get("src") or "")))
        image.attrib.pop("loading", None)
    for table in root.iter("table"):
        for cell in table.iter("td", "th"):
            cell.attrib.pop("align", None)
    return markup.inner(root, xml=True)


def _formula(element: HtmlElement) -> None:
    tex = element.attrib.pop("data-tex")
    math = next(element.iter("math"))
    for child in list(element):
        element.remove(child)
    element.append(mathml.valid(math, tex))
    math.tail = None


def _expand(element: HtmlElement) -> None:
    """折叠块展开：阅读器多半点不开。"""
    summary = element.find("summary")
    assert summary is not None
    summary.tag = "p"
    summary.set("class", "summary")
    element.set("class", f"details {element.get('class') or ''}".strip())
    element.attrib.pop("open", None)
    element.tag = "div"


def _link(element: HtmlElement, links: Links) -> None:
    target = links.target(element.get("href") or "")
    if target:
        element.set("href", target)
    else:
        element.drop_tag()
