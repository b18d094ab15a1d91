"""牢笼：真的去联网、读家目录、写文件、开进程、占内存、不结束，看内核拦不拦得住。"""

import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pyseccomp
import pytest
from handbook import landlock, sandbox, seccomp
from handbook.context import Ran
from handbook.pool import Pool, Worker
from handbook.sandbox import MIB, Limits
from handbook.verdict import Failure, judge
from handbook.worker import Task

linux = pytest.mark.skipif(sys.platform != "linux", reason="macOS 的内核没有 Landlock 与 seccomp")

Attempt = Callable[..., Ran | Failure]


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    with pytest.MonkeyPatch.context() as patch, Pool(tmp_path_factory.mktemp("cache"), 1) as pool:
        patch.setenv("HANDBOOK_TEST_SECRET", "hunter2")
        yield pool


@pytest.fixture
def attempt(pool: Pool, tmp_path: Path) -> Iterator[Attempt]:
    """运行一段代码；之后执行器还在，并且没有留下子进程。"""

    def run(code: str, **limits: float) -> Ran | Failure:
        path = tmp_path / "snippets" / "demo" / "attempt.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(code), "utf-8")
        shown = "snippets/demo/attempt.py"
        task = Task(str(path), shown, str(tmp_path / "snippets"), Limits(**limits))
        return judge(pool.run(task), task)

    yield run
    worker = pool.workers[0]
    assert psutil.pid_exists(worker.pid)
    assert psutil.Process(worker.pid).children(recursive=True) == []
    assert run("print('还能干活')") == Ran("还能干活\n", {})


def failure(result: Ran | Failure) -> Failure:
    assert isinstance(result, Failure), result
    return result


def output(result: Ran | Failure) -> str:
    assert isinstance(result, Ran), result
    return result.output


def read(path: Path) -> str:
    return f"from pathlib import Path\nprint(Path({str(path)!r}).read_text('utf-8'))"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "home" / ".ssh" / "id"
    path.parent.mkdir(parents=True)
    path.write_text("私钥", "utf-8")
    return path


def test_this_machine_has_every_protection() -> None:
    """CI 与开发机上缺了防护，应当在这里红，而不是悄悄不设防。"""
    if sys.platform == "linux":
        assert sandbox.missing() == []
    else:
        assert "不设防" in sandbox.missing()[0]


@linux
class TestNetwork:
    def test_connecting_is_refused(self, attempt: Attempt) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            socket.create_connection(("127.0.0.1", port)).close()  # 不在牢笼里就连得上
            bad = failure(
                attempt(
                    f"""
                    import socket
                    socket.create_connection(("127.0.0.1", {port}))
                    """
                )
            )
        assert bad.line == 3
        assert "PermissionError" in bad.message and "不许联网" in bad.message
        assert "snippets/demo/attempt.py" in bad.detail

    @pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX"])
    def test_every_family(self, attempt: Attempt, family: str) -> None:
        bad = failure(attempt(f"import socket\nsocket.socket(socket.{family})"))
        assert bad.line == 2 and "PermissionError" in bad.message

    def test_through_ctypes(self, attempt: Attempt) -> None:
        code = """
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            print(libc.socket(2, 1, 0), ctypes.get_errno())
            """
        assert output(attempt(code)) == "-1 1\n"

    def test_io_uring_cannot_replace_sockets(self, attempt: Attempt) -> None:
        code = """
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            print(libc.syscall(425, 8, ctypes.create_string_buffer(120)), ctypes.get_errno())
            """
        assert output(attempt(code)) == "-1 1\n"


