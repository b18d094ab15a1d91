"""量构建的速度与体积：同一次运行里与朴素的 mkdocs-material 构建相比，打印成表，不作断言。

用法：make bench，或 python tools/bench.py [site] [--pages 419] [--scales 1 2 4]
"""

import argparse
import gzip
import os
import platform
import re
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from handbook.project import Project
from handbook.replicate import replicated

PLAIN = """\
site_name: plain
docs_dir: docs
use_directory_urls: false
theme: {name: material, font: false, language: zh}
plugins: [search]
markdown_extensions:
  - admonition
  - attr_list
  - footnotes
  - tables
  - toc: {permalink: true}
  - pymdownx.details
  - pymdownx.superfences
  - pymdownx.highlight
  - pymdownx.arithmatex: {generic: true}
"""


@dataclass(frozen=True)
class Cost:
    """一个进程（连同子孙）用掉的：CPU 秒、墙钟秒、峰值内存 MB。"""

    cpu: float
    wall: float
    memory: float


def run(command: list[str], folder: Path) -> Cost:
    """运行并计量；失败即抛出。"""
    start = time.monotonic()
    with tempfile.TemporaryFile() as log:
        pid = os.posix_spawn(
            command[0],
            command,
            {**os.environ, "NO_MKDOCS_2_WARNING": "1"},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, log.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
            ],
        )
        _, status, usage = os.wait4(pid, 0)
        if status:
            log.seek(0)
            raise RuntimeError(f"{' '.join(command)} 失败：\n{log.read().decode()[-3000:]}")
    scale = 1e6 if platform.system() == "Darwin" else 1e3
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(cpu, time.monotonic() - start, usage.ru_maxrss / scale)


def plain_copy(project: Project, target: Path) -> Path:
    """同样的页面写成朴素的 mkdocs-material 工程：片段变成代码围栏，图省去。"""
    shutil.copytree(project.docs, target / "docs")
    for path in (target / "docs").rglob("*.md"):
        code = project.snippet(path.parent.name, path.stem)
        fence = f"```python\n{code.read_text('utf-8')}```" if code else ""
        text = path.read_text("utf-8")
        text = re.sub(r"/// snippet\n///", lambda _: fence, text)  # noqa: B023
        text = re.sub(r"/// figure.*?\n///", "", text, flags=re.DOTALL)
        path.write_text(text, "utf-8")
    (target / "mkdocs.yml").write_text(PLAIN, "utf-8")
    return target


def weights(site: Path) -> list[int]:
    """各题目页的 gzip 字节数。"""
    pages = [p for p in site.glob("*/*.html") if p.parent.name not in ("about", "labs")]
    return [len(gzip.compress(p.read_bytes(), 6)) for p in pages if p.stem != "index"]


def bench_site(project: Project, pages: int, scales: list[int]) -> None:
    rows: list[tuple[str, Cost]] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        scratch = Path(name)
        for scale in scales:
            print(f"… {scale}×：{pages * scale} 页", file=sys.stderr, flush=True)
            copy = replicated(project, scratch / f"x{scale}", pages * scale)
            build = [sys.executable, "-m", "handbook.build"]
            os.chdir(copy.root)
            rows.append((f"{scale}× 冷", run(build, copy.root)))
            rows.append((f"{scale}× 热", run(build, copy.root)))
            plain = plain_copy(copy, scratch / f"plain{scale}")
            config = ["-q", "-f", str(plain / "mkdocs.yml"), "-d", str(plain / "site")]
            command = [sys.executable, "-m", "mkdocs", "build", *config]
            rows.append((f"{scale}× 朴素", run(command, plain)))
            if scale == scales[0]:
                sizes = weights(copy.site)
        os.chdir(project.root)
    print(f"\n{date.today()}，{platform.machine()}，{os.cpu_count()} 核，Python "
          f"{platform.python_version()}；每 1× 为 {pages} 页\n")  # fmt: skip
    print("| 构建 | CPU 秒 | 墙钟秒 | 峰值 MB | CPU 比朴素 | 每页 CPU 毫秒 |")
    print("| --- | --- | --- | --- | --- | --- |")
    base = {name.split("×")[0]: cost.cpu for name, cost in rows if "朴素" in name}
    for name, cost in rows:
        scale = name.split("×")[0]
        ratio, each = cost.cpu / base[scale], 1e3 * cost.cpu / (pages * int(scale))
        print(f"| {name} | {cost.cpu:.1f} | {cost.wall:.1f} | {cost.memory:.0f} "
              f"| {ratio:.2f} | {each:.1f} |")  # fmt: skip
    kb = [size / 1e3 for size in sizes]
    print(f"\n题目页 gzip：中位 {statistics.median(kb):.1f} KB，最大 {max(kb):.1f} KB")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", default="site", choices=["site"])
    parser.add_argument("--pages", type=int, default=419, help="1× 的页数")
    parser.add_argument("--scales", type=int, nargs="+", default=[1, 2, 4])
    args = parser.parse_args()
    bench_site(Project.find(), args.pages, args.scales)
    return 0


if __name__ == "__main__":
    sys.exit(main())
