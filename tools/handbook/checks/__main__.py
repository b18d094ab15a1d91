"""命令行：`python -m handbook.checks [slug 或路径 …]`。打印全部问题，有问题则退出码为 1。"""

import sys
from collections.abc import Sequence
from pathlib import Path

from handbook.catalog import Catalog, load_catalog
from handbook.checks import run_all
from handbook.errors import HandbookError
from handbook.project import Project


def slugs_of(catalog: Catalog, names: Sequence[str]) -> set[str]:
    """参数所指的题：slug，或页面、片段、测试的路径；认不出的名字使程序退出。"""
    owner = {
        path.resolve(): slug
        for slug, page in catalog.pages.items()
        for path in (page.path, page.snippet, page.test)
        if path is not None
    }
    found = set()
    for name in names:
        slug = name if name in catalog.pages else owner.get(Path(name).resolve())
        if slug is None:
            raise SystemExit(f"没有 {name} 这道题：写 slug，或页面、片段、测试的路径")
        found.add(slug)
    return found


def main(arguments: Sequence[str]) -> int:
    try:
        catalog = load_catalog(Project.find())
    except HandbookError as error:
        print(error)
        return 1
    problems = run_all(catalog, only=slugs_of(catalog, arguments) if arguments else None)
    for problem in problems:
        print(problem)
    print(f"{len(problems)} 处问题" if problems else "内容规则全部通过")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
