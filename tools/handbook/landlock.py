"""Linux 的 Landlock：本进程（及其后代）只能读列出的路径，只能写列出的目录，不能再放宽。

PyPI 上没有仍在维护的包，故用 ctypes 直接发系统调用；三个调用号各体系结构相同。
内核一版比一版多管几样操作（ABI），故先问版本，再只声明内核认识的。手册：man 7 landlock，https://docs.kernel.org/userspace-api/landlock.html
"""

import ctypes
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_QUERY_VERSION = 1
_RULE_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_FILE_ONLY = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
READ = _EXECUTE | _READ_FILE | _READ_DIR

# ABI → 该版内核管得到的全部文件操作（位数）；2 加了跨目录改名，3 加了截断，5 加了设备的 ioctl
_FS_BITS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NET_TCP = 0b11  # ABI 4 起：绑定、连接 TCP
_SCOPED = 0b11  # ABI 6 起：抽象 UNIX 套接字、向外发信号
_NEWEST_KNOWN = 6


class _RulesetAttr(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneathAttr(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def _syscall(number: int, *arguments: object) -> int:
    result = int(_libc().syscall(number, *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    return libc


def abi() -> int:
    """内核支持的 Landlock 版本；没有编入、没有启用、不是 Linux 时为 0。"""
    if sys.platform != "linux":
        return 0
    try:
        return _syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_QUERY_VERSION))
    except OSError:  # ENOSYS：没有编入；EOPNOTSUPP：启动时没有启用
        return 0


def restrict(readable: Iterable[Path], writable: Iterable[Path]) -> None:
    """从此只能读 `readable` 之下、读写 `writable` 之下；不存在的路径略过。

    内核没有 Landlock 时抛 OSError。
    """
    version = min(abi(), _NEWEST_KNOWN)
    if version < 1:
        raise OSError("这台机器的内核没有启用 Landlock")
    everything = (1 << _FS_BITS[min(version, max(_FS_BITS))]) - 1
    attr = _RulesetAttr(everything, _NET_TCP if version >= 4 else 0, _SCOPED if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24  # 旧内核不认后面的字段
    ruleset = _syscall(
        _CREATE_RULESET, ctypes.byref(attr), ctypes.c_size_t(size), ctypes.c_uint32(0)
    )
    try:
        for path in readable:
            _allow(ruleset, path, READ & everything)
        for path in writable:
            _allow(ruleset, path, everything)
        if _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS) 失败")
        _syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, access: int) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(folder).st_mode):
            access &= _FILE_ONLY  # 内核拒绝对文件声明目录的操作
        rule = _PathBeneathAttr(access, folder)
        _syscall(
            _ADD_RULE,
            ctypes.c_int(ruleset),
            ctypes.c_int(_RULE_PATH_BENEATH),
            ctypes.byref(rule),
            ctypes.c_uint32(0),
        )
    finally:
        os.close(folder)
