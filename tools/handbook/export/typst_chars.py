"""KaTeX 的符号名 → Typst 数学里的一个字符。"""

import functools
import json
import unicodedata
from collections.abc import Callable

from handbook.katex import Katex
from handbook.math_text import text_of

Symbol = Callable[[str], str]

# 有含义的 ASCII 一律转义：不让 Typst 自动配对括号、解释逗号与斜线
_PLAIN = frozenset("=+")
_SAME = {"-": "−", "*": "∗", "'": "′"}
NOT = "\u0338"

SPACES = {
    r"\ ": 1 / 3, "~": 1 / 3, r"\space": 1 / 3, r"\nobreakspace": 1 / 3, " ": 0.25,
    r"\quad": 1, r"\qquad": 2, r"\enspace": 0.5, r"\,": 1 / 6, r"\:": 2 / 9, r"\>": 2 / 9,
    r"\;": 5 / 18, r"\!": -1 / 6, r"\nobreak": 0, r"\allowbreak": 0,
}  # fmt: skip


def string(text: str) -> str:
    """Typst 的字符串字面量。"""
    return json.dumps(text, ensure_ascii=False)


def space(em: float) -> str:
    return f"#h({em:.4g}em)" if em else ""


def char(symbol: str) -> str:
    """一个字符写进 Typst 数学；字母、数字与非 ASCII 字符（括号除外）照写。"""
    symbol = _SAME.get(symbol, symbol)
    if len(symbol) != 1:
        raise ValueError(f"不是单个字符：{symbol!r}")
    bracket = unicodedata.category(symbol) in ("Ps", "Pe")
    if symbol.isalnum() or symbol in _PLAIN or not (symbol.isascii() or bracket):
        return symbol
    return "\\" + symbol


def negated(symbol: str) -> str:
    """加上否定斜线：= → ≠；没有合成字符的，保留组合字符。"""
    return unicodedata.normalize("NFC", symbol + NOT)


def symbols(katex: Katex) -> Symbol:
    """名字（`\\alpha`、`\\leq`、`x`）→ 字符，问 KaTeX 自己要，不另抄一张表。"""

    @functools.cache
    def lookup(name: str) -> str:
        if not name.startswith("\\"):
            return name
        return text_of(katex.render(name, display=False)).strip()

    return lookup
