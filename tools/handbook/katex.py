"""KaTeX：把 LaTeX 公式排成 HTML 与 MathML，或给出它的语法树；同一公式只排一次，结果存盘。

引擎是 mini-racer 里的 V8，只在缓存里没有时才启动；启动之后不可再 fork（子进程会挂住）。
缓存是 SQLite：写入是原子的，几个进程可以同时读写；文件名含 KaTeX 的版本与选项，换了就另起一份。
"""

import atexit
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from py_mini_racer import MiniRacer

from handbook.errors import HandbookError, Problem
from handbook.project import Project

# 命令不受信任（\href 等）时 KaTeX 不报错，只用 errorColor 印出来；颜色作记号，见到就当错。
_UNTRUSTED = "#bad0ba"
OPTIONS: dict[str, Any] = {
    "output": "htmlAndMathml",
    "strict": "error",
    "throwOnError": True,
    "trust": False,
    "errorColor": _UNTRUSTED,
}
# 语法树里的 loc 带着整个词法分析器，导出器用不到。
_BRIDGE = """
function typeset(kind, tex, options) {
  const drop = (key, value) => (key === "loc" || key === "lexer" ? undefined : value);
  try {
    const made = kind === "html" ? katex.renderToString(tex, options) : katex.__parse(tex, options);
    return JSON.stringify({ value: kind === "html" ? made : JSON.stringify(made, drop) });
  } catch (error) {
    if (error instanceof katex.ParseError) return JSON.stringify({ error: error.rawMessage });
    throw error;
  }
}
"""
_TABLE = (
    "CREATE TABLE IF NOT EXISTS formula"
    " (kind TEXT, display INTEGER, tex TEXT, value TEXT, PRIMARY KEY (kind, display, tex))"
)
_BUSY_SECONDS = 60
_Key = tuple[bool, str]  # display、tex


class MathError(Exception):
    """公式排不出来：`tex` 是公式，`reason` 是 KaTeX 的说法。"""

    def __init__(self, tex: str, reason: str):
        super().__init__(f"公式 {tex} 排不出：{reason}")
        self.tex = tex
        self.reason = reason

    @property
    def fix(self) -> str:
        """最常见的错怎么改。"""
        if "unicodeTextInMathMode" in self.reason:
            return r"汉字与全角符号放进 \text{}"
        if "unknownSymbol" in self.reason:
            return r"KaTeX 没有这个字符：写成 LaTeX 命令，\text{} 里的希腊字母与符号移到它外面"
        return "改成 KaTeX 支持的写法，见 https://katex.org/docs/supported"


class Katex:
    """`project` 的 node_modules 里的 KaTeX。新结果要到 `save()` 才写盘。"""

    def __init__(self, project: Project):
        self._folder = project.node_modules / "katex"
        package = self._folder / "package.json"
        if not package.is_file():
            place = package.relative_to(project.root)
            raise HandbookError(Problem(place, None, "没有 KaTeX", "运行 npm ci"))
        self.version: str = json.loads(package.read_text("utf-8"))["version"]
        self._process = os.getpid()
        self._engine: MiniRacer | None = None
        options = hashlib.sha256(json.dumps([OPTIONS, _BRIDGE], sort_keys=True).encode())
        self._file = project.cache / f"katex-{self.version}-{options.hexdigest()[:8]}.sqlite"
        self._known: dict[str, dict[_Key, str]] = {}
        self._new: dict[tuple[str, _Key], str] = {}

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """一次读或写；提交之后就关上。"""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._file, timeout=_BUSY_SECONDS)) as database, database:
            database.execute(_TABLE)
            yield database

    def _load(self, kind: str) -> dict[_Key, str]:
        if kind not in self._known:
            with self._database() as database:
                query = "SELECT display, tex, value FROM formula WHERE kind = ?"
                rows = database.execute(query, (kind,)).fetchall()
            self._known[kind] = {(bool(display), tex): value for display, tex, value in rows}
        return self._known[kind]

    def _typeset(self, kind: str, tex: str, display: bool) -> str:
        if self._process != os.getpid():
            raise RuntimeError("KaTeX 不能跨 fork 使用：在子进程里另建一个 Katex")
        if self._engine is None:
            self._engine = MiniRacer()
            self._engine.eval((self._folder / "dist" / "katex.min.js").read_text("utf-8"))
            self._engine.eval(_BRIDGE)
        options = OPTIONS | {"displayMode": display}
        answer = json.loads(str(self._engine.call("typeset", kind, tex, options)))
        if "error" in answer:
            raise MathError(tex, answer["error"])
        value: str = answer["value"]
        if _UNTRUSTED in value:
            raise MathError(tex, r"用了不许用的命令（\href、\url、\includegraphics 一类）")
        return value

    def _get(self, kind: str, tex: str, display: bool) -> str:
        known, key = self._load(kind), (display, tex)
        if key not in known:
            known[key] = self._new[kind, key] = self._typeset(kind, tex, display)
        return known[key]

    def render(self, tex: str, *, display: bool) -> str:
        """HTML 与 MathML；排不出抛 MathError。"""
        return self._get("html", tex.strip(), display)

    def parse(self, tex: str, *, display: bool) -> list[dict[str, Any]]:
        """KaTeX 的语法树，去掉了源位置。"""
        tree: list[dict[str, Any]] = json.loads(self._get("tree", tex.strip(), display))
        return tree

    def save(self) -> None:
        """把新排的公式写进缓存。"""
        if self._new:
            rows = [(kind, *key, value) for (kind, key), value in self._new.items()]
            with self._database() as database:
                database.executemany("INSERT OR REPLACE INTO formula VALUES (?, ?, ?, ?)", rows)
            self._new.clear()


_shared: dict[Path, Katex] = {}


def shared(project: Project) -> Katex:
    """本进程里这个项目唯一的一份；进程结束时自动存盘。"""
    if project.root not in _shared:
        _shared[project.root] = Katex(project)
        atexit.register(_shared[project.root].save)
    return _shared[project.root]
