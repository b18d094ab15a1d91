"""清单自身的矛盾：条目与题目、题目与章对不上，或有重复。"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from handbook.catalog import Chapter
from handbook.errors import Problem
from handbook.inventory import KINDS, Entry, Inventory
from handbook.seed_documents import ENTRIES

QUESTIONS = Path("tools/seeds/questions.tsv")
ASKING = frozenset({"question", "implied"})
_ENTRY_KINDS = ASKING | {"heading", "answer-note", "noise"}
_ID = re.compile(r"\d{3}:\d+[a-z]?")
_FINGERPRINT = re.compile(r"[0-9a-f]{12}")


def inventory_problems(inventory: Inventory, chapters: Sequence[Chapter]) -> list[Problem]:
    """每处一条；重复的 slug 在 load_inventory 里就报了。"""
    problems: list[Problem] = []
    known = {chapter.slug for chapter in chapters}
    named = {entry.slug for entry in inventory.entries if entry.kind in ASKING}
    for question in inventory.questions.values():
        if question.chapter not in known:
            message = f"{question.slug} 所在的章 {question.chapter} 不存在"
            problems.append(Problem(QUESTIONS, None, message, "改正章名，或建 docs/<章>/index.md"))
        if question.kind not in KINDS:
            message = f"{question.slug} 的 kind {question.kind} 不认识"
            problems.append(Problem(QUESTIONS, None, message, f"取 {'、'.join(KINDS)} 之一"))
        if question.slug not in named:
            message = f"没有种子条目归到 {question.slug}"
            problems.append(Problem(QUESTIONS, None, message, "在 entries.tsv 里归入，或删去此题"))
    for id, count in Counter(entry.id for entry in inventory.entries).items():
        if count > 1:
            problems.append(Problem(ENTRIES, None, f"条目 {id} 出现 {count} 次", "只留一条"))
    for entry in inventory.entries:
        problems += _entry_problems(entry, inventory)
    return problems


def _entry_problems(entry: Entry, inventory: Inventory) -> list[Problem]:
    if entry.kind not in _ENTRY_KINDS:
        fix = f"取 {'、'.join(sorted(_ENTRY_KINDS))} 之一"
        return [Problem(ENTRIES, entry.line, f"不认识的类别 {entry.kind}", fix)]
    if not _ID.fullmatch(entry.id) or not _FINGERPRINT.fullmatch(entry.fingerprint):
        message = f"条目 {entry.id} 的编号或指纹 {entry.fingerprint} 写法不对"
        fix = "编号形如 003:17a，指纹是 12 位十六进制数"
        return [Problem(ENTRIES, entry.line, message, fix)]
    if entry.kind in ASKING and not entry.slug:
        return [Problem(ENTRIES, entry.line, f"条目 {entry.id} 没有归到任何题", "填上 slug")]
    if entry.slug and entry.kind not in ASKING:
        fix = "去掉 slug，或把类别改为 question"
        return [Problem(ENTRIES, entry.line, f"{entry.kind} 不该归到题", fix)]
    if entry.slug and entry.slug not in inventory.questions:
        return [Problem(ENTRIES, entry.line, f"没有 {entry.slug} 这道题", "改正 slug")]
    return []
