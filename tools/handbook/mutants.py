"""`make mutants`：把片段逐处改坏，看测试是否变红；杀死不到九成的片段算失败（规则 T03）。

    python -m handbook.mutants              只查改动过的片段
    python -m handbook.mutants iou nms      查指定的题
    python -m handbook.mutants --all        查全部

改了也等价的变异体在测试文件里说明，每个一行，写改后的整行，或「原来 → 改后」的一小段：

    # 等价变异：mu = x.mean(axis=-1)：这里的 x 是一维的
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from handbook.errors import HandbookError, Problem
from handbook.mutant_run import warm_up
from handbook.mutant_score import THRESHOLD, Score, score
from handbook.project import Project

LIMIT = 60


def _progress(text: str) -> None:
    """终端上就地刷新的一行；重定向时不打。"""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def report(result: Score, test: Path) -> Iterator[str]:
    """一个片段的成绩单。"""
    counted = result.killed + len(result.survivors)
    yield (
        f"{result.snippet}: 杀死 {result.killed}/{counted}（{result.percent:.0f}%），"
        f"等价 {len(result.explained)}，共 {result.candidates} 个可选，{result.seconds:.0f} 秒"
    )
    for mutant in result.survivors:
        yield f"  {result.snippet}:{mutant.line}: 活着 {mutant}"
        yield f"      改后：{mutant.line_after}"
    for mutant, explanation in result.explained:
        yield f"  {result.snippet}:{mutant.line}: 等价 {mutant}（{explanation.why}）"
    for explanation in result.stale:
        message = f"没有活着的变异体对得上「{explanation.what}」"
        fix = "写改后的整行，或「原来 → 改后」；已被测试杀死的就删去"
        yield f"  {Problem(test, explanation.line, message, fix, 'T03')}"


def selected(project: Project, slugs: list[str], everything: bool) -> list[Path]:
    """要查的片段：指定的题、全部，或改动过的（片段或它的测试）。"""
    snippets = sorted(p for s in ("py", "c", "cpp") for p in project.snippets.glob(f"*/*.{s}"))
    if slugs:
        names = {slug.replace("-", "_"): slug for slug in slugs}
        for name in names.keys() - {p.stem for p in snippets}:
            place = Path("snippets")
            raise HandbookError(Problem(place, None, f"没有 {names[name]} 的片段", "改正 slug"))
        return [p for p in snippets if p.stem in names]
    if everything:
        return snippets
    from handbook.changed import changed_files  # 子进程会重新导入本模块，重的留在这里

    changed = {project.root / file for file in changed_files(project.root)}
    tests = {p: project.snippet_test(p.parent.name, p.stem) for p in snippets}
    return [p for p in snippets if changed & {p, tests[p]}]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description="变异测试")
    parser.add_argument("slugs", nargs="*", help="只查这几题")
    parser.add_argument("--all", action="store_true", help="查全部片段")
    parser.add_argument("--jobs", type=int, default=2, help="同时跑几个（缺省 2）")
    parser.add_argument(
        "--limit", type=int, default=LIMIT, help=f"每个片段至多几个（缺省 {LIMIT}）"
    )
    options = parser.parse_args(arguments)
    project = Project.find()
    try:
        chosen = selected(project, options.slugs, options.all)
    except HandbookError as error:
        print(error, file=sys.stderr)
        return 1
    tests = {p: project.snippet_test(p.parent.name, p.stem) for p in chosen if p.suffix == ".py"}
    warm_up(p for pair in tests.items() for p in pair if p.is_file())
    bad = 0
    for snippet in chosen:
        if snippet not in tests:
            print(f"{project.relative(snippet)}: 未覆盖（C/C++ 不做变异）")
            continue
        try:
            result = score(
                project, snippet, limit=options.limit, jobs=options.jobs, progress=_progress
            )
        except HandbookError as error:
            print(error, file=sys.stderr)
            bad += 1
            continue
        print("\n".join(report(result, project.relative(tests[snippet]))), flush=True)
        bad += not result.good
    print(f"{len(tests)} 个片段，{bad} 个不合格（须杀死 {THRESHOLD}% 以上，说明都对得上）")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
