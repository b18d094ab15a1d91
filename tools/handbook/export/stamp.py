"""导出的缓存：输入没有变、产品还在，就不再导出。

一个产品一张记录，写着输入的哈希与各产品文件的大小和哈希；记录在产品写完之后才写，
中断的导出因此不会被当作完成。
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from handbook.project import Project

_SOURCES = (
    "docs",
    "snippets",
    "tools/seeds",
    "tools/handbook",
    "tools/export/book.typ",
    "tools/export/package.json",
    "tools/requirements",
    "mkdocs.yml",
    "package-lock.json",
)
_SKIPPED = {"__pycache__", "node_modules"}


def files_of(root: Path) -> Iterator[Path]:
    """`root` 之下的全部文件（或它自己），次序固定；字节码与 npm 包不算。"""
    if root.is_file():
        yield root
        return
    for folder, names, found in os.walk(root):
        names[:] = sorted(set(names) - _SKIPPED)
        yield from (Path(folder) / name for name in sorted(found))


def digest(root: Path, files: Iterable[Path]) -> str:
    """各文件的相对路径与内容。"""
    total = hashlib.sha256()
    for path in files:
        total.update(f"{path.relative_to(root).as_posix()}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def sources(project: Project) -> str:
    """产品所依赖的一切源文件：页面、片段、工具、版式与锁文件。"""
    roots = [project.root / name for name in _SOURCES]
    return digest(project.root, (path for root in roots for path in files_of(root)))


class Stamp:
    """一个产品的记录。"""

    def __init__(self, project: Project, name: str, key: str):
        self._file = project.cache / "export" / f"{name}.json"
        self._key = key

    def fresh(self, out: Path) -> list[Path] | None:
        """输入没有变、产品原样还在，则给出产品的文件；否则 None。"""
        if not self._file.is_file():
            return None
        saved = json.loads(self._file.read_text("utf-8"))
        if saved["key"] != self._key or saved["out"] != str(out):
            return None
        found = {out / name: known for name, known in saved["files"].items()}
        kept = all(path.is_file() and _known(path) == known for path, known in found.items())
        return list(found) if kept else None

    def save(self, out: Path, files: Iterable[Path]) -> None:
        known = {path.relative_to(out).as_posix(): _known(path) for path in files}
        record = json.dumps({"key": self._key, "out": str(out), "files": known}, ensure_ascii=False)
        with fresh(self._file) as temporary:
            temporary.write_text(record, "utf-8")


def _known(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def fresh(target: Path) -> Iterator[Path]:
    """先写同一目录里的临时文件，写完才改名：中断不留下半个文件。"""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=target.suffix,
                                        dir=target.parent)  # fmt: skip
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
