"""从 KaTeX 的语法树里取符号：公式用了哪些字母，介绍了哪些字母。

一个符号记作一个字母，帽子、上下标、粗体都不计：$\\hat{\\mathbf{x}}_i'$ 记作 x。
花体、黑板粗体另算：$\\mathcal{L}$ 记作 \\mathcal{L}。
\\mathrm、\\text、\\operatorname 里是名字，不是符号。
"""

import re
from collections.abc import Iterator
from itertools import takewhile, zip_longest
from typing import Any

Node = dict[str, Any]
_STYLES = {"mathcal", "mathbb", "mathfrak", "mathscr"}  # 换了这些字体就是另一个符号
_NAMES = {"mathrm", "mathsf", "mathtt", "text", "textrm"}
# KaTeX 把大写希腊字母与 \ell 归入 textord，同类的 \infty、\prime 之类则是通用记号
_GREEK = "Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega"
_LETTER_LIKE = re.compile(rf"\\(?:{_GREEK}|ell)")
_CHILDREN = ("body", "base", "numer", "denom", "index", "above", "below")


def symbols(node: Node | list[Any] | None) -> Iterator[str]:
    """公式里用到的符号，按出现的次序，可重复；上下标里的也算。"""
    if isinstance(node, list):
        for child in node:
            yield from symbols(child)
    elif isinstance(node, dict):
        name = _letter(node)
        if name:
            yield name
        elif not _is_name(node):
            for key in (*_CHILDREN, "sup", "sub"):
                yield from symbols(node.get(key))


def bound(node: Node | list[Any] | None) -> Iterator[str]:
    """式内自带说明的变量：求和、取极值、求期望的下标（j ∈ …），积分的 dt。"""
    if isinstance(node, list):
        for child, following in zip_longest(node, node[1:]):
            if following and isinstance(child, dict) and _is_differential(child):
                yield from symbols(following)
            yield from bound(child)
    elif isinstance(node, dict) and not _is_name(node):
        if node["type"] == "supsub" and _binds(node.get("base")):
            for part in _parts(_flat([node["sub"]] if node.get("sub") else [])):
                yield from _head(part)
        for key in (*_CHILDREN, "sup", "sub"):
            yield from bound(node.get(key))


def introduced(tree: list[Node]) -> set[str]:
    """行内公式所介绍的符号：逗号隔开的每一段开头的那个，形如 x、x ∈ S、x = …、f(x)、(u, v)。"""
    return {name for part in _parts(_flat(tree)) for name in _head(part)}


def _letter(node: Node | None) -> str:
    """这个节点若只是一个（带字体、帽子的）字母，返回它的记法，否则空串。"""
    if not isinstance(node, dict):
        return ""
    kind = node["type"]
    if kind == "mathord" or (kind == "textord" and _LETTER_LIKE.fullmatch(node["text"])):
        return str(node["text"])
    if kind == "font":
        inner = _letter(node["body"])
        style = node["font"]
        if style in _NAMES or not inner:
            return ""
        return rf"\{style}{{{inner}}}" if style in _STYLES else inner
    if kind in ("ordgroup", "mclass"):
        return _letter(node["body"][0]) if len(node["body"]) == 1 else ""
    return ""


def _is_name(node: Node) -> bool:
    return node["type"] in ("text", "operatorname", "op") or (
        node["type"] == "font" and node["font"] in _NAMES
    )


def _is_differential(node: Node) -> bool:
    return node["type"] == "font" and node["font"] in _NAMES and _only(node["body"]) == "d"


def _only(node: Node) -> str:
    body = node.get("body")
    if node["type"] == "ordgroup" and isinstance(body, list) and len(body) == 1:
        return _only(body[0])
    return str(node.get("text", ""))


def _binds(base: Node | None) -> bool:
    """求和、取极值、期望，以及 {…}_{i=1}^N 的右括号。"""
    return base is not None and (
        base["type"] in ("op", "operatorname")
        or _letter(base) == r"\mathbb{E}"
        or _family(base) == "close"
    )


def _flat(nodes: list[Node]) -> list[Node]:
    """拆开最外面的花括号与 \\left…\\right，去掉间距。"""
    flat: list[Node] = []
    for node in nodes:
        if node["type"] in ("ordgroup", "styling", "leftright") and not _letter(node):
            flat += _flat(node["body"])
        elif node["type"] not in ("spacing", "kern"):
            flat.append(node)
    return flat


def _family(node: Node) -> str:
    return str(node.get("family", "")) if node["type"] == "atom" else ""


def _parts(nodes: list[Node]) -> Iterator[list[Node]]:
    """在逗号、分号处切开。"""
    part: list[Node] = []
    for node in nodes:
        if _family(node) == "punct":
            yield part
            part = []
        else:
            part.append(node)
    yield part


def _head(part: list[Node]) -> Iterator[str]:
    """一段开头的符号；前面可以有括号、Δ，或「0 <」这样的数与关系号。"""
    rest = list(part)
    while rest and (_family(rest[0]) == "open" or _letter(rest[0]) == r"\Delta"):
        rest.pop(0)
    number = list(takewhile(_is_digit, rest))
    if number:
        rest = rest[len(number) :]
        if not rest or _family(rest.pop(0)) != "rel":
            return
    if not rest:
        return
    name = _letter(_core(rest[0]))
    after = _core(rest[1]) if len(rest) > 1 else None
    if not name or not (after is None or _ends_name(after)):
        return
    yield name
    if after and after.get("text") == r"\times":  # H × W × C 这样的形状
        yield from _head(rest[2:])


def _ends_name(after: Node) -> bool:
    """符号之后是关系号、括号或乘号：它是被定义的那个，不是算式里的一项。"""
    return _family(after) in ("rel", "close", "inner") or after.get("text") in (r"\times", "(", "[")


def _is_digit(node: Node) -> bool:
    return node["type"] == "textord" and str(node["text"]) in "0123456789."


def _core(node: Node) -> Node:
    """剥去上下标、帽子、横线。"""
    while node["type"] in (
        "supsub",
        "accent",
        "overline",
        "underline",
        "accentUnder",
        "horizBrace",
    ):
        inner = node.get("base") or node.get("body")
        if not isinstance(inner, dict):
            break
        node = inner
    return node
