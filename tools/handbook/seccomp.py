"""Linux 的 seccomp：本进程从此不能联网、开进程、向别的进程发信号、挂载、改权限。

过滤器是一小段 BPF，直接经 prctl 装上，所以不需要系统里有 libseccomp；调用号由测试与它的表核对。
默认放行，只拒绝下列各项：片段要用的库太多，列白名单会随库与内核的版本失效。文件由 Landlock 管，
它管不到的（chmod、chown、utime、扩展属性、按路径截断）在这里拒绝。手册：man 2 seccomp
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable

# 名称 → 调用号（x86_64，aarch64）；None 表示该体系结构没有
SYSCALLS: dict[str, tuple[int | None, int | None]] = {
    # 网络；io_uring 能绕过过滤器做同样的事
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200),
    "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242), "sendto": (44, 206),
    "sendmsg": (46, 211), "sendmmsg": (307, 269), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    # 进程：线程可以，进程不可以（clone 另判）
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281),
    "setpgid": (109, 154), "setsid": (112, 157), "unshare": (272, 97), "setns": (308, 268),
    # 别的进程
    "kill": (62, 129), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "process_madvise": (440, 440),
    # 文件系统
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "open_by_handle_at": (304, 265), "truncate": (76, 45),
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    # 不计入内存上限的内存，进程之间的通道
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194),
    "shmat": (30, 196), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
    # 内核与整机；上限不许再改（prlimit64 另判）
    "setrlimit": (160, 164), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "add_key": (248, 217), "request_key": (249, 218),
    "keyctl": (250, 219), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "kexec_load": (246, 104), "kexec_file_load": (320, 294),
    "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266),
    "adjtimex": (159, 171), "sethostname": (170, 161), "setdomainname": (171, 162),
    "syslog": (103, 116), "personality": (135, 92), "modify_ldt": (154, None),
    # 看参数的
    "clone": (56, 220), "clone3": (435, 435), "prlimit64": (302, 261), "tgkill": (234, 131),
}  # fmt: skip
EXEC = frozenset({"execve", "execveat"})
_BY_ARGUMENT = frozenset({"clone", "clone3", "prlimit64", "tgkill"})
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # 列号，AUDIT_ARCH_*

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH = 0, 4  # struct seccomp_data 里的偏移
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_DENY = _ERRNO | errno.EPERM
_X32 = 0x40000000  # x86_64 上 x32 的调用号从这里起，一律拒绝
_CLONE_THREAD = 0x00010000
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2

_Op = tuple[int, int, int, int]  # 操作码，真则跳过几条，假则跳过几条，常数


def available() -> bool:
    """本机的体系结构有没有过滤器。"""
    return sys.platform == "linux" and platform.machine() in _MACHINES


def program(machine: str, pid: int, allowed: Iterable[str] = ()) -> list[_Op]:
    """过滤器；`pid` 是唯一可以用 tgkill 发信号的进程，即自己（abort 要用）。"""
    column, arch = _MACHINES[machine]
    number = {name: pair[column] for name, pair in SYSCALLS.items()}
    ops: list[_Op] = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, arch),
        (_RETURN, 0, 0, _KILL),  # 换一种体系结构的调用约定，调用号就对不上了
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _DENY),
    ]
    for name, value in number.items():
        if value is not None and name not in _BY_ARGUMENT and name not in allowed:
            ops += _when(value, [(_RETURN, 0, 0, _DENY)])
    # clone3 的标志在内存里，过滤器看不见；报「没有这个调用」，C 库便改用 clone
    ops += _when(number["clone3"], [(_RETURN, 0, 0, _ERRNO | errno.ENOSYS)])
    verdict: list[_Op] = [(_RETURN, 0, 0, _DENY), (_RETURN, 0, 0, _ALLOW)]
    ops += _when(number["clone"], [_argument(0), (_ANY_BIT, 1, 0, _CLONE_THREAD), *verdict])
    ops += _when(number["tgkill"], [_argument(0), (_EQUAL, 1, 0, pid), *verdict])
    # prlimit64 的第三个参数是新的上限，空指针表示只读
    no_change: list[_Op] = [_argument(2), (_EQUAL, 0, 2, 0), _argument(2, 4), (_EQUAL, 1, 0, 0)]
    ops += _when(number["prlimit64"], [*no_change, *verdict])
    return [*ops, (_RETURN, 0, 0, _ALLOW)]


def _when(number: int | None, then: list[_Op]) -> list[_Op]:
    """调用号相等才执行 `then`，否则跳过；`then` 总以返回结束。"""
    assert number is not None
    return [(_EQUAL, 0, len(then), number), *then]


def _argument(index: int, half: int = 0) -> _Op:
    return (_LOAD, 0, 0, 16 + 8 * index + half)  # 两种体系结构都是小端：低半在前


def restrict(allowed: Iterable[str] = ()) -> None:
    """装上过滤器，不能再卸；`allowed` 里的调用名放行。"""
    ops = program(platform.machine(), os.getpid(), allowed)
    code = b"".join(struct.pack("=HBBI", *op) for op in ops)
    buffer = ctypes.create_string_buffer(code, len(code))
    filters = struct.pack("@HP", len(ops), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    for call in (
        (_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (_PR_SET_SECCOMP, _MODE_FILTER, ctypes.c_char_p(filters), 0, 0),
    ):
        if libc.prctl(*call):
            raise OSError(ctypes.get_errno(), f"prctl({call[0]}) 失败：装不上 seccomp 过滤器")
