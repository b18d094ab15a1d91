"""一次转换的上下文：Markdown 扩展由此知道在转哪一页，并把问题报到这里。

Python-Markdown 的扩展由配置里的名字创建，拿不到页面的路径；
MkDocs、导出器与测试在调用前设好 `current`。
"""

from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from handbook.errors import Problem


@dataclass(frozen=True)
class Ran:
    """片段真正运行的结果：标准输出，以及各图的 SVG（键为 `figure_<名>` 的名，`figure` 为空串）。"""

    output: str
    figures: dict[str, str]


@dataclass
class Conversion:
    """`path` 相对项目根；`source` 是正文，其第一行在文件里是第 `body_line` 行。"""

    path: Path
    source: str
    body_line: int
    snippet: Path | None = None  # 片段文件（绝对路径）
    ran: Ran | None = None
    problems: list[Problem] = field(default_factory=list)

    def report(self, line: int | None, message: str, fix: str, rule: str = "") -> None:
        """`line` 是正文里的行号（从 1 起），换算成文件里的行号记下。"""
        at = None if line is None else line + self.body_line - 1
        self.problems.append(Problem(self.path, at, message, fix, rule))


current: ContextVar[Conversion] = ContextVar("current")
