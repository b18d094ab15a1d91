"""报错的统一形式：哪个文件、哪一行、违反哪条规则、怎么改。"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """一处问题。`path` 相对项目根；`rule` 是 docs/about/style.md 里的编号，没有则空。"""

    path: Path
    line: int | None
    message: str
    fix: str
    rule: str = ""

    def __str__(self) -> str:
        place = self.path.as_posix() if self.line is None else f"{self.path.as_posix()}:{self.line}"
        rule = f"[{self.rule}] " if self.rule else ""
        return f"{place}: {rule}{self.message}；改法：{self.fix}"

    def __lt__(self, other: "Problem") -> bool:
        """按文件、行的次序；说不出行的排在该文件的最前。"""
        return self._order < other._order

    @property
    def _order(self) -> tuple[Path, int, str]:
        return self.path, self.line or 0, self.message


class HandbookError(Exception):
    """一处或多处问题，使构建不能继续。"""

    def __init__(self, problems: Problem | Iterable[Problem]):
        self.problems = [problems] if isinstance(problems, Problem) else sorted(problems)
        super().__init__("\n".join(map(str, self.problems)))
