"""片段结果的缓存：键是源文件、辅助模块、库与 Python 的版本、执行器自身的源码；只存成功的结果。"""

import hashlib
import json
import os
import platform
import sys
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path

from handbook.context import Ran
from handbook.project import Project

# 这些模块一改，结果就可能变，缓存随之作废；不必手工维护版本号
_RUNNER = (
    "child",
    "figures",
    "landlock",
    "sandbox",
    "seccomp",
    "supervise",
    "svg",
    "verdict",
    "worker",
)


@cache
def _platform() -> bytes:
    """与片段无关的一半键。"""
    here = Path(__file__).parent
    sources = [(here / f"{name}.py").read_bytes() for name in _RUNNER]
    versions = [sys.version, platform.machine(), version("numpy"), version("matplotlib")]
    return hashlib.sha256(b"\0".join([*sources, *(v.encode() for v in versions)])).digest()


def key_of(path: Path, project: Project) -> str:
    """辅助模块是片段目录与其上一级里以 _ 开头的 .py；执行时不许导入别的（见 child）。"""
    digest = hashlib.sha256(_platform())
    helpers = sorted([*path.parent.glob("_*.py"), *project.snippets.glob("_*.py")])
    for file in (path, *helpers):
        digest.update(project.relative(file).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:32]


def _file(key: str, project: Project) -> Path:
    return project.cache / "snippets" / f"{key}.json"


def load(key: str, project: Project) -> Ran | None:
    file = _file(key, project)
    return Ran(**json.loads(file.read_text("utf-8"))) if file.is_file() else None


def store(key: str, ran: Ran, project: Project) -> None:
    """先写旁边再改名：中途断了不会留下半个文件。"""
    file = _file(key, project)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(asdict(ran), ensure_ascii=False), "utf-8")
    partial.replace(file)
