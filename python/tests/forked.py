"""Children of a fork, which may hang where the parent had threads: the tests wait for them no longer than a while."""

import os
import time


def exit_code(child, seconds=60):
    """The exit code of a child; one that hangs is killed, and an error."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.kill(child, 9)
    os.waitpid(child, 0)
    raise AssertionError(f"the child hangs after {seconds} s")
