"""各项检查共用的报错入口。"""

from collections.abc import Callable
from pathlib import Path

from handbook.errors import Problem
from handbook.project import Project

Report = Callable[[int | None, str, str, str], None]


def report_to(problems: list[Problem], project: Project, path: Path) -> Report:
    """返回 `report(行, 问题, 改法, 编号)`，把 `path` 里的一处问题记进 `problems`。"""
    shown = project.relative(path)

    def report(line: int | None, message: str, fix: str, rule: str) -> None:
        problems.append(Problem(shown, line, message, fix, rule))

    return report
