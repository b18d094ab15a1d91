"""由转换结果得到的几样：一行文字（网页的描述）、没有公式与代码的正文（搜索）、只留看得见的（网页）。"""

import re

from lxml import etree, html

from handbook.math_text import text_of

_SPACES = re.compile(r"\s+")


# class 整个相等的比较比按词匹配快几倍：一页有上万个 span
_MATH = etree.XPath('descendant::span[@class="math"] | descendant::div[@class="math math-display"]')
_HEADINGS = etree.XPath("descendant::h1 | descendant::h2 | descendant::h3")
_NOT_PROSE = etree.XPath(
    'descendant::span[@class="math"] | descendant::a[@class="headerlink" or @class="footnote-ref"]'
    ' | descendant::div[@class="math math-display" or contains(@class, "highlight")'
    ' or @class="snippet"]'
)

_HIDDEN = (re.compile(r' data-tex="[^"]*"'), re.compile(r"<annotation[^<]*</annotation>"))
_HIDDEN_WORDS = (
    ' data-search-exclude=""',
    "<semantics>",
    "</semantics>",
    ' xmlns="http://www.w3.org/1998/Math/MathML"',
)


def _parsed(fragment: str) -> html.HtmlElement:
    return html.fragment_fromstring(fragment, create_parent="div")


def _write_out(root: html.HtmlElement) -> None:
    """公式换成一行字。"""
    for math in _MATH(root):
        text, tail = text_of(etree.tostring(math, encoding="unicode", with_tail=False)), math.tail
        math.clear()
        math.text, math.tail = text, tail
        math.drop_tag()


def plain(fragment: str) -> str:
    """行内或成段的 HTML → 一行文字。"""
    root = _parsed(fragment)
    _write_out(root)
    return _SPACES.sub(" ", root.text_content()).strip()


def prose(fragment: str) -> str:
    """正文的 HTML，去掉公式与代码；标题里的公式写成一行字。"""
    root = _parsed(fragment)
    for heading in _HEADINGS(root):
        _write_out(heading)
    for element in _NOT_PROSE(root):
        element.drop_tree()
    return "".join(etree.tostring(child, encoding="unicode", method="html") for child in root)


def seen(text: str) -> str:
    """去掉网页上用不着的：导出器用的 TeX、MathML 里的 TeX 注解、给别的搜索插件的记号。

    约占一页压缩后的百分之四；分开替换比一条大的正则快一倍。
    """
    for pattern in _HIDDEN:
        text = pattern.sub("", text)
    for word in _HIDDEN_WORDS:
        text = text.replace(word, "")
    return text
