"""各文件最后一次提交的日期：整个仓库只问 git 一次。"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

_MARK = "\x01"


def last_commits(root: Path) -> dict[Path, str]:
    """相对 `root` 的路径 → 最后一次提交的日期（YYYY-MM-DD）。

    没有 git、不是仓库（例如由压缩包构建）或还没有提交时为空。
    """
    git = shutil.which("git")
    if git is None:
        return {}
    log = subprocess.run(
        [
            git,
            "-c",
            "core.quotepath=off",
            "log",
            f"--format={_MARK}%cs",
            "--name-only",
            "--relative",
        ],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    dates: dict[Path, str] = {}
    day = ""
    for line in log.stdout.splitlines() if log.returncode == 0 else []:
        if line.startswith(_MARK):
            day = line.removeprefix(_MARK)
        elif line:
            # 日志由新到旧，先遇到的就是最后一次
            dates.setdefault(Path(line), day)
    return dates


def build_date() -> str:
    """今天；设了 SOURCE_DATE_EPOCH（可重现的构建）则是它。"""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return (datetime.fromtimestamp(int(epoch), UTC).date() if epoch else date.today()).isoformat()


def latest(dates: Mapping[Path, str], paths: Iterable[Path]) -> str:
    """几个文件里最晚的提交日期；有一个还没提交，就是构建日期。"""
    return max(dates.get(path) or build_date() for path in paths)
