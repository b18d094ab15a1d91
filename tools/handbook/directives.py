"""页面里的指令（`/// snippet`、`/// figure | 名`）：纯文本扫描，得到每条的行号、选项与毛病。

pymdownx.blocks 遇到写错的指令不报错，只当普通段落留在页面上；
所以先按源文本扫描一遍，再与真正生成的块对账。
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import yaml

SNIPPET = "snippet"
FIGURE = "figure"

_FENCE = re.compile(r"^\s*(?P<mark>`{3,}|~{3,})(?P<rest>.*)$")
_OPEN = re.compile(
    r"^(?P<indent>\s*)(?P<mark>/{3,})[ ]*(?P<kind>[\w-]+)[ ]*(?:\|[ ]*(?P<name>.*?)[ ]*)?$"
)
_CLOSE = re.compile(r"^\s*(?P<mark>/{3,})[ ]*$")
_OPTIONS: dict[str, tuple[str, ...]] = {SNIPPET: (), FIGURE: ("alt",)}


@dataclass
class Directive:
    """一条指令；`line` 从 1 起。`faults` 是（行号, 问题, 改法）。"""

    kind: str
    name: str
    line: int
    mark: str
    indent: str
    closed: bool = False
    options: dict[str, str] = field(default_factory=dict)
    body: list[str] = field(default_factory=list)
    faults: list[tuple[int, str, str]] = field(default_factory=list)

    def fault(self, message: str, fix: str, line: int | None = None) -> None:
        self.faults.append((line or self.line, message, fix))


def scan(lines: Sequence[str], known: Collection[str] = (SNIPPET, FIGURE)) -> list[Directive]:
    """按出现次序列出 snippet 与 figure 指令，以及不在 `known` 里的指令；围栏里的例子不算。"""
    found: list[Directive] = []
    stack: list[Directive] = []
    fence = ""
    for number, line in enumerate(lines, start=1):
        if match := _FENCE.match(line):
            mark = match["mark"]
            if not fence:
                fence = mark
            elif mark[0] == fence[0] and len(mark) >= len(fence) and not match["rest"].strip():
                fence = ""
        elif fence:
            continue
        elif stack and (match := _CLOSE.match(line)) and match["mark"] == stack[-1].mark:
            stack.pop().closed = True
        elif match := _OPEN.match(line):
            kind, name = match["kind"], match["name"] or ""
            directive = Directive(kind, name, number, match["mark"], match["indent"])
            stack.append(directive)
            found.append(directive)
        elif stack:
            stack[-1].body.append(line)
    for directive in found:
        _judge(directive, known)
    return [d for d in found if d.kind in _OPTIONS or d.faults]


def _judge(directive: Directive, known: Collection[str]) -> None:
    """找出一条指令写法上的毛病；选项从正文里分出来。"""
    if directive.kind not in known:
        allowed = "、".join(f"/// {name}" for name in sorted(known))
        directive.fault(f"不认识的指令 /// {directive.kind}", f"可用的指令：{allowed}")
        return
    if directive.kind not in _OPTIONS:
        return
    if not directive.closed:
        directive.fault(
            f"/// {directive.kind} 没有结束",
            f"在它之后单独写一行 {directive.mark}，斜杠数相同",
        )
        return
    _options(directive)
    caption = "\n".join(directive.body).strip()
    if directive.kind == SNIPPET:
        if directive.name:
            directive.fault("/// snippet 不带参数", "片段由页面的路径决定，删去竖线后的内容")
        if caption:
            directive.fault("/// snippet 里面应是空的", "把文字移到结束行 /// 之后")
    else:
        if not directive.options.get("alt", "").strip() and not directive.faults:
            directive.fault(
                "图没有替代文字", "在 /// figure 下一行缩进四格写 alt: 图里看得到的内容"
            )
        if not caption:
            directive.fault("图没有图注", "在结束行 /// 之前写一句完整的图注")


def _options(directive: Directive) -> None:
    """指令行之后、比它多缩进四格的几行是选项，写法是 YAML 的键值。"""
    body, margin = directive.body, directive.indent + " " * 4
    count = 0
    while count < len(body) and body[count].startswith(margin) and body[count].strip():
        count += 1
    header, directive.body = body[:count], body[count:]
    if not header:
        return
    try:
        options = yaml.safe_load("\n".join(line[len(margin) :] for line in header))
    except yaml.YAMLError:
        options = None
    if not isinstance(options, dict):
        directive.fault(
            "选项不是合法的 YAML",
            "写成 alt: 文字；文字里有半角冒号或 # 时加引号",
            directive.line + 1,
        )
        return
    for key, value in options.items():
        if key not in _OPTIONS[directive.kind]:
            allowed = "、".join(_OPTIONS[directive.kind]) or "没有选项"
            directive.fault(f"不认识的选项 {key}", f"可用的：{allowed}", directive.line + 1)
        elif not isinstance(value, str):
            directive.fault(f"选项 {key} 应是文字", "给值加引号", directive.line + 1)
        else:
            directive.options[key] = value
