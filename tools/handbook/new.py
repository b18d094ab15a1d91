"""由模板新建一题的三个文件：python -m handbook.new --slug my-question --chapter normalization"""

import argparse
import re
import sys
from pathlib import Path

from handbook.errors import HandbookError, Problem
from handbook.inventory import load_inventory
from handbook.project import Project

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_USAGE = "make new SLUG=<小写英文与连字符> CHAPTER=<章的目录名>"


def new_question(project: Project, slug: str, chapter: str) -> list[Path]:
    """写出页面、片段与测试，返回它们的路径；任何一个已存在就一个也不写。"""
    chapters = sorted(p.parent.name for p in project.docs.glob("*/index.md"))
    if not _SLUG.fullmatch(slug):
        raise HandbookError(Problem(Path("Makefile"), None, f"SLUG「{slug}」不合规", _USAGE))
    if chapter not in chapters:
        fix = f"CHAPTER 取 {'、'.join(chapters)} 之一"
        raise HandbookError(Problem(Path("docs"), None, f"没有「{chapter}」这一章", fix))
    row = load_inventory(project.seeds).questions.get(slug)
    if row and row.chapter != chapter:
        fix = f"用 CHAPTER={row.chapter}"
        raise HandbookError(Problem(Path("tools/seeds/questions.tsv"), None, "章不对", fix))
    asks = row.asks if row else ("待补",)
    fields = {
        "title": row.title if row else "待补",
        "title_en": row.title_en if row else "待补",
        "asks": "\n\n".join(
            f'### {ask} {{data-asks="{n}"}}\n\n待补。' if row else f"### {ask}\n\n待补。"
            for n, ask in enumerate(asks, start=1)
        ),
    }
    templates = project.root / "tools" / "templates"
    page = (templates / "page.md").read_text("utf-8")
    for key, value in fields.items():
        page = page.replace(f"{{{key}}}", value)
    if not row:
        page = page.replace("tags: [待补]", "tags: [待补]\nkind: concept")
    files = {
        project.page(chapter, slug): page,
        project.snippets / chapter / f"{slug.replace('-', '_')}.py": (
            templates / "snippet.py.txt"
        ).read_text("utf-8"),
        project.snippet_test(chapter, slug): (templates / "test.py.txt").read_text("utf-8"),
    }
    taken = [path for path in files if path.exists()]
    if taken:
        raise HandbookError(
            [
                Problem(project.relative(p), None, "文件已存在", "换一个 SLUG，或直接编辑它")
                for p in taken
            ]
        )
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return list(files)


def main() -> int:
    parser = argparse.ArgumentParser(description="由模板新建一题的页面、片段与测试")
    parser.add_argument("--slug", required=True)
    parser.add_argument("--chapter", required=True)
    args = parser.parse_args()
    project = Project.find()
    try:
        files = new_question(project, args.slug, args.chapter)
    except HandbookError as error:
        print(error, file=sys.stderr)
        return 1
    for path in files:
        print(f"新建 {project.relative(path)}")
    print("接着：写完三个文件里的「待补」，运行 make check，再用 make serve 看一眼")
    return 0


if __name__ == "__main__":
    sys.exit(main())
