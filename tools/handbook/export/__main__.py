"""离线产品：全书与各章的 PDF、EPUB、Anki 牌组、离线网站。

用法：python -m handbook.export [--only book,chapters,epub,anki,zip] [--size a4|a5] [--out DIR]
"""

import argparse
import hashlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from handbook.errors import HandbookError
from handbook.export.book import head
from handbook.export.pdf import SIZES
from handbook.export.products import PRODUCTS, Export
from handbook.export.stamp import Stamp, digest, files_of, sources
from handbook.project import Project

SITE_URL = "HANDBOOK_SITE_URL"


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = set(names) - set(PRODUCTS)
    if unknown:
        raise argparse.ArgumentTypeError(
            f"没有 {'、'.join(sorted(unknown))}；可写 {'、'.join(PRODUCTS)}，以逗号隔开"
        )
    return names


def _key(name: str, export: Export, inputs: str) -> str:
    """产品的输入：网站的压缩包只看网站，其余看源文件、纸张、网址与封面上的提交。"""
    project = export.project
    if name == "zip" and project.site.is_dir():
        inputs = digest(project.site, files_of(project.site))
    commit, date = head(project)
    size = export.size if PRODUCTS[name].sized else ""
    parts = [name, inputs, size, export.site, commit, f"{date:%Y-%m-%d}"]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _export(name: str, export: Export, inputs: str) -> None:
    """导出一个产品并打印一行。"""
    product, start = PRODUCTS[name], time.monotonic()
    label = f"{product.title}（{export.size.upper()}）" if product.sized else product.title
    print(f"→ {label} … ", end="", flush=True)
    stem = f"{name}{export.suffix}" if product.sized else name
    files = Stamp(export.project, stem, _key(name, export, inputs)).fresh(export.out)
    how = "没有变化"
    if files is None:
        files = product.make(export)
        # 建网站会改变压缩包的输入，所以写完再算一次
        Stamp(export.project, stem, _key(name, export, inputs)).save(export.out, files)
        how = f"{time.monotonic() - start:.1f} 秒"
    size = sum(path.stat().st_size for path in files) / 1e6
    shown = files[0].name if len(files) == 1 else f"{len(files)} 个文件"
    print(f"{shown}，{size:.1f} MB，{how}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make export", description="导出离线产品")
    parser.add_argument("--only", type=_names, default=list(PRODUCTS), metavar="产品,…",
                        help=f"只导出这些：{','.join(PRODUCTS)}")  # fmt: skip
    parser.add_argument("--size", choices=SIZES, default="a4", help="PDF 的纸张；a5 适合手机")
    parser.add_argument("--out", type=Path, help="输出目录（缺省 build/export）")
    args = parser.parse_args(arguments)
    project = Project.find()
    out = (args.out or project.build / "export").resolve()
    out.mkdir(parents=True, exist_ok=True)
    export = Export(project, out, args.size, os.environ.get(SITE_URL, ""))
    inputs = sources(project)
    try:
        for name in args.only:
            _export(name, export, inputs)
    except HandbookError as error:
        print(f"失败，{len(error.problems)} 处问题：\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
