"""`make serve`：本地预览。先建一遍全站，之后只重建改动过的页面；不作严格检查。"""

import argparse
import logging

from mkdocs.commands.serve import serve

from handbook.project import Project


def main() -> None:
    parser = argparse.ArgumentParser(description="本地预览，改动后自动刷新")
    parser.add_argument(
        "--addr", default="127.0.0.1:8000", help="地址与端口（缺省 127.0.0.1:8000）"
    )
    parser.add_argument("--open", action="store_true", help="顺便打开浏览器")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    project = Project.find()
    print(f"首次构建之后打开 http://{args.addr}/ ，按 Ctrl-C 结束", flush=True)
    serve(
        config_file=str(project.root / "mkdocs.yml"),
        build_type="dirty",
        open_in_browser=args.open,
        dev_addr=args.addr,
        strict=False,
    )


if __name__ == "__main__":
    main()
