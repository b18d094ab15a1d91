"""公式的纯文本：由 KaTeX 的 MathML 写成一行字，供目录、网页标题、搜索与 PDF 书签用。

求读得懂，不求能还原：分式写 a/b，下标写 x_i，帽子与横线用组合字符，花体只取有单独码位的（ℒ、ℝ）。
"""

import re
import unicodedata
from collections.abc import Callable
from xml.etree import ElementTree

_MATH = re.compile(r"<math.*?</math>", re.DOTALL)
_LETTERS = {
    "double-struck": dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ", strict=True)),
    "script": dict(zip("BEFHILMR", "ℬℰℱℋℐℒℳℛ", strict=True)),
    "fraktur": dict(zip("CHIRZ", "ℭℌℑℜℨ", strict=True)),
}
_ACCENTS = {
    "^": "\u0302", "ˉ": "\u0304", "‾": "\u0304", "~": "\u0303", "˙": "\u0307",
    "¨": "\u0308", "⃗": "\u20d7", "→": "\u20d7", "ˇ": "\u030c", "˘": "\u0306",
}  # fmt: skip
_SUPERSCRIPT = str.maketrans("0123456789+-−=()nT", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿᵀ") | {ord("⊤"): "ᵀ"}
_SPACED = set("=≠≈≡∼≃≅≤≥<>≪≫∈∉⊂⊆⊃⊇∪∩→←↔⇒⇐⇔↦≔∝≜:")
_BINARY = set("+-−÷±·⋅∗⊙⊗⊕∘")
_OPENING = set("([{⟨⌊⌈")
_INVISIBLE = "\u2061\u2062\u2063\u2064\u200b"
_COMBINING = re.compile(r"[\u0300-\u036f\u20d0-\u20ff]")
_WHOLE = re.compile(r"[∂∇Δ√]*(?:\w+|.|\w*\([^()]*\))[′ᵀ⁰¹²³⁴⁵⁶⁷⁸⁹]*")
_SCRIPTED = re.compile(r"[_^](?:\w+|\([^()]*\))\Z")
_SPACES = re.compile(r"[\s\u00a0\u2000-\u200a\u202f\u205f]+")


def _tag(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2]


def _tight(text: str) -> str:
    """上下标里运算号两边不空格：i=1。"""
    return re.sub(r"\s*([^\w\s])\s*", r"\1", text)


def _group(text: str) -> str:
    """多于一个符号的一段，作分子、底数、根号内、上下标时加括号。"""
    bare = _COMBINING.sub("", text)
    return text if _WHOLE.fullmatch(bare) or not text else f"({text})"


def _lower(base: str, mark: str) -> str:
    return base if mark in "⏟_" else f"{base}_{_group(_tight(mark))}"


def _raise(base: str, exponent: str) -> str:
    if set(exponent) <= set("′″‴*∗†"):
        return base + exponent
    if all(ord(c) in _SUPERSCRIPT for c in exponent):
        return base + exponent.translate(_SUPERSCRIPT)
    return f"{base}^{_group(_tight(exponent))}"


def _accent(base: str, mark: str) -> str:
    combining = _ACCENTS.get(mark)
    if combining is None:
        return base if mark in "⏞⏟" else f"{base}{mark}"
    return "".join(c + combining for c in base) if len(base) <= 2 else f"{base}{combining}"


def _glue(line: str, last: str, text: str) -> str:
    """两个记号之间要不要空格：max f、n log n、log_2 K、∑_(i=1)^N x_i。"""
    if not re.match(r"[\w√∂∇]", text):
        return ""
    named = re.fullmatch(r"[a-z]{2,}", last) or (line[-1:].isalnum() and re.match("[a-z]{2}", text))
    return " " if named or _SCRIPTED.search(_COMBINING.sub("", line)) else ""


def _row(children: list[ElementTree.Element]) -> str:
    """一排符号：关系号与二元运算号两边空格，逗号后空格，函数名与带下标的不粘后面的字母。"""
    line = last = ""
    for child in children:
        text = _text(child)
        if not text:
            continue
        operator = _tag(child) == "mo"
        before = line.rstrip()[-1:]
        unary = before == "," or before in _SPACED | _BINARY | _OPENING | {""}
        if operator and (text in _SPACED or (text in _BINARY and not unary)):
            line = f"{line.rstrip()} {text} "
        elif operator and text in {",", ";"}:
            line += f"{text} "
        else:
            line += _glue(line, last, text) + text
        last = text
    return line


def _table(node: ElementTree.Element) -> str:
    return "; ".join(" ".join(map(_text, row)).strip() for row in node)


def _leaf(node: ElementTree.Element) -> str:
    if len(node):  # \overset{a}{=} 的 mo 里还套着 mover
        return _row(list(node))
    text = (node.text or "").strip(_INVISIBLE)
    if _tag(node) == "mtext":
        return _SPACES.sub(" ", text)
    letters = _LETTERS.get(node.get("mathvariant", ""), {})
    return "".join(letters.get(c, c) for c in text).replace("∣", "|")


def _over(node: ElementTree.Element) -> str:
    base, mark = _text(node[0]), _text(node[1])
    return _accent(base, mark) if node.get("accent") or mark in "⏞⏟" else f"{base}^{_group(mark)}"


def _fraction(node: ElementTree.Element) -> str:
    top, bottom = _text(node[0]), _text(node[1])
    if node.get("linethickness") == "0px":  # 二项式系数，外面已有括号
        return f"{top}, {bottom}"
    return f"{_group(top)}/{_group(bottom)}"


_FORMS: dict[str, Callable[[ElementTree.Element], str]] = {
    "mi": _leaf, "mn": _leaf, "mo": _leaf, "mtext": _leaf,
    "mfrac": _fraction,
    "msub": lambda n: _lower(_text(n[0]), _text(n[1])),
    "munder": lambda n: _lower(_text(n[0]), _text(n[1])),
    "msup": lambda n: _raise(_text(n[0]), _text(n[1])),
    "msubsup": lambda n: _raise(_lower(_text(n[0]), _text(n[1])), _text(n[2])),
    "munderover": lambda n: _raise(_lower(_text(n[0]), _text(n[1])), _text(n[2])),
    "mover": _over,
    "msqrt": lambda n: f"√{_group(_row(list(n)))}",
    "mroot": lambda n: f"{_group(_text(n[0]))}^(1/{_text(n[1])})",
    "mtable": _table,
    "mspace": lambda n: " " if n.get("linebreak") is None else "; ",
    "annotation": lambda n: "",
}  # fmt: skip


def _text(node: ElementTree.Element) -> str:
    form = _FORMS.get(_tag(node))
    return form(node) if form else _row(list(node))


def text_of(html: str) -> str:
    """`Katex.render` 的结果里那段 MathML 的纯文本。"""
    found = _MATH.search(html)
    if found is None:
        raise ValueError("没有 MathML：KaTeX 的 output 须是 htmlAndMathml")
    text = _text(ElementTree.fromstring(found.group()))
    return unicodedata.normalize("NFC", _SPACES.sub(" ", text).strip())
