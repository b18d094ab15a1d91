"""题目清单（tools/seeds/）：每道题问什么，种子文档的每一行归到哪道题。只读数据，不判断对错。"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from handbook.errors import HandbookError, Problem

KINDS = (
    "derivation",
    "code",
    "concept",
    "compare",
    "architecture",
    "practice",
    "metric",
    "open",
)


@dataclass(frozen=True)
class Question:
    """清单里的一道题；`asks` 是页面须回答的要点，从 1 编号；`asked` 是种子里的问法数。"""

    slug: str
    chapter: str
    title: str
    title_en: str
    asks: tuple[str, ...]
    kind: str
    needs: frozenset[str]
    asked: int


@dataclass(frozen=True)
class Entry:
    """种子文档的一行（或一行的一部分）。`id` 形如 `003:17a`：文档号、行号、分部。"""

    id: str
    fingerprint: str
    kind: str
    slug: str
    line: int  # entries.tsv 里的行号，报错用

    @property
    def seed(self) -> str:
        return self.id.split(":")[0]

    @property
    def seed_line(self) -> int:
        return int(self.id.split(":")[1].rstrip("abcdefghijklmnopqrstuvwxyz"))


@dataclass(frozen=True)
class Inventory:
    questions: Mapping[str, Question]
    entries: tuple[Entry, ...]

    def of_chapter(self, chapter: str) -> list[Question]:
        return [q for q in self.questions.values() if q.chapter == chapter]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _refuse_duplicates(rows: list[dict[str, str]]) -> None:
    first: dict[str, int] = {}
    problems = []
    for line, row in enumerate(rows, start=2):
        slug = row["slug"]
        if first.setdefault(slug, line) != line:
            message = f"{slug} 在第 {first[slug]} 行已有"
            path = Path("tools/seeds/questions.tsv")
            problems.append(Problem(path, line, message, "并成一题，或换一个 slug"))
    if problems:
        raise HandbookError(problems)


def load_inventory(folder: Path) -> Inventory:
    """读 `folder`/questions.tsv 与 entries.tsv；题目按清单的次序。slug 重复时抛 HandbookError。"""
    rows = _rows(folder / "questions.tsv")
    _refuse_duplicates(rows)
    questions = {
        row["slug"]: Question(
            slug=row["slug"],
            chapter=row["chapter"],
            title=row["title"],
            title_en=row["title_en"],
            asks=tuple(a.strip() for a in row["asks"].split(";") if a.strip()),
            kind=row["kind"],
            needs=frozenset(n for n in (row["needs"] or "").split(";") if n),
            asked=int(row["asked"]),
        )
        for row in rows
    }
    entries = tuple(
        Entry(row["entry"], row["fingerprint"], row["kind"], row["slug"] or "", number)
        for number, row in enumerate(_rows(folder / "entries.tsv"), start=2)
    )
    return Inventory(questions, entries)
