"""在 Markdown 原文里找公式：排好的树不知道行号，报错时按公式的文字回到原文去找。"""

import re

from pymdownx.arithmatex import RE_DOLLAR_BLOCK, RE_SMART_DOLLAR_INLINE

# 引用块与提示块里，公式的续行前面有缩进或 >。
_MARGIN = r"[ \t>]*"
_GAP = r"[\s>]*"
_FENCE = re.compile(rf"^{_MARGIN}(?P<mark>`{{3,}}|~{{3,}}).*?^{_MARGIN}(?P=mark)", re.M | re.S)
_CODE = re.compile(r"(?<![`\\])(?P<mark>`+)(?!`)(?:(?!\n[ \t]*\n).)+?(?<!`)(?P=mark)(?!`)", re.S)
_BLOCK = re.compile(rf"^{_MARGIN}{RE_DOLLAR_BLOCK}[ ]*$", re.M | re.S)
_INLINE = re.compile(RE_SMART_DOLLAR_INLINE)
# 提示块与 /// 块的第一行之后可以直接是独立公式。
_OPENERS = ("!!!", "???", "///")
# 价钱 $5 与转义的 \$ 不算。
_STRAY = re.compile(r"(?<!\\)\$(?!\d)")


def _blank(match: re.Match[str]) -> str:
    """抹成等长的空白，行号与列号不变。"""
    return re.sub(r"[^\n]", " ", match.group())


def without_code(source: str) -> str:
    """抹去代码围栏与行内代码。"""
    return _CODE.sub(_blank, _FENCE.sub(_blank, source))


def lines_of(source: str, tex: str, *, display: bool) -> list[int]:
    """公式 `tex` 在原文里各次出现的行号（从 1 起）；公式跨行时是第一行。"""
    words = r"[\s>]+".join(map(re.escape, tex.split()))
    mark = r"\$\$" if display else r"(?<!\$)\$(?!\$)"
    text = without_code(source)
    found = re.finditer(rf"{mark}{_GAP}(?P<tex>{words}){_GAP}{mark}", text)
    return [text.count("\n", 0, match.start("tex")) + 1 for match in found]


def is_stray(text: str | None) -> bool:
    """树里的一段文字是否留着没成为公式的 $；代码与公式的文字是 AtomicString，不是普通文字。"""
    return type(text) is str and bool(_STRAY.search(text))


def _line(text: str, at: int) -> str:
    return text[text.rfind("\n", 0, at) + 1 :].partition("\n")[0].strip(" \t>")


def _drop_block(match: re.Match[str]) -> str:
    """抹去独立公式；前后没有空行、中间有空行的不成公式，留着。"""
    text, start = match.string, match.start()
    before = _line(text, start - 1) if start else ""
    after = _line(text, match.end() + 1)
    apart = before[:3] in ("", *_OPENERS) and after[:3] in ("", "///")
    return (
        _blank(match) if apart and not re.search(r"\n[ \t>]*\n", match.group()) else match.group()
    )


def _drop_inline(match: re.Match[str]) -> str:
    """抹去行内公式；表格里带 | 的被拆进了几格，不成公式，留着。"""
    torn = "|" in match.group() and _line(match.string, match.start()).startswith("|")
    return match.group() if torn else _blank(match)


def stray_lines(source: str) -> list[int]:
    """没成为公式的 $ 所在的行。"""
    text = _INLINE.sub(_drop_inline, _BLOCK.sub(_drop_block, without_code(source)))
    return sorted({text.count("\n", 0, match.start()) + 1 for match in _STRAY.finditer(text)})
