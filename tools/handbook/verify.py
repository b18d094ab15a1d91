"""`make test`：按由快到慢的次序跑完全部检查；任何一步失败即停，并说出是哪一步。"""

import subprocess
import sys
import time
from pathlib import Path

from handbook.project import Project

_PYTHON = sys.executable
_PYTEST = "-q -n auto --dist loadfile --cov --cov-report=term:skip-covered"
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("代码格式", (_PYTHON, "-m", "ruff", "format", "--check", "--quiet", ".")),
    ("代码规范", (_PYTHON, "-m", "ruff", "check", "--quiet", ".")),
    ("类型", (_PYTHON, "-m", "mypy")),
    ("题目覆盖", (_PYTHON, "tools/check_coverage.py")),
    ("内容规则", (_PYTHON, "-m", "handbook.checks")),
    ("测试", (_PYTHON, "-m", "pytest", *_PYTEST.split())),
)


def run_steps(steps: tuple[tuple[str, tuple[str, ...]], ...], root: Path) -> int:
    for number, (name, command) in enumerate(steps, start=1):
        print(f"[{number}/{len(steps)}] {name}", flush=True)
        start = time.monotonic()
        code = subprocess.run(command, cwd=root, check=False).returncode
        if code != 0:
            print(f"「{name}」没有通过；单独重跑：{' '.join(command)}", file=sys.stderr)
            return code
        print(f"      {time.monotonic() - start:.1f} 秒", flush=True)
    print("全部通过")
    return 0


if __name__ == "__main__":
    sys.exit(run_steps(STEPS, Project.find().root))
