"""建网站：运行片段、严格构建到临时目录、核对链接，全部通过才换掉 site/。

用法：python -m handbook.build [--site DIR]
"""

import argparse
import logging
import shutil
import sys
import time
from pathlib import Path

from mkdocs.commands.build import build as mkdocs_build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort, BuildError

from handbook.errors import HandbookError
from handbook.links import check_links
from handbook.project import Project


def swap(fresh: Path, target: Path) -> None:
    """以 `fresh` 换掉 `target`；两次改名之间中断，旧的仍在 `<target>.old`。"""
    old = target.with_name(target.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def build_site(project: Project, target: Path) -> None:
    """严格构建到 `target`；任何警告、坏链接都使构建失败，`target` 保持原样。

    抛 HandbookError，或 MkDocs 自己的 Abort、BuildError。
    """
    fresh = project.build / f"{target.name}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.parent.mkdir(parents=True, exist_ok=True)
    config = load_config(str(project.root / "mkdocs.yml"), site_dir=str(fresh), strict=True)
    config.plugins.on_startup(command="build", dirty=False)
    try:
        mkdocs_build(config)
    finally:
        config.plugins.on_shutdown()
    problems = check_links(fresh, project)
    if problems:
        raise HandbookError(problems)
    swap(fresh, target)


def _log_warnings() -> None:
    logger = logging.getLogger("mkdocs")
    logger.setLevel(logging.WARNING)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger.addHandler(handler)


def main() -> int:
    parser = argparse.ArgumentParser(description="建网站：运行全部片段，严格构建，核对链接")
    parser.add_argument("--site", type=Path, help="输出目录（缺省 site/）")
    args = parser.parse_args()
    project = Project.find()
    target = (args.site or project.site).resolve()
    start = time.monotonic()
    _log_warnings()
    try:
        build_site(project, target)
    except HandbookError as error:
        print(
            f"\n构建失败，{len(error.problems)} 处问题（{target.name}/ 保持原样）：",
            file=sys.stderr,
        )
        print(error, file=sys.stderr)
        return 1
    except (Abort, BuildError) as error:
        print(f"\n构建失败（{target.name}/ 保持原样）：{error}", file=sys.stderr)
        return 1
    pages = sum(1 for _ in target.rglob("*.html"))
    size = sum(p.stat().st_size for p in target.rglob("*") if p.is_file()) / 1e6
    print(f"网站建好：{pages} 页，{size:.1f} MB，用时 {time.monotonic() - start:.1f} 秒")
    print(f"打开：{(target / 'index.html').as_uri()}　（或 make serve 预览）")
    return 0


if __name__ == "__main__":
    sys.exit(main())