@linux
class TestReading:
    def test_a_secret_outside(self, attempt: Attempt, secret: Path) -> None:
        bad = failure(attempt(read(secret)))
        assert bad.line == 2 and "PermissionError" in bad.message
        assert "私钥" not in str(bad)

    def test_the_same_file_inside_is_readable(self, attempt: Attempt, tmp_path: Path) -> None:
        """上一条拦住它的确是牢笼，而不是别的缘故。"""
        inside = tmp_path / "snippets" / "data.txt"
        inside.parent.mkdir()
        inside.write_text("公开", "utf-8")
        assert output(attempt(read(inside))) == "公开\n"

    @pytest.mark.parametrize("folder", [str(Path.home()), "/", "/etc", "/tmp", "/proc/1"])
    def test_listing(self, attempt: Attempt, folder: str) -> None:
        assert "PermissionError" in failure(attempt(f"import os\nos.listdir({folder!r})")).message

    def test_through_ctypes(self, attempt: Attempt, secret: Path) -> None:
        code = f"""
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            print(libc.open({os.fsencode(secret)!r}, 0), ctypes.get_errno())
            """
        assert output(attempt(code)) == "-1 13\n"

    def test_through_a_subprocess(self, attempt: Attempt, secret: Path) -> None:
        bad = failure(
            attempt(f"import subprocess\nprint(subprocess.run(['/bin/cat', {str(secret)!r}]))")
        )
        assert bad.line == 2 and "PermissionError" in bad.message

    def test_through_a_link(self, attempt: Attempt, tmp_path: Path, secret: Path) -> None:
        link = tmp_path / "snippets" / "link"
        link.parent.mkdir()
        link.symlink_to(secret)
        assert "PermissionError" in failure(attempt(f"open({str(link)!r})")).message

    def test_environment_of_the_build(self, attempt: Attempt) -> None:
        """构建进程与执行器的环境变量里可能有口令。"""
        bad = failure(attempt(f"open('/proc/{os.getpid()}/environ')"))
        assert "PermissionError" in bad.message
        assert failure(attempt("import os\nopen(f'/proc/{os.getppid()}/environ')")).line == 2
        code = """
            import os
            from pathlib import Path
            print(dict(os.environ), "hunter2" in Path("/proc/self/environ").read_text())
            """
        assert output(attempt(code)) == "{} False\n"


@linux
class TestWriting:
    ACTIONS = (
        "open({path!r}, 'w')",
        "open({path!r}, 'a')",
        "import os; os.truncate({path!r}, 0)",
        "import os; os.remove({path!r})",
        "import os; os.rename({path!r}, {path!r} + '2')",
        "import os; os.link({path!r}, {path!r} + '2')",
        "import os; os.symlink({path!r}, {path!r} + '2')",
        "import os; os.mkdir({path!r} + '2')",
        "import os; os.mkfifo({path!r} + '2')",
        "import os; os.chmod({path!r}, 0o777)",
        "import os; os.chown({path!r}, -1, os.getgid())",
        "import os; os.utime({path!r}, (1, 1))",
        "import os; os.setxattr({path!r}, 'user.x', b'1')",
    )

    @pytest.mark.parametrize("action", ACTIONS)
    @pytest.mark.parametrize("place", ["snippets", "elsewhere"])
    def test_nothing_changes(
        self, attempt: Attempt, tmp_path: Path, action: str, place: str
    ) -> None:
        path = tmp_path / place / "victim.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("原样", "utf-8")
        before = path.stat()
        bad = failure(attempt(action.format(path=str(path))))
        assert "PermissionError" in bad.message
        assert path.read_text("utf-8") == "原样"
        after = path.stat()
        assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)
        assert [p.name for p in path.parent.iterdir() if p.name.startswith("victim")] == [path.name]

    def test_the_disk_cannot_be_filled(self, attempt: Attempt) -> None:
        """缺省连临时目录也不能写；放开时每个文件有上限。"""
        code = """
            with open("big", "wb") as file:
                while True:
                    file.write(bytes(1 << 16))
                    file.flush()
            """
        assert "PermissionError" in failure(attempt(code)).message
        bad = failure(attempt(code, file_bytes=1 * MIB))
        assert bad.line == 4 and "OSError" in bad.message and "too large" in bad.message

    def test_allowed_writes_stay_in_the_scratch_folder(self, attempt: Attempt) -> None:
        code = """
            from pathlib import Path
            Path("small").write_text("1")
            print(Path("small").read_text(), Path.cwd())
            """
        written, folder = output(attempt(code, file_bytes=1 * MIB)).split()
        assert written == "1"
        assert not Path(folder).exists()
        bad = failure(attempt("open('/tmp/handbook-escape', 'w')", file_bytes=1 * MIB))
        assert "PermissionError" in bad.message


