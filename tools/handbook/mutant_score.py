"""一个片段的变异成绩：原样先过测试，再逐个跑变异体；活着的要么补测试，要么说明为什么等价。"""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from handbook.errors import HandbookError, Problem
from handbook.mutant_run import run
from handbook.mutation import Mutant, mutants_of, sampled, tidy
from handbook.project import Project

THRESHOLD = 90
_EXPLAINED = re.compile(r"^\s*# 等价变异：(?P<what>.+?)：(?P<why>.+)$")
_SLOWER, _GRACE = 10, 5.0


@dataclass(frozen=True)
class Explanation:
    """测试文件里的一行「等价变异」。"""

    line: int
    what: str
    why: str

    def fits(self, mutant: Mutant) -> bool:
        before, arrow, after = (tidy(part) for part in self.what.partition("→"))
        if arrow:
            return (before, after) == (mutant.before, tidy(mutant.after))
        return before == mutant.line_after


@dataclass(frozen=True)
class Score:
    """一个片段的成绩；`stale` 是没有对上活着的变异体的说明。"""

    snippet: Path
    candidates: int
    killed: int
    survivors: tuple[Mutant, ...]
    explained: tuple[tuple[Mutant, Explanation], ...]
    stale: tuple[Explanation, ...]
    seconds: float

    @property
    def percent(self) -> float:
        counted = self.killed + len(self.survivors)
        return 100 * self.killed / counted if counted else 100.0

    @property
    def good(self) -> bool:
        return self.percent >= THRESHOLD and not self.stale


def explanations(test: Path) -> list[Explanation]:
    lines = test.read_text("utf-8").splitlines()
    found = ((number, _EXPLAINED.match(line)) for number, line in enumerate(lines, start=1))
    return [Explanation(n, m["what"].strip(), m["why"].strip()) for n, m in found if m]


def score(
    project: Project, snippet: Path, *, limit: int, jobs: int, progress: Callable[[str], None]
) -> Score:
    """至多 `limit` 个变异体，`jobs` 个同时跑；原样的片段过不了测试就抛 HandbookError。"""
    start = time.monotonic()
    source = snippet.read_text("utf-8")
    test = project.snippet_test(snippet.parent.name, snippet.stem)
    if not test.is_file():
        fix = "写上测试，与独立的参考实现比较"
        raise HandbookError(Problem(project.relative(test), None, "片段没有测试", fix, "S01"))
    whole = run(project, snippet, source)
    if not whole.passed:
        fix = f"先让它通过：\n{whole.output}"
        raise HandbookError(Problem(project.relative(test), None, "片段没改坏，测试就没过", fix))
    everything = mutants_of(source)
    chosen = sampled(everything, limit)
    allowed = _SLOWER * whole.seconds + _GRACE

    def lives(mutant: Mutant) -> bool:
        return run(project, snippet, mutant.source, allowed).passed

    known = explanations(test)
    # 说明过的必查，不论抽没抽到：说明要有真的活着的变异体对得上。
    chosen += [m for m in everything if m not in chosen and any(e.fits(m) for e in known)]
    alive: list[Mutant] = []
    with ThreadPoolExecutor(jobs) as pool:
        for done, (mutant, lived) in enumerate(
            zip(chosen, pool.map(lives, chosen), strict=True), start=1
        ):
            alive += [mutant] * lived
            progress(f"{snippet.stem}: {done}/{len(chosen)}，活着 {len(alive)}")
    progress("")
    explained = tuple((m, e) for m in alive for e in known if e.fits(m))
    used = {e.line for _, e in explained}
    covered = [m for m, _ in explained]
    return Score(
        snippet=project.relative(snippet),
        candidates=len(everything),
        killed=len(chosen) - len(alive),
        survivors=tuple(m for m in alive if m not in covered),
        explained=explained,
        stale=tuple(e for e in known if e.line not in used),
        seconds=time.monotonic() - start,
    )
