"""片段子进程的牢笼：由内核执行，不靠改写 Python 的 open 或 socket，所以 ctypes 与 C 扩展也绕不过。

各系统都有：时限（由父进程杀死整个进程组），CPU 时间、内存、文件大小、句柄数的上限，空的环境变量，
临时目录。Linux 另有：Landlock（只能读解释器、库与片段目录，不能写任何文件；家目录不在内）、
seccomp（不能联网、不能再开进程、不能 ptrace 与 mount 等）、卸去 root 的特权。
macOS 没有后三样，文件与网络不设防，只靠上面的上限；构建时打印一行说明。
"""

import ctypes
import functools
import math
import os
import resource
import signal
import struct
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from handbook import landlock, seccomp

MIB = 1 << 20
_PR_SET_PDEATHSIG = 1
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_READ_SEARCH = 1 << 2
# 系统里可读的：库、字体与时区、无害的设备、处理器的情况
_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share"),
    *(
        "/etc/ld.so.cache",
        "/etc/localtime",
        "/dev/null",
        "/dev/zero",
        "/dev/random",
        "/dev/urandom",
    ),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"),
)


@dataclass(frozen=True)
class Limits:
    """一个片段可用的资源。`file_bytes` 为 0 时一个字节也不能写进文件。"""

    seconds: float = 20  # CPU 秒
    patience: float = 6  # 墙钟可以是 CPU 秒的几倍：机器忙时，同样的片段要等
    memory: int = 2048 * MIB
    output_bytes: int = 200_000
    file_bytes: int = 0
    program: bool = False  # 运行编译好的程序，而不是 Python 片段

    @property
    def wall(self) -> float:
        """墙钟时限，秒。"""
        return self.seconds * self.patience


def missing() -> list[str]:
    """这台机器缺的防护，每样一句话；构建时打印一次。"""
    if sys.platform != "linux":
        return [
            f"{sys.platform} 上片段只有资源上限与临时目录，文件与网络不设防：只运行信得过的片段"
        ]
    lines = []
    if not landlock.abi():
        lines.append("内核没有启用 Landlock：片段能读写文件，只运行信得过的片段")
    if not seccomp.available():
        lines.append("这种体系结构没有 seccomp 过滤器：片段能联网、开进程，只运行信得过的片段")
    return lines


@functools.cache  # 执行器启动时算一次，子进程继承：sysconfig 头一次要 0.1 秒
def libraries() -> tuple[Path, ...]:
    """可读的：解释器、库、这套工具、系统库、字体；家目录、/etc、别的进程都不在内。"""
    paths = sysconfig.get_paths()
    python = [paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    prefixes = [f"{prefix}/lib" for prefix in (sys.prefix, sys.base_prefix)]
    return (Path(__file__).parent, *map(Path, [*python, *prefixes, *_SYSTEM]))


def limit_resources(limits: Limits) -> None:
    """各系统通用的上限；先于其余各项，因为之后不许再改。"""
    wanted = {
        resource.RLIMIT_CPU: math.ceil(limits.wall) + 1,
        resource.RLIMIT_AS: limits.memory,
        resource.RLIMIT_FSIZE: limits.file_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 128,
    }
    if sys.platform != "linux":
        wanted[resource.RLIMIT_NPROC] = 1  # Linux 上由 seccomp 管：这个上限管不住 root
    for kind, value in wanted.items():
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # CPU 用满软上限来的是 SIGXCPU，报得出是超时；不理它的，由墙钟时限了结
        soft = math.ceil(limits.seconds) if kind == resource.RLIMIT_CPU else value
        resource.setrlimit(kind, (min(soft, value), value))


def enter(limits: Limits, snippets: Path, scratch: Path) -> None:
    """当前进程进入牢笼，不能再出来；只在分叉出的子进程里调用。"""
    os.chdir(scratch)
    os.environ.clear()
    limit_resources(limits)
    if sys.platform != "linux":
        return
    _die_with_parent()
    if landlock.abi():
        writable = [scratch] if limits.file_bytes else []
        landlock.restrict([snippets, *libraries()], writable)
    _drop_privileges()
    if seccomp.available():
        seccomp.restrict(seccomp.EXEC if limits.program else ())


def _die_with_parent() -> None:
    """执行器没了，片段也跟着没了。"""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) 失败")


def _drop_privileges() -> None:
    """root 卸去特权（改上限、挂载、改属主……），只留越过权限位的读。

    留它是因为项目可能属于别的用户；究竟读得到哪里，由 Landlock 管。
    """
    libc = ctypes.CDLL(None, use_errno=True)
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    data = ctypes.create_string_buffer(24)  # 两组（有效、许可、可继承）
    if libc.capget(header, data):
        raise OSError(ctypes.get_errno(), "capget 失败")
    permitted = struct.unpack("=6I", data.raw)[1] & _CAP_DAC_READ_SEARCH
    if libc.capset(header, struct.pack("=6I", permitted, permitted, 0, 0, 0, 0)):
        raise OSError(ctypes.get_errno(), "capset 失败")
