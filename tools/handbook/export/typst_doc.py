"""一页的 HTML → Typst 标记：逐个元素对应到 tools/export/book.typ 里的函数。

文字一律写成 Typst 的字符串，不必逐字转义；标签是「slug--锚点」，全书唯一。
不认识的元素抛 UnknownElement：宁可停下，也不悄悄丢掉内容。
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lxml import html as lxml_html
from lxml.html import HtmlElement

from handbook.export.links import Links, is_foreign
from handbook.export.typst_chars import string
from handbook.export.typst_math import Formula

Math = Callable[[str, bool], Formula]
Figure = Callable[[str], Path | None]

_SPACE = re.compile(r"\s+")
_TRANSPARENT = frozenset({"span", "div", "section", "tbody", "thead", "body"})
_WRAPS = {"strong": "strong", "b": "strong", "em": "emph", "i": "emph", "sub": "sub"}


class UnknownElement(ValueError):
    """HTML 里有不会转换的元素。"""


@dataclass(frozen=True)
class Resolver:
    """把页面里的网址变成 Typst 的链接目标；`links.inside` 给出这本书里各题的 slug。"""

    links: Links

    def target(self, href: str) -> str:
        """标签或网址，写成 Typst 的表达式；没有可去的地方则空串。"""
        if not is_foreign(href):
            page, anchor = self.links.split(href)
            if page in self.links.inside:
                return f"label({string(label(self.links.inside[page], anchor))})"
        found = self.links.target(href)
        return string(found) if found else ""


def label(slug: str, anchor: str = "") -> str:
    return f"{slug}--{anchor}" if anchor else slug


def text(words: str) -> str:
    """一段文字；连续的空白合成一个。块与块之间的换行不是文字，写出来会成为空段落。"""
    if "\n" in words and not words.strip():
        return ""
    words = _SPACE.sub(" ", words)
    return f"#{string(words)};" if words else ""


def convert(html: str, slug: str, math: Math, figure: Figure, resolver: Resolver) -> str:
    """一页的正文。`math` 转公式，`figure` 由图的网址找到 SVG 文件。"""
    root = lxml_html.fragment_fromstring(html, create_parent="div")
    return _Writer(slug, math, figure, resolver).children(root)


def convert_inline(html: str, math: Math, resolver: Resolver) -> str:
    """题目、一句话回答这样的行内 HTML。"""
    return convert(html, "", math, lambda _: None, resolver).strip()


class _Writer:
    def __init__(self, slug: str, math: Math, figure: Figure, resolver: Resolver):
        self.slug, self.math, self.figure, self.resolver = slug, math, figure, resolver

    def children(self, element: HtmlElement) -> str:
        parts = [text(element.text or "")]
        for child in element:
            if isinstance(child.tag, str):
                parts.append(self.element(child))
            parts.append(text(child.tail or ""))
        return "".join(parts)

    def content(self, element: HtmlElement) -> str:
        return f"[{self.children(element).strip()}]"

    def element(self, element: HtmlElement) -> str:
        classes = (element.get("class") or "").split()
        if "math" in classes:
            return self._math(element, display="math-display" in classes)
        for name in classes:
            method = getattr(self, f"_class_{name.replace('-', '_')}", None)
            if method is not None:
                return str(method(element))
        if element.tag in _WRAPS:
            return f"#{_WRAPS[element.tag]}{self.content(element)};"
        method = getattr(self, f"_{element.tag}", None)
        if method is not None:
            return str(method(element))
        if element.tag in _TRANSPARENT:
            return self.children(element)
        raise UnknownElement(f"不会转换 HTML 元素 <{element.tag} class={' '.join(classes)!r}>")

    def _block(self, call: str) -> str:
        return f"\n\n{call}\n\n"

    def _mark(self, anchor: str | None) -> str:
        return f"#label({string(label(self.slug, anchor))})" if anchor else ""

    def _math(self, element: HtmlElement, *, display: bool) -> str:
        tex = element.get("data-tex") or ""
        formula = self.math(tex, display)
        if not display:
            return f"#inline-math({string(tex)}, ${formula.body}$);"
        tag = string(formula.tag) if formula.tag else "none"
        return self._block(f"#display-math({string(tex)}, {tag}, $ {formula.body} $)")

    def _heading(self, element: HtmlElement) -> str:
        level = int(element.tag[1]) + 1  # 章是一级，题是二级
        shown = f"#heading(level: {level}){self.content(element)}{self._mark(element.get('id'))}"
        return self._block(shown)

    _h2 = _h3 = _h4 = _heading

    def _class_headerlink(self, element: HtmlElement) -> str:
        return ""

    _class_footnote_backref = _class_headerlink

    def _p(self, element: HtmlElement) -> str:
        return self._block(self.children(element).strip())

    def _br(self, element: HtmlElement) -> str:
        return "#linebreak();"

    def _hr(self, element: HtmlElement) -> str:
        return ""

    def _code(self, element: HtmlElement) -> str:
        return f"#raw({string(element.text_content())});"

    def _a(self, element: HtmlElement) -> str:
        target = self.resolver.target(element.get("href") or "")
        return f"#link({target}){self.content(element)};" if target else self.children(element)

    def _sup(self, element: HtmlElement) -> str:
        note = element.find("a")
        if note is None or "footnote-ref" not in (note.get("class") or ""):
            return f"#super{self.content(element)};"
        anchor = (note.get("href") or "").removeprefix("#")
        number = string(note.text_content())
        return f"#cite-note(label({string(label(self.slug, anchor))}), {number});"

    def _list(self, element: HtmlElement) -> str:
        name = "list" if element.tag == "ul" else "enum"
        items = "".join(f"{self.content(item)}," for item in element.findall("li"))
        return self._block(f"#{name}({items})")

    _ul = _ol = _list

    def _table(self, element: HtmlElement) -> str:
        rows = element.findall(".//tr")
        aligns = [_align(cell) for cell in rows[0]]
        cells = [f"{self.content(cell)}" for row in rows[1:] for cell in row]
        head = ", ".join(self.content(cell) for cell in rows[0])
        return self._block(f"#data-table(({', '.join(aligns)},), ({head},), ({', '.join(cells)},))")

    def _class_highlight(self, element: HtmlElement) -> str:
        name = element.find('.//span[@class="filename"]')
        pre = element.find(".//pre")
        assert pre is not None
        title = string(name.text_content()) if name is not None else "none"
        language = "python" if name is not None and name.text_content().endswith(".py") else "text"
        code = string(pre.text_content().strip("\n"))
        return self._block(f"#code-block({title}, {string(language)}, {code})")

    def _class_snippet_links(self, element: HtmlElement) -> str:
        return ""  # 下载链接只在网站上有用

    def _class_admonition(self, element: HtmlElement) -> str:
        title = element.find('p[@class="admonition-title"]')
        assert title is not None
        head = self.content(title)
        element.remove(title)
        kind = string((element.get("class") or "").split()[-1])
        return self._block(f"#note-box({kind}, {head}){self.content(element)}")

    def _details(self, element: HtmlElement) -> str:
        summary = element.find("summary")
        assert summary is not None
        head = self.content(summary)
        element.remove(summary)
        kind = string((element.get("class") or "step").split()[0])
        return self._block(f"#note-box({kind}, {head}){self.content(element)}")

    def _figure(self, element: HtmlElement) -> str:
        image, caption = element.find(".//img"), element.find("figcaption")
        assert image is not None
        path = self.figure(image.get("src") or "")
        if path is None:
            raise UnknownElement(f"找不到图 {image.get('src')}")
        shown = self.content(caption) if caption is not None else "[]"
        alt = string(image.get("alt") or "")
        return self._block(f"#vector-figure({string(str(path))}, {alt}){shown}")

    def _class_footnote(self, element: HtmlElement) -> str:
        items = element.findall(".//li")
        notes = "".join(
            f"([{self.children(item).strip()}], {string(label(self.slug, item.get('id') or ''))}),"
            for item in items
        )
        return self._block(f"#references(({notes}))")


def _align(cell: HtmlElement) -> str:
    found = re.search(r"text-align:\s*(left|right|center)", cell.get("style") or "")
    return found[1] if found else "left"
