"""每道种子题都有完整的答案吗？

用法：python tools/check_coverage.py [--seeds DIR] [--json]
有缺口（标为写完的章缺题、页面不完整、清单自相矛盾、原文与记录对不上）则退出码为 1。
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from handbook.catalog import load_catalog
from handbook.errors import HandbookError
from handbook.project import Project
from handbook.seed_documents import compare, read_documents
from handbook.seeds import as_json, coverage, markdown_tables


def main() -> int:
    parser = argparse.ArgumentParser(description="检查每道种子题是否都有完整的页面")
    parser.add_argument("--seeds", type=Path, metavar="DIR", help="种子原文的目录：逐行核对")
    parser.add_argument("--json", action="store_true", help="输出 JSON")
    args = parser.parse_args()
    try:
        catalog = load_catalog(Project.find())
        report = coverage(catalog)
        if args.seeds:
            found = compare(read_documents(args.seeds), catalog.inventory.entries)
            report = replace(report, problems=(*report.problems, *found))
    except HandbookError as error:
        print(error, file=sys.stderr)
        return 1
    if args.json:
        print(as_json(report))
    else:
        print(markdown_tables(report))
        left = sum(map(len, report.backlog.values()))
        print(f"\n待写 {left} 题；清单外补充 {len(report.additions)} 题")
        if args.seeds:
            print(f"种子原文：{args.seeds} 逐行核对")
    for problem in report.problems:
        print(problem, file=sys.stderr)
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