@linux
class TestProcesses:
    def test_fork_bomb(self, attempt: Attempt) -> None:
        bad = failure(attempt("import os\nwhile True:\n    os.fork()"))
        assert bad.line == 3 and "PermissionError" in bad.message

    def test_fork_through_ctypes(self, attempt: Attempt) -> None:
        code = """
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            for call in (libc.fork, libc.vfork):
                print(call(), ctypes.get_errno())
            """
        assert output(attempt(code)) == "-1 1\n-1 1\n"

    def test_raw_clone(self, attempt: Attempt) -> None:
        """不是线程的 clone 被拒绝；clone3 说没有这个调用，C 库便退回 clone。"""
        clone = seccomp.SYSCALLS["clone"][0 if os.uname().machine == "x86_64" else 1]
        code = f"""
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            print(libc.syscall({clone}, 17, 0, 0, 0, 0), ctypes.get_errno())
            print(libc.syscall(435, ctypes.create_string_buffer(88), 88), ctypes.get_errno())
            """
        assert output(attempt(code)) == "-1 1\n-1 38\n"

    def test_threads_are_welcome(self, attempt: Attempt) -> None:
        code = """
            from concurrent.futures import ThreadPoolExecutor
            with ThreadPoolExecutor(4) as pool:
                print(sum(pool.map(lambda n: n * n, range(10))))
            """
        assert output(attempt(code)) == "285\n"

    def test_replacing_itself(self, attempt: Attempt) -> None:
        assert failure(attempt("import os\nos.execv('/bin/true', ['true'])")).line == 2

    @pytest.mark.parametrize(
        "target",
        ["os.getppid()", "0", "-1", str(os.getpid())],
        ids=["parent", "group", "all", "tests"],
    )
    def test_killing_others(self, attempt: Attempt, target: str) -> None:
        bad = failure(attempt(f"import os\nos.kill({target}, 9)"))
        assert bad.line == 2 and "PermissionError" in bad.message

    def test_leaving_the_group(self, attempt: Attempt) -> None:
        assert failure(attempt("import os\nos.setsid()")).line == 2

    @pytest.mark.parametrize("call", ["ptrace(16, 1, 0, 0)", "mount(b'a', b'/', b'tmpfs', 0, 0)"])
    def test_ptrace_and_mount(self, attempt: Attempt, call: str) -> None:
        code = f"""
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            print(libc.{call}, ctypes.get_errno())
            """
        assert output(attempt(code)) == "-1 1\n"

    def test_no_capability_is_left_but_reading(self, attempt: Attempt) -> None:
        code = """
            from pathlib import Path
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith(("CapEff", "NoNewPrivs")):
                    print(int(line.split()[1], 16) & ~0b100)
            """
        assert output(attempt(code)) == "0\n1\n"


