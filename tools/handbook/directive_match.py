"""指令与片段对账：用了没有的、用了两次的、画了没用的；问题报到转换的上下文。"""

from handbook.context import Conversion
from handbook.directives import FIGURE, SNIPPET, Directive

RULES = {FIGURE: "P13", SNIPPET: "S01"}


def match(conversion: Conversion, directives: list[Directive]) -> None:
    """一页的全部指令（写法有毛病的也在内）与它的片段、运行结果。"""
    for directive in directives:
        for line, message, fix in directive.faults:
            conversion.report(line, message, fix, RULES.get(directive.kind, "S01"))
    snippets = [d for d in directives if d.kind == SNIPPET]
    figures = [d for d in directives if d.kind == FIGURE]
    if conversion.snippet is None or conversion.ran is None:
        _nothing_to_show(conversion, snippets + figures)
        return
    for again in snippets[1:]:
        first = snippets[0].line + conversion.body_line - 1
        conversion.report(again.line, f"/// snippet 用了两次，第 {first} 行已有", "留一处", "S01")
    if not snippets and not figures:
        fix = "在「代码验证」里写 /// snippet，另起一行 ///"
        conversion.report(None, "片段没有显示在页面上", fix, "S01")
    _figures(conversion, figures, snippets[0].line if snippets else None)


def _nothing_to_show(conversion: Conversion, directives: list[Directive]) -> None:
    for directive in directives:
        stem = conversion.path.stem.replace("-", "_")
        place = f"snippets/{conversion.path.parent.name}/{stem}.py"
        message = f"/// {directive.kind} 没有可显示的：没有片段 {place}，或它没有运行"
        conversion.report(directive.line, message, "写好片段，或删去指令", "S01")


def _figures(conversion: Conversion, figures: list[Directive], snippet_line: int | None) -> None:
    assert conversion.ran is not None
    drawn = conversion.ran.figures
    have = "、".join(map(_function, drawn)) or "没有作图函数"
    shown: set[str] = set()
    for directive in figures:
        function = _function(directive.name)
        if directive.name not in drawn:
            message, fix = f"片段里没有 {function}", f"改正图名；片段里有：{have}"
            conversion.report(directive.line, message, fix, "P13")
        elif directive.name in shown:
            conversion.report(directive.line, f"{function} 的图用了两次", "留一处", "P13")
        shown.add(directive.name)
    for name in drawn:
        if name not in shown:
            fix = f"写 /// figure{f' | {name}' if name else ''}，或删去这个函数"
            conversion.report(snippet_line, f"{_function(name)} 画的图没有显示", fix, "P13")


def _function(name: str) -> str:
    return f"figure_{name}()" if name else "figure()"
