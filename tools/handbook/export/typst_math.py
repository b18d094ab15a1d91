"""KaTeX 的语法树 → Typst 的数学标记。纯函数：树进，文字出；不认识的节点抛 UnknownNode。

做法的要点：逗号、括号等一律转义，逐个符号以空格隔开，函数只用 Typst 内置的
（`attach`、`frac`、`mat`、`lr`、`op`……），于是不会有两边理解不同的自动规则。
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from handbook.export.typst_chars import NOT, SPACES, Symbol, char, negated, space, string
from handbook.export.typst_space import class_of, gap

Node = dict[str, Any]
Nodes = list[Node] | Node | None

_ACCENTS = {
    r"\hat": "hat", r"\widehat": "hat", r"\bar": "macron", r"\tilde": "tilde",
    r"\widetilde": "tilde", r"\vec": "arrow", r"\dot": "dot", r"\ddot": "dot.double",
    r"\check": "caron", r"\widecheck": "caron", r"\acute": "acute", r"\grave": "grave",
    r"\breve": "breve", r"\mathring": "circle", r"\overrightarrow": "arrow",
    r"\overleftarrow": "arrow.l", r"\overleftrightarrow": "arrow.l.r",
}  # fmt: skip
_FONTS = {
    "mathbf": "upright(bold({}))", "bf": "upright(bold({}))", "boldsymbol": "bold({})",
    "mathbb": "bb({})", "mathcal": "cal({})", "mathscr": "scr({})", "mathfrak": "frak({})",
    "mathrm": "upright({})", "rm": "upright({})", "textrm": "upright({})",
    "mathit": "italic({})", "mathnormal": "{}", "mathsf": "sans({})", "mathtt": "mono({})",
}  # fmt: skip
_STYLES = {"display": "display", "text": "inline", "script": "script", "scriptscript": "sscript"}
_ARROWS = {
    r"\xrightarrow": "→", r"\xleftarrow": "←", r"\xRightarrow": "⇒", r"\xLeftarrow": "⇐",
    r"\xleftrightarrow": "↔", r"\xLeftrightarrow": "⇔", r"\xmapsto": "↦", r"\xlongequal": "=",
}  # fmt: skip
_CLASSES = {
    "mrel": "relation", "mbin": "binary", "mopen": "opening", "mclose": "closing",
    "mpunct": "punctuation", "minner": "normal", "mord": "normal",
}  # fmt: skip
_BIG = {1: 1.2, 2: 1.8, 3: 2.4, 4: 3.0}  # \big \Big \bigg \Bigg 的高，em
_NO_DELIMITER = {".", r"\.", ""}
_EM = {"em": 1.0, "mu": 1 / 18, "ex": 0.43, "pt": 0.1}
_ALIGNED = {"align", "alignat", "split", "gather"}


class UnknownNode(ValueError):
    """语法树里有不会转换的节点或命令。"""


@dataclass(frozen=True)
class Formula:
    """`body` 是 Typst 数学标记，`tag` 是 `\\tag{…}` 的文字（没有则空）。"""

    body: str
    tag: str


def convert(tree: list[Node], symbol: Symbol) -> Formula:
    """一个公式的语法树（handbook.katex.Katex.parse 的结果）。"""
    writer = _Writer(symbol)
    tag = ""
    if len(tree) == 1 and tree[0]["type"] == "tag":
        tag = writer.letters(tree[0]["tag"]) or ""
        tree = tree[0]["body"]
    if len(tree) == 1 and _is_aligned(tree[0]):
        return Formula(writer.lines(tree[0]), tag)
    return Formula(writer.row(tree), tag)


def _is_aligned(node: Node) -> bool:
    return node["type"] == "array" and node.get("colSeparationType") in _ALIGNED


def _list(nodes: Nodes) -> list[Node]:
    if nodes is None:
        return []
    return nodes if isinstance(nodes, list) else [nodes]


def _spliced(nodes: Nodes) -> Iterator[Node]:
    """`\\bmod` 之类展开成一串节点：它们与前后的符号在同一行里。"""
    for node in _list(nodes):
        if node["type"] == "mathchoice":
            yield from _spliced(node["display"])
        else:
            yield node


def _unstyled(cell: Node) -> Nodes:
    """单元格外面总包着一层字号，单元格自己的字号由 `mat`、多行公式给。"""
    return cell["body"] if cell["type"] == "styling" else cell


def _is_not(node: Node) -> bool:
    return node["type"] == "htmlmathml" and [n.get("text") for n in node["mathml"]] == [NOT]


class _Writer:
    def __init__(self, symbol: Symbol):
        self.symbol = symbol

    def row(self, nodes: Nodes) -> str:
        """一串节点；相连的数字合成一个数，否定斜线并到后一个符号上。"""
        written: list[str] = []
        digits, negate, waiting = "", False, 0.0
        before: str | None = None
        for node in _spliced(nodes):
            text = node.get("text", "") if node["type"] in ("textord", "atom") else ""
            if not waiting and (text.isdigit() or (digits and text == ".")):
                digits += text
                before = "mord"
                continue
            if digits:
                written.append(_number(digits))
                digits = ""
            if node["type"] in ("spacing", "kern"):
                waiting += self.width(node)
                continue
            if _is_not(node):
                negate = True
                continue
            if waiting:
                written.append(space(waiting + gap(before, class_of(node, before))))
                waiting = 0.0
            before = class_of(node, before)
            if negate:
                written.append(char(negated(self.symbol(text))))
                negate = False
            elif text.isdigit():
                digits = text
            else:
                written.append(self.node(node))
        written += [_number(digits)] if digits else []
        written += [space(waiting)] if waiting else []
        return _joined(filter(None, written))

    def width(self, node: Node) -> float:
        """显式的空有多宽，em。"""
        if node["type"] == "kern":
            return float(node["dimension"]["number"]) * _EM[node["dimension"]["unit"]]
        if node["text"] not in SPACES:
            raise UnknownNode(f"不认识的空白 {node['text']}")
        return SPACES[node["text"]]

    def group(self, nodes: Nodes) -> str:
        """同 row，但不为空：函数的参数要占位。"""
        return self.row(nodes) or '""'

    def node(self, node: Node) -> str:
        method: Callable[[Node], str] | None = getattr(self, f"_{node['type']}", None)
        if method is None:
            raise UnknownNode(f"不会转换 KaTeX 的节点 {node['type']}")
        return method(node)

    def letters(self, nodes: Nodes) -> str | None:
        """全由字母、数字、空白组成时的文字；否则 None。"""
        out = ""
        for node in _list(nodes):
            kind = node["type"]
            if kind in ("ordgroup", "text", "styling"):
                inner = self.letters(node["body"])
                if inner is None:
                    return None
                out += inner
            elif kind in ("spacing", "kern"):
                out += " "
            elif kind in ("mathord", "textord", "atom"):
                shown = self.symbol(node["text"])
                if node["mode"] == "math" and not re.fullmatch(r"[A-Za-z0-9.:/−-]", shown):
                    return None
                out += shown
            else:
                return None
        return out

    def _ordgroup(self, node: Node) -> str:
        """花括号里单独的一个符号不再是运算符或标点：`12{,}345` 的逗号后面没有空。"""
        body = self.row(node["body"])
        alone = len(node["body"]) == 1 and node["body"][0]["type"] == "atom"
        return f'class("normal", {body})' if alone else body

    _internal = _cr = lambda self, node: ""

    def _mathord(self, node: Node) -> str:
        return " ".join(map(char, self.symbol(node["text"])))

    def _textord(self, node: Node) -> str:
        shown = self.symbol(node["text"])
        if shown in ("|", "∣", "‖", "∥"):
            return f'class("normal", {char("‖" if shown in "‖∥" else "|")})'
        if node["mode"] == "text":
            return string(shown)
        return " ".join(map(char, shown))

    def _atom(self, node: Node) -> str:
        shown = self.symbol(node["text"])
        if node["text"] in (r"\lvert", r"\rvert", r"\lVert", r"\rVert"):
            side = "opening" if node["text"][1] == "l" else "closing"
            return f'class("{side}", {char("‖" if "V" in node["text"] else "|")})'
        if node["text"] == r"\mid":
            return f'class("relation", {char("|")})'
        return " ".join(map(char, shown))

    def _spacing(self, node: Node) -> str:
        return space(self.width(node))

    _kern = _spacing

    def _supsub(self, node: Node) -> str:
        base = node["base"]
        sub, sup = (self.row(node.get(key)) for key in ("sub", "sup"))
        if base and base["type"] == "horizBrace":
            note, rest = (sup, sub) if base["isOver"] else (sub, sup)
            body = self._brace(base, note)
            side = "b" if base["isOver"] else "t"
            return f"attach({body}, {side}: {rest})" if rest else body
        parts = [self.group(base)]
        parts += [f"{key}: {text}" for key, text in (("t", sup), ("b", sub)) if text]
        return f"attach({', '.join(parts)})"

    def _horizBrace(self, node: Node) -> str:
        return self._brace(node, "")

    def _brace(self, node: Node, note: str) -> str:
        name = node["label"].removeprefix("\\")
        return f"{name}({self.group(node['base'])}{', ' + note if note else ''})"

    def _op(self, node: Node) -> str:
        name = node.get("name")
        if name is None:  # \mathop、\overset、\stackrel
            return f"limits({self.group(node['body'])})"
        if node["symbol"]:
            shown = char(self.symbol(name))
            if not node.get("alwaysHandleSupSub"):
                return shown
            return f"{'limits' if node['limits'] else 'scripts'}({shown})"
        return self._named(self.symbol(name), limits=node["limits"])

    def _operatorname(self, node: Node) -> str:
        name = self.letters(node["body"])
        if name is None:
            return f"op({self.group(node['body'])})"
        return self._named(name, limits=node["alwaysHandleSupSub"] or node["limits"])

    def _named(self, name: str, *, limits: bool) -> str:
        return f"op({string(name)}{', limits: #true' if limits else ''})"

    def _genfrac(self, node: Node) -> str:
        numer, denom = self.group(node["numer"]), self.group(node["denom"])
        if node["hasBarLine"]:
            body = f"frac({numer}, {denom})"
        elif node["leftDelim"] == "(":
            return f"binom({numer}, {denom})"
        else:
            body = f"mat(delim: #none, {numer}; {denom})"
        left, right = (self._delimiter(node[key] or "") for key in ("leftDelim", "rightDelim"))
        return f"lr({left} {body} {right})" if node["leftDelim"] or node["rightDelim"] else body

    def _styling(self, node: Node) -> str:
        body = self.row(node["body"])
        return f"{_STYLES[node['style']]}({body})" if body else ""

    def _sqrt(self, node: Node) -> str:
        body = self.group(node["body"])
        index = node.get("index")
        return f"root({self.group(index)}, {body})" if index else f"sqrt({body})"

    def _accent(self, node: Node) -> str:
        if node["label"] not in _ACCENTS:
            raise UnknownNode(f"不会转换重音 {node['label']}")
        return f"accent({self.group(node['base'])}, {_ACCENTS[node['label']]})"

    def _overline(self, node: Node) -> str:
        return f"overline({self.group(node['body'])})"

    def _underline(self, node: Node) -> str:
        return f"underline({self.group(node['body'])})"

    def _font(self, node: Node) -> str:
        if node["font"] not in _FONTS:
            raise UnknownNode(f"不会转换字体 {node['font']}")
        word = self.letters(node["body"])
        upright = node["font"] in ("mathrm", "rm", "mathsf", "mathtt", "mathbf", "mathit")
        body = string(word) if word and len(word) > 1 and upright else self.group(node["body"])
        return _FONTS[node["font"]].format(body)

    def _text(self, node: Node) -> str:
        """文字连成字符串；夹在其中的 `$…$` 照常转换。"""
        parts: list[str] = []
        word = ""
        for item in node["body"]:
            shown = self.letters(item) if item["mode"] == "text" else None
            if shown is not None:
                word += shown
                continue
            parts += [string(word)] if word else []
            parts.append(self.node(item))
            word = ""
        parts += [string(word)] if word else []
        body = _joined(parts) or '""'
        bold = "bf" in (node.get("font") or "")
        return f"bold({body})" if bold else body

    def _delimiter(self, name: str) -> str:
        """定界符；没有的以零宽空白占位，免得 `lr` 把正文的首尾当作定界符拉长。"""
        if name in _NO_DELIMITER:
            return "#h(0pt)"
        shown = self.symbol(name)
        return char({"∣": "|", "∥": "‖"}.get(shown, shown))

    def _leftright(self, node: Node) -> str:
        left, right = (self._delimiter(node[side]) for side in ("left", "right"))
        return f"lr({left} {self.row(node['body'])} {right})"

    def _middle(self, node: Node) -> str:
        return f"mid({self._delimiter(node['delim'])})"

    def _delimsizing(self, node: Node) -> str:
        if node["delim"] in _NO_DELIMITER:
            return ""
        sized = f"lr({self._delimiter(node['delim'])}, size: #{_BIG[node['size']]}em)"
        return f'class("{_CLASSES[node["mclass"]]}", {sized})'

    def _rows(self, node: Node) -> list[list[Node]]:
        """各行的单元格；末尾的空行是 `\\\\` 留下的。"""
        rows: list[list[Node]] = list(node["body"])
        if len(rows) > 1 and not self.row([n for c in rows[-1] for n in _list(_unstyled(c))]):
            rows.pop()
        return rows

    def lines(self, node: Node) -> str:
        """多行公式单独成一个公式：`&` 对齐，`\\` 换行；列与列之间隔 1em。"""
        gap = space(0 if node["colSeparationType"] in ("alignat", "gather") else 1)
        lines = []
        for row in self._rows(node):
            cells = [self.row(_unstyled(cell)) for cell in row]
            cells = [f"{gap} {c}" if k and k % 2 == 0 else c for k, c in enumerate(cells)]
            lines.append(" & ".join(cells))
        return " \\ ".join(lines)

    def _array(self, node: Node) -> str:
        if any(isinstance(tag, list) for tag in node.get("tags") or []):
            raise UnknownNode(r"多行公式里的 \tag；改为整个公式一个编号")
        cols = node.get("cols") or []
        sides = [c["align"] for c in cols if c["type"] == "align"]
        script = node["arraystretch"] < 1  # \substack
        options = ["delim: #none", *_rules(node, cols)]
        if _is_aligned(node):
            options += ["row-gap: #0.6em", "column-gap: #0em"]
            cells = [self._aligned_row(row) for row in self._rows(node)]
        else:
            same = set(sides) <= {"l"} or set(sides) <= {"r"}
            options.append(f"align: #{_side(sides[0] if sides and same else 'c')}")
            options.append(f"row-gap: #{0.15 if script else 0.35 * node['arraystretch']:.3g}em")
            options.append("column-gap: #1em")
            cells = [
                [
                    self._cell(cell, side, same)
                    for cell, side in zip(row, _pad(sides, row), strict=False)
                ]
                for row in self._rows(node)
            ]
        body = "; ".join(", ".join(row) for row in cells)
        return f"mat({', '.join(options)}, {body})"

    def _cell(self, cell: Node, side: str, same: bool) -> str:
        body = self.row(_unstyled(cell))
        if cell["type"] == "styling" and cell["style"] != "text":
            body = f"{_STYLES[cell['style']]}({body})" if body else ""
        if same or side == "c":
            return body or '""'
        return f"& {body}" if side == "l" else f"{body} &"

    def _aligned_row(self, row: list[Node]) -> list[str]:
        """嵌在别处的 aligned：一对列合成 `mat` 的一格，格内用 `&` 对齐。"""
        cells = [self.row(_unstyled(cell)) for cell in row]
        pairs = [cells[k : k + 2] for k in range(0, len(cells), 2)]
        joined = [" & ".join(f"display({c})" if c else "" for c in pair) for pair in pairs]
        return [f"{space(1)} {c}" if k else c or '""' for k, c in enumerate(joined)]

    def _mclass(self, node: Node) -> str:
        body = self.group(node["body"])
        if node.get("isCharacterBox") or node["mclass"] in ("mord", "minner"):
            return body
        if node["mclass"] not in _CLASSES:
            return f"limits({body})"
        return f'class("{_CLASSES[node["mclass"]]}", {body})'

    def _htmlmathml(self, node: Node) -> str:
        return self.row(node["mathml"])

    def _xArrow(self, node: Node) -> str:
        if node["label"] not in _ARROWS:
            raise UnknownNode(f"不会转换箭头 {node['label']}")
        above, below = self.row(node.get("body")), self.row(node.get("below"))
        notes = [f"{k}: {v}" for k, v in (("t", above), ("b", below)) if v]
        stretched = f"limits(stretch({_ARROWS[node['label']]}, size: #(100% + 0.8em)))"
        return f"attach({', '.join([stretched, *notes])})"

    def _enclose(self, node: Node) -> str:
        body = self.group(node["body"])
        if node["label"] in (r"\cancel", r"\bcancel", r"\xcancel"):
            extra = {r"\bcancel": ", inverted: #true", r"\xcancel": ", cross: #true"}
            return f"cancel({body}{extra.get(node['label'], '')})"
        if node["label"] != r"\fbox":
            raise UnknownNode(f"不会转换 {node['label']}")
        return f"#boxed($display({body})$)"

    def _phantom(self, node: Node) -> str:
        return f"#hide($ {self.group(node['body'])} $.body)"

    def _smash(self, node: Node) -> str:
        """只影响行距，不影响样子：照常排。"""
        return self.row(node["body"])

    def _sizing(self, node: Node) -> str:
        return self.row(node["body"])


def _joined(written: Iterable[str]) -> str:
    """只在会连成一个名字的地方隔开：源码里的空格在字符串旁边会成为真的空。"""
    out = ""
    for item in written:
        apart = out[-1:].isalnum() and item[0].isalnum()
        out += f" {item}" if apart else item
    return out


def _number(digits: str) -> str:
    """末尾的点是句号，不属于这个数。"""
    return digits[:-1] + r" \." if digits.endswith(".") else digits


def _side(letter: str) -> str:
    return {"l": "left", "r": "right", "c": "center"}[letter]


def _pad(sides: list[str], row: list[Node]) -> list[str]:
    return sides + ["c"] * (len(row) - len(sides))


def _rules(node: Node, cols: list[Node]) -> list[str]:
    """内部的竖线与横线。"""
    count, vertical = 0, []
    for col in cols:
        if col["type"] == "align":
            count += 1
        else:
            vertical.append(count)
    height = len(node["body"])
    lines = [k for k, found in enumerate(node.get("hLinesBeforeRow") or []) if found]
    vertical = [k for k in vertical if 0 < k < count]
    lines = [k for k in lines if 0 < k < height]
    parts = [
        f"{n}: ({', '.join(map(str, at))},)"
        for n, at in (("vline", vertical), ("hline", lines))
        if at
    ]
    return [f"augment: #({', '.join(parts)})"] if parts else []
