"""网站的压缩包：解开就能从磁盘打开。同样的网站逐字节得到同样的文件。"""

import zipfile
from pathlib import Path

from handbook.export.stamp import files_of, fresh

FOLDER = "handbook"  # 解开之后的文件夹
_DATE = (1980, 1, 1, 0, 0, 0)  # zip 能写的最早日期


def write_archive(site: Path, target: Path) -> None:
    with fresh(target) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for path in files_of(site):
            name = f"{FOLDER}/{path.relative_to(site).as_posix()}"
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, path.read_bytes(), compresslevel=9)
