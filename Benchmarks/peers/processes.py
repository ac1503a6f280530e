"""Starts the servers of a comparison, each with a port of its own, and ends them all."""

import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

# A program and its arguments, whatever they are written as.
Command = Sequence[object]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} did not come up in {seconds:.0f} s")
        time.sleep(0.02)


def output(command: Command, env: Mapping[str, str] | None = None) -> str:
    """What a command prints; its errors are shown when it fails."""
    result = subprocess.run(
        [str(part) for part in command], text=True, capture_output=True, env={**os.environ, **(env or {})}
    )
    if result.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {(result.stderr or result.stdout).strip()[-2000:]}")
    return result.stdout


class Server:
    """One process in a group of its own, so that its children end with it."""

    running: ClassVar[list["Server"]] = []

    def __init__(self, command: Command, env: Mapping[str, str] | None = None, log: Path | None = None) -> None:
        self.errors = open(log or os.devnull, "ab")
        self.process = subprocess.Popen(
            [str(part) for part in command],
            env={**os.environ, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=self.errors,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.running.append(self)

    @classmethod
    def stop_all(cls) -> None:
        for server in reversed(cls.running.copy()):
            server.stop()

    def first_line(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline().decode().strip()
        if not line:
            raise RuntimeError(f"{self.process.args!r} ended without a word")
        return line

    def memory(self) -> int:
        """Bytes of the process and its children; what they share is counted once."""
        return sum(proportional_bytes(pid) for pid in descendants(self.process.pid))

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        try:
            os.killpg(self.process.pid, how)
            self.process.wait(20)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        if self in self.running:
            self.running.remove(self)
        self.errors.close()
        if self.process.stdout:
            self.process.stdout.close()


def descendants(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += [int(child) for child in task.read_text().split()]
            except OSError:
                continue  # It ended while it was looked at.
    return found


def proportional_bytes(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # It has ended.
    return 0


def as_user(name: str, command: Command) -> Command:
    """Programs that refuse to run as root run as their own user there."""
    return ["runuser", "-u", name, "--", *command] if os.geteuid() == 0 else command


def give(path: Path, name: str) -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam(name)
        os.chown(path, user.pw_uid, user.pw_gid)
