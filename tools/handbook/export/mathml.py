"""KaTeX 的 MathML 改成合乎 MathML 3 模式的：EPUB 的校验器与阅读器比浏览器严格。"""

from lxml.html import HtmlElement

_ARITY = {
    "msub": 2, "msup": 2, "munder": 2, "mover": 2, "mfrac": 2, "mroot": 2,
    "msubsup": 3, "munderover": 3,
}  # fmt: skip
_LEAVES = frozenset({"mi", "mo", "mn", "mtext", "ms"})
_NO_WIDTH = frozenset({"mtable", "mtd", "mrow"})
_APPLY = "\u2061"  # KaTeX 写在函数名后面的「函数作用」，多占一个位置


def valid(math: HtmlElement, tex: str) -> HtmlElement:
    """就地改正 `math`（KaTeX 输出的 <math>）；LaTeX 原文成为朗读用的 alttext。"""
    for wrapper in list(math.iter("semantics")):
        for note in wrapper.findall("annotation"):
            wrapper.remove(note)
        wrapper.drop_tag()
    for element in math.iter():
        if element.tag in _ARITY:
            _fill(element, _ARITY[element.tag])
        elif element.tag in _LEAVES and len(element):
            element.tag = "mrow"
            element.attrib.clear()
        if element.tag in _NO_WIDTH:
            element.attrib.pop("width", None)
    math.set("alttext", " ".join(tex.split()))
    return math


def _fill(element: HtmlElement, count: int) -> None:
    """子元素恰好 `count` 个：多出来的「函数作用」与它前面的名字合成一组。"""
    for child in list(element):
        if len(element) > count and child.tag == "mo" and child.text == _APPLY:
            name = child.getprevious()
            assert name is not None
            group = element.makeelement("mrow", {})
            element.replace(name, group)
            group.extend([name, child])
    if len(element) != count:
        raise ValueError(f"<{element.tag}> 应有 {count} 个子元素，现有 {len(element)} 个")
