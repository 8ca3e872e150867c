"""Servers of a test's own, which it may kill."""

import contextlib
import glob
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import lapjoint as dj


def _program(name):
    """Path of a program, also where Debian keeps those of PostgreSQL."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    return found or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None)


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Server:
    """A database server in a folder. It cannot run as root, and takes a user that exists."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.port = _free_port()
        self.process = None
        self.user = None
        if os.getuid() == 0:
            self.user = next(name for name in (*self.users, "nobody") if _exists(name))
            # The folders above belong to root alone.
            for parent in (self.folder, *self.folder.parents):
                if parent.stat().st_uid == 0 and parent != pathlib.Path("/"):
                    parent.chmod(parent.stat().st_mode | 0o011)
            self.folder.mkdir(exist_ok=True)
            shutil.chown(self.folder, self.user)
        self.create()
        self.start()

    def run(self, *command):
        subprocess.run(command, check=True, user=self.user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self):
        """Starts it, and waits until it answers."""
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                self.command(), user=self.user, stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )
        for _ in range(300):
            assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
            try:
                dj.Instance(database__url=self.url).connection.close()
                return
            except dj.DataJointError:
                time.sleep(0.1)
        raise AssertionError((self.folder / "log").read_text()[-2000:])

    def kill(self):
        """As a loss of power would: all of its processes at once."""
        if self.process.poll() is not None:
            return
        for pid in (self.process.pid, *_children(self.process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def _children(parent):
    """Processes that a process has started."""
    for stat in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = pathlib.Path(stat).read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent:
                yield int(stat.split("/")[2])


def _exists(user):
    import pwd

    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


class Postgres(Server):
    """PostgreSQL."""

    users = ("postgres",)
    available = bool(_program("initdb"))

    def create(self):
        self.run(_program("initdb"), "-D", str(self.folder / "data"), "-A", "trust", "-U", "postgres", "-E", "UTF8")

    def command(self):
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        return [
            _program("postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), "-k", str(self.folder),
            "-c", "listen_addresses=127.0.0.1",
        ]  # fmt: skip

    @property
    def url(self):
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres?tls=off"


class Mariadb(Server):
    """MariaDB."""

    users = ("mysql",)
    available = bool(_program("mariadbd") and _program("mariadb-install-db"))

    def create(self):
        self.run(
            _program("mariadb-install-db"), "--no-defaults", f"--datadir={self.folder / 'data'}",
            "--auth-root-authentication-method=normal", "--skip-test-db",
        )  # fmt: skip

    def command(self):
        return [
            _program("mariadbd"), "--no-defaults", f"--datadir={self.folder / 'data'}", f"--port={self.port}",
            f"--socket={self.folder / 'socket'}", "--bind-address=127.0.0.1", f"--pid-file={self.folder / 'pid'}",
        ]  # fmt: skip

    @property
    def url(self):
        return f"mysql://root@127.0.0.1:{self.port}?tls=off"
