"""网页里的链接在产品里指向哪里：产品内的文件、网站，或没有可去的地方。"""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Links:
    """`inside` 是产品里有的页面：网站路径（`normalization/bn-backward.html`）→ 产品里的地址；
    `here` 是当前页的网站路径；`site` 是网站地址（没有则空），产品里没有的页面链接到它。
    """

    inside: Mapping[str, str]
    here: str
    site: str

    def split(self, href: str) -> tuple[str, str]:
        """站内链接拆成网站路径与锚点。"""
        path, _, anchor = href.partition("#")
        folder = posixpath.dirname(self.here)
        return (posixpath.normpath(posixpath.join(folder, path)) if path else self.here), anchor

    def target(self, href: str) -> str:
        """链接的目标；没有可去的地方则空串。"""
        if is_foreign(href):
            return href
        page, anchor = self.split(href)
        tail = f"#{anchor}" if anchor else ""
        if page == self.here and tail:
            return tail
        if page in self.inside:
            return self.inside[page] + tail
        return f"{self.site.rstrip('/')}/{page}{tail}" if self.site else ""


def is_foreign(href: str) -> bool:
    return re.match(r"[a-z]+:", href) is not None
