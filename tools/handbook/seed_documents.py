"""种子原文与记录的逐行核对：多一行、少一行、挪动、改字都会被发现。

原文是别人的文字，不入库；库里只有每个非空行的行号与指纹（去掉首尾空白后 SHA-256 的前 12 位）。
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from handbook.errors import HandbookError, Problem
from handbook.inventory import Entry

ENTRIES = Path("tools/seeds/entries.tsv")


def fingerprint(line: str) -> str:
    return hashlib.sha256(line.strip().encode()).hexdigest()[:12]


def read_documents(folder: Path) -> dict[str, list[str]]:
    """`NNN_*.txt` → 编号到各行；一篇也没有就报错。"""
    found = {
        p.name[:3]: p.read_text("utf-8").splitlines() for p in sorted(folder.glob("???_*.txt"))
    }
    if not found:
        fix = "--seeds 指向放着 NNN_*.txt 的目录"
        raise HandbookError(Problem(folder, None, "目录里没有种子文档", fix))
    return found


def compare(documents: dict[str, list[str]], entries: Iterable[Entry]) -> list[Problem]:
    """逐行核对原文与记录。"""
    recorded: dict[tuple[str, int], list[Entry]] = defaultdict(list)
    homes: dict[tuple[str, str], list[int]] = defaultdict(list)
    for entry in entries:
        recorded[entry.seed, entry.seed_line].append(entry)
        homes[entry.seed, entry.fingerprint].append(entry.seed_line)
    problems: list[Problem] = []
    for seed, lines in documents.items():
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            mark = fingerprint(line)
            found = recorded.pop((seed, number), [])
            if found and all(entry.fingerprint == mark for entry in found):
                continue
            at = found[0].line if found else None
            elsewhere = homes.get((seed, mark))
            if elsewhere:
                message = f"种子 {seed} 第 {number} 行的内容记录在第 {elsewhere[0]} 行"
                fix = f"把这些条目的行号改为 {number}"
            elif found:
                message = f"种子 {seed} 第 {number} 行的内容变了"
                fix = f"重新判定归到哪道题，再把指纹改为 {mark}"
            else:
                message = f"种子 {seed} 第 {number} 行没有记录"
                fix = f"加一条 {seed}:{number}，指纹 {mark}"
            problems.append(Problem(ENTRIES, at, message, fix))
    for (seed, number), left in recorded.items():
        message = f"记录了种子 {seed} 第 {number} 行，原文没有这一行或是空行"
        problems.append(Problem(ENTRIES, left[0].line, message, "删去此条，或改正行号"))
    return problems
