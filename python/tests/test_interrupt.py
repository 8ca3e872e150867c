"""Ctrl-C stops inserts and fetches soon and leaves nothing half-done; long work shows its progress on a terminal."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import textwrap
import time

import lapjoint as dj

PROLOGUE = """
import sys, numpy as np, lapjoint as dj
dj.config["database.backend"] = "sqlite"
dj.config["database.name"] = {folder!r} + "/database"
dj.config["stores"] = {{"default": "main", "main": {{"protocol": "file", "location": {folder!r} + "/store"}}}}
schema = dj.Schema("lab")

@schema
class Trace(dj.Manual):
    definition = "trace_id : int32\\n---\\nwave : {spec}"

trace = np.random.default_rng(0).normal(size=20_000)
rows = [{{"trace_id": i, "wave": trace + i}} for i in range({count})]
"""

INSERT = """
print("ready", flush=True)
try:
    Trace.insert(rows)
except KeyboardInterrupt:
    print("interrupted", len(Trace()), flush=True)
else:
    print("finished", flush=True)
"""

FETCH = """
Trace.insert(rows)
print("ready", flush=True)
try:
    while True:
        Trace.to_dicts()
except KeyboardInterrupt:
    print("interrupted", len(Trace()), flush=True)
"""


# What the whole insert takes on this machine, as busy as it is just now.
PACE = """
import time

pace = dj.Schema("pace")

@pace
class Pace(dj.Manual):
    definition = Trace.definition

started = time.monotonic()
Pace.insert(rows[: len(rows) // 20])
print("whole", 20 * (time.monotonic() - started), flush=True)
"""


def interrupted(tmp_path, spec, count, body):
    """Runs a script, interrupts it soon after it says that it is ready; what it printed, and how long it took to end.

    A script that first prints `whole` and how long all of its work takes must end sooner than that.
    """
    (tmp_path / "store").mkdir(exist_ok=True)
    script = textwrap.dedent(PROLOGUE).format(folder=str(tmp_path), spec=spec, count=count) + body
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    said = process.stdout.readline()
    whole = None
    if said.startswith("whole "):
        whole, said = float(said.split()[1]), process.stdout.readline()
    assert said == "ready\n"
    time.sleep(0.4)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    seconds = time.monotonic() - started
    assert whole is None or seconds < whole, f"it would have taken {whole} s"
    return output.strip(), seconds


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_an_insert_of_blobs_is_interrupted(tmp_path):
    output, seconds = interrupted(tmp_path, "<blob>", 2_000, INSERT)
    assert output == "interrupted 0"
    assert seconds < 1.0


def test_an_insert_of_objects_is_interrupted_and_leaves_no_object(tmp_path):
    output, _ = interrupted(tmp_path, "<npy@>", 8_000, PACE + INSERT)
    assert output == "interrupted 0"
    assert files(tmp_path / "store/_schema/pace") and files(tmp_path / "store/_schema/lab") == []


def test_a_fetch_is_interrupted(tmp_path):
    output, seconds = interrupted(tmp_path, "<blob>", 300, FETCH)
    assert output == "interrupted 300"
    assert seconds < 1.0


def test_progress_is_shown_on_a_terminal_only(tmp_path):
    (tmp_path / "store").mkdir()
    script = textwrap.dedent(PROLOGUE).format(folder=str(tmp_path), spec="<blob>", count=1500)
    script += "import lapjoint.progress\nlapjoint.progress.PATIENCE_SECONDS = 0\n"
    script += "Trace.insert(rows)\nTrace.to_dicts()\n"
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    process = subprocess.Popen([sys.executable, "-c", script], stdout=follower, stderr=follower)
    os.close(follower)
    shown = b""
    while True:
        try:
            shown += os.read(leader, 65536)
        except OSError:
            break
    assert process.wait() == 0
    assert re.search(rb"insert Trace.*row", shown), shown[-500:]
    silent = subprocess.run([sys.executable, "-c", script.replace("lab", "lab2")], capture_output=True, check=True)
    assert silent.stderr == b""


def test_signals_do_not_disturb_other_threads(schema):
    import threading

    @schema
    class Point(dj.Manual):
        definition = "x : int32\n---\ny : <blob>"

    threads = [
        threading.Thread(target=Point.insert, args=([{"x": 100 * n + i, "y": i} for i in range(100)],)) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Point()) == 800


def test_a_single_large_value_is_interrupted(tmp_path):
    body = """
    big = np.round(np.cumsum(np.random.default_rng(0).normal(size=60_000_000)), 2)
    print("ready", flush=True)
    try:
        Trace.insert1({"trace_id": 0, "wave": big})
    except KeyboardInterrupt:
        print("interrupted", len(Trace()), flush=True)
    """
    output, seconds = interrupted(tmp_path, "<blob>", 1, textwrap.dedent(body))
    assert output == "interrupted 0"
    assert seconds < 1.5
