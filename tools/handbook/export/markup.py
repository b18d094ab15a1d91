"""EPUB 与 Anki 共用的 HTML 整理：去掉只在网站上有用的东西。"""

from collections.abc import Iterator

from lxml import etree
from lxml import html as lxml_html
from lxml.html import HtmlElement

_WEB_ONLY = ("headerlink", "footnote-backref", "snippet-links")
_KEPT_DATA = "data-tex"


def parse(html: str) -> HtmlElement:
    """一段 HTML，外面包一层 div；网站专用的链接与属性已去掉。"""
    root = lxml_html.fragment_fromstring(html, create_parent="div")
    for name in _WEB_ONLY:
        for element in list(with_class(root, name)):
            element.drop_tree()
    for element in root.iter():
        for key in [k for k in element.attrib if k.startswith("data-") and k != _KEPT_DATA]:
            del element.attrib[key]
    return root


def with_class(root: HtmlElement, name: str) -> Iterator[HtmlElement]:
    """含有类 `name` 的元素；边走边改树时先取成列表。"""
    for element in root.iter():
        if isinstance(element.tag, str) and name in (element.get("class") or "").split():
            yield element


def replace(element: HtmlElement, other: HtmlElement) -> None:
    """以 `other` 换掉 `element`，其后的文字留着。"""
    parent = element.getparent()
    assert parent is not None
    other.tail = element.tail
    parent.replace(element, other)


def inner(root: HtmlElement, *, xml: bool = False) -> str:
    """元素之内的标记。"""
    shown = etree.tostring(root, encoding="unicode", method="xml" if xml else "html",
                           with_tail=False)  # fmt: skip
    return shown[shown.index(">") + 1 : shown.rindex("<")] if "</" in shown else ""