class TestLimits:
    def test_endless_loop(self, attempt: Attempt) -> None:
        assert "超过 1 秒" in failure(attempt("while True: pass", seconds=1)).message

    def test_sleeping(self, attempt: Attempt) -> None:
        code = "import threading\nthreading.Event().wait()"
        assert "超过 0.5 秒" in failure(attempt(code, seconds=0.5)).message

    def test_hanging_after_closing_everything(self, attempt: Attempt) -> None:
        code = "import os, threading\nos.closerange(0, 100)\nthreading.Event().wait()"
        assert "超过 0.5 秒" in failure(attempt(code, seconds=0.5)).message

    def test_ignoring_signals(self, attempt: Attempt) -> None:
        code = """
            import signal
            for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
                signal.signal(number, signal.SIG_IGN)
            while True:
                pass
            """
        assert "超过 1 秒" in failure(attempt(code, seconds=1)).message

    def test_endless_output(self, attempt: Attempt) -> None:
        bad = failure(attempt("while True: print('x' * 1000)", output_bytes=5000))
        assert "输出超过 5000 字节" in bad.message
        bad = failure(attempt("import os\nwhile True: os.write(2, b'x' * 1000)", output_bytes=5000))
        assert "输出超过 5000 字节" in bad.message

    @linux
    @pytest.mark.parametrize(
        "code",
        [
            "import numpy as np\nx = np.ones(1 << 30)",
            "x = []\nwhile True: x.append(bytearray(1 << 20))",
            "x = 'x'\nwhile True: x += x",
        ],
    )
    def test_memory(self, attempt: Attempt, code: str) -> None:
        bad = failure(attempt(code, memory=1024 * MIB))
        assert "内存超过 1024 MiB" in bad.message and bad.line == 2

    @linux
    def test_memory_outside_python(self, attempt: Attempt) -> None:
        """mmap、memfd、共享内存都算在内，或者不给。"""
        code = """
            import ctypes, mmap, os
            try:
                mmap.mmap(-1, 3 << 30)
            except OSError as error:
                print(error.strerror)
            libc = ctypes.CDLL(None, use_errno=True)
            print(libc.memfd_create(b"x", 0), libc.shmget(0, 1 << 20, 0o1600))
            """
        assert output(attempt(code)) == "Cannot allocate memory\n-1 -1\n"

    @linux
    def test_limits_cannot_be_raised(self, attempt: Attempt) -> None:
        code = """
            import resource
            limit = resource.getrlimit(resource.RLIMIT_AS)[0]
            print(limit >> 20)
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            """
        assert failure(attempt(code)).line == 5

    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ("import ctypes\nctypes.string_at(0)", "进程崩溃（SIGSEGV）"),
            ("import os\nos.abort()", "进程崩溃（SIGABRT）"),
            ("import os\nos._exit(0)", "没有跑完就退出了"),
            ("import os\nos._exit(3)", "退出码是 3"),
            ("raise SystemExit", "SystemExit"),
            ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ],
    )
    def test_crashes(self, attempt: Attempt, code: str, message: str) -> None:
        assert message in failure(attempt(code)).message

    def test_input_is_empty(self, attempt: Attempt) -> None:
        assert failure(attempt("input()")).message.startswith("EOFError")


class TestOrphans:
    """构建进程或执行器被杀，正在跑的片段跟着没了。"""

    def start(self, tmp_path: Path) -> tuple[Worker, psutil.Process]:
        path = tmp_path / "sleeper.py"
        path.write_text("import threading\nthreading.Event().wait()\n", "utf-8")
        worker = Worker(tmp_path / "cache")
        worker.send(Task(str(path), "sleeper.py", str(tmp_path), Limits(seconds=600)))
        while not (children := psutil.Process(worker.pid).children()):
            assert psutil.pid_exists(worker.pid)
        return worker, children[0]

    def test_the_build_ends(self, tmp_path: Path) -> None:
        worker, child = self.start(tmp_path)
        worker.close()
        assert psutil.wait_procs([child], timeout=30)[1] == []

    @linux
    def test_the_worker_is_killed(self, tmp_path: Path) -> None:
        worker, child = self.start(tmp_path)
        psutil.Process(worker.pid).kill()
        assert psutil.wait_procs([child], timeout=30)[1] == []
        worker.close()


@pytest.mark.parametrize(("column", "arch"), [(0, "X86_64"), (1, "AARCH64")])
def test_syscall_numbers_equal_libseccomp(column: int, arch: str) -> None:
    for name, numbers in seccomp.SYSCALLS.items():
        real = pyseccomp.resolve_syscall(getattr(pyseccomp.Arch, arch), name)
        assert numbers[column] == (real if real >= 0 else None), name


@linux
@pytest.mark.parametrize("version", range(1, landlock.abi() + 1))
def test_older_kernels_are_asked_only_what_they_know(tmp_path: Path, version: int) -> None:
    """内核按声明的结构大小与位数校验：少报一版照样生效，多报一位就被拒绝。"""
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "a").write_text("1")
    (tmp_path / "outside").write_text("2")
    code = f"""
from pathlib import Path
from handbook import landlock
landlock.abi = lambda: {version}
root = Path({str(tmp_path)!r})
landlock.restrict([root / "inside"], [])
print((root / "inside" / "a").read_text())
for action in (lambda: (root / "outside").read_text(), lambda: (root / "b").write_text("3")):
    try:
        action()
    except PermissionError:
        print("不许")
"""
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.stderr == ""
    assert done.stdout == "1\n不许\n不许\n"
