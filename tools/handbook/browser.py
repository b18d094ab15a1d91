"""找到（必要时装上）测试用的 Chromium：机器上已有的，其次 apt，再次 Playwright 自带的。"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "HANDBOOK_CHROMIUM"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


class NoBrowser(Exception):
    """没有可用的 Chromium。"""

    def __init__(self, tried: str):
        super().__init__(
            f"找不到 Chromium（{tried}）；改法任选其一：\n"
            f"  - 装上 Chromium 或 Chrome，或用环境变量 {VARIABLE} 指明它的路径\n"
            "  - Debian/Ubuntu：sudo apt-get install chromium\n"
            "  - .venv/bin/playwright install chromium"
        )


def _candidates() -> Iterator[str]:
    yield from filter(None, map(shutil.which, _NAMES))
    yield from (path for path in _MAC if Path(path).is_file())
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    if Path(path).is_file():
        yield path


def find() -> str:
    """可执行文件的路径；环境变量指明的优先，指错了就报错而不另找。"""
    named = os.environ.get(VARIABLE)
    if named:
        if not Path(named).is_file():
            raise NoBrowser(f"{VARIABLE}={named} 不存在")
        return named
    for path in _candidates():
        return path
    raise NoBrowser("PATH、常见位置与 Playwright 的目录里都没有")


def _install() -> None:
    apt = shutil.which("apt-get")
    if apt and os.geteuid() == 0:
        print("→ 用 apt 安装 Chromium", flush=True)
        quiet = {
            "stdout": subprocess.DEVNULL,
            "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        }
        updated = subprocess.run([apt, "update", "-qq"], check=False, **quiet)  # type: ignore[call-overload]
        if updated.returncode == 0:
            packages = ["chromium", "fonts-noto-cjk"]
            done = subprocess.run([apt, "install", "-y", "-qq", *packages], check=False, **quiet)  # type: ignore[call-overload]
            if done.returncode == 0:
                return
        print("  apt 没有成功，改用 Playwright", flush=True)
    print("→ 用 Playwright 安装 Chromium", flush=True)
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--install", action="store_true", help="没有就安装")
    args = parser.parse_args()
    try:
        try:
            path = find()
        except NoBrowser:
            if not args.install or os.environ.get(VARIABLE):
                raise
            _install()
            path = find()
    except NoBrowser as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Chromium：{path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
