"""A command run by ``process_group.run`` leaves nothing behind, whatever is killed. Real processes only."""

from __future__ import annotations

import itertools
import os
import signal
import statistics
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from integrations.process_group import Finished, kill_marked, run

ENV = {"PATH": "/usr/bin:/bin"}
GRACE = 0.6
ESCAPING = """
    import os, subprocess, sys, time
    # one child in a session of its own, and one that also loses its parent
    subprocess.Popen(["sleep", "300"], start_new_session=True)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", "301"])
        os._exit(0)
    print("escaped", flush=True)
    {then}
"""


@pytest.fixture
def marker(request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"test-{os.getpid()}-{request.node.name}"
    yield name
    kill_marked(name)


def python(source: str) -> list[str]:
    return [sys.executable, "-u", "-c", textwrap.dedent(source)]


def marked(marker: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("STAGEGATE_JOB") == marker and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def running(argv: list[str]) -> list[int]:
    return [process.pid for process in psutil.process_iter(["cmdline"]) if process.info["cmdline"] == argv]


def wait_until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def run_lines(argv: list[str], tmp_path: Path, **options: object) -> tuple[Finished, list[str]]:
    lines: list[str] = []
    options.setdefault("on_line", lines.append)
    options.setdefault("grace", GRACE)
    return run(argv, cwd=tmp_path, env=ENV, **options), lines  # type: ignore[arg-type]


def test_output_and_errors_arrive_as_lines_and_the_return_code_is_the_commands(tmp_path: Path) -> None:
    finished, lines = run_lines(["sh", "-c", "echo one; echo two >&2; pwd; exit 3"], tmp_path)
    assert lines == ["one", "two", str(tmp_path)]
    assert (finished.returncode, finished.cancelled, finished.timed_out) == (3, False, False)
    assert 0 < finished.seconds < 10


def test_death_by_a_signal_is_a_negative_return_code(tmp_path: Path) -> None:
    assert run_lines(["sh", "-c", "kill -SEGV $$"], tmp_path)[0].returncode == -signal.SIGSEGV


def test_a_command_that_kills_its_own_group_is_reported_as_killed(tmp_path: Path) -> None:
    assert run_lines(["sh", "-c", "kill -9 0"], tmp_path)[0].returncode == -signal.SIGKILL


def test_a_missing_program_gives_127_and_a_reason(tmp_path: Path) -> None:
    finished, lines = run_lines(["no-such-program"], tmp_path)
    assert finished.returncode == 127
    assert "no-such-program" in lines[0]


def test_a_missing_directory_gives_a_reason(tmp_path: Path) -> None:
    finished, lines = run_lines(["true"], tmp_path / "absent")
    assert finished.returncode == 127
    assert "absent" in lines[0]


def test_the_environment_is_exactly_the_given_one_and_the_marker(
    tmp_path: Path, marker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_WORKER", "x")
    env = {"PATH": "/usr/bin:/bin", "EMPTY": "", "LC_ALL": "C", "WORD": "värde \udcff"}
    lines: list[str] = []
    run(["env", "-0"], cwd=tmp_path, env=env, on_line=lines.append, marker=marker)
    assert set(lines[0].split("\ufffd")) >= {"EMPTY=", "LC_ALL=C", f"STAGEGATE_JOB={marker}"}
    stored = tmp_path / "environment"
    run(["env", "-0"], cwd=tmp_path, env=env, on_line=lines.append, marker=marker, stdout_to=stored)
    entries = sorted(entry for entry in stored.read_bytes().split(b"\0") if entry)
    expected = [*(f"{name}={value}" for name, value in env.items()), f"STAGEGATE_JOB={marker}"]
    assert entries == sorted(os.fsencode(entry) for entry in expected)


def test_standard_output_can_go_to_a_file_while_errors_are_lines(tmp_path: Path) -> None:
    target = tmp_path / "out"
    finished, lines = run_lines(["sh", "-c", "printf '{}'; echo warn >&2"], tmp_path, stdout_to=target)
    assert finished.returncode == 0
    assert target.read_text() == "{}"
    assert lines == ["warn"]


def _has(mask_line: str, number: int) -> bool:
    return bool(int(mask_line.split()[1], 16) >> (number - 1) & 1)


def test_the_command_reads_end_of_file_and_has_default_signals(tmp_path: Path) -> None:
    source = """
        import signal, sys
        print(repr(sys.stdin.read()), signal.pthread_sigmask(signal.SIG_BLOCK, []))
        print(open("/proc/self/status").read())
    """
    # As it is in a worker that a shell started in the background.
    before = signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    try:
        lines = run_lines(python(source), tmp_path)[1]
    finally:
        signal.signal(signal.SIGQUIT, before)
    assert lines[0] == "'' set()"
    ignored = next(line for line in lines if line.startswith("SigIgn:"))
    # The two that Python itself ignores, and those that glibc keeps for itself (32 and 33): no program can
    # set these, so they stay as whoever started the tests left them.
    own = {signal.SIGPIPE, signal.SIGXFSZ}
    assert [number for number in signal.valid_signals() - own if _has(ignored, number)] == []


def test_a_child_that_ignores_term_is_gone_after_the_grace(tmp_path: Path, marker: str) -> None:
    source = """
        import signal, time
        signal.signal(signal.SIGTERM, lambda *_: print("no", flush=True))
        print("ready", flush=True)
        while True:
            time.sleep(1)
    """
    lines: list[str] = []
    started = time.monotonic()
    finished, _ = run_lines(
        python(source), tmp_path, marker=marker, on_line=lines.append, should_stop=lambda: "ready" in lines
    )
    assert lines == ["ready", "no"]
    assert finished.cancelled
    assert finished.returncode == -signal.SIGKILL
    assert finished.seconds >= GRACE
    assert time.monotonic() - started < GRACE + 3
    assert marked(marker) == []


def test_a_polite_child_ends_by_itself_within_the_grace(tmp_path: Path) -> None:
    source = """
        import signal, sys, time
        def leave(*_):
            time.sleep(0.2)
            print("saved", flush=True)
            sys.exit(5)
        signal.signal(signal.SIGTERM, leave)
        print("ready", flush=True)
        time.sleep(60)
    """
    lines: list[str] = []
    finished, _ = run_lines(
        python(source), tmp_path, grace=20.0, on_line=lines.append, should_stop=lambda: "ready" in lines
    )
    assert lines == ["ready", "saved"]
    assert finished.returncode == 5
    assert finished.seconds < 5


def test_a_stopped_process_is_killed_too(tmp_path: Path, marker: str) -> None:
    lines: list[str] = []
    finished, _ = run_lines(
        ["sh", "-c", "echo ready; kill -STOP $$"],
        tmp_path,
        marker=marker,
        on_line=lines.append,
        should_stop=lambda: bool(lines),
    )
    assert finished.cancelled
    assert marked(marker) == []


def test_a_silent_process_can_be_cancelled(tmp_path: Path, marker: str) -> None:
    asked: list[float] = []

    def should_stop() -> bool:
        asked.append(time.monotonic())
        return len(asked) == 4

    finished, lines = run_lines(["sleep", "300"], tmp_path, marker=marker, should_stop=should_stop)
    assert finished.cancelled
    assert finished.seconds < 6
    assert lines == []
    pauses = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert statistics.median(pauses) <= 1.0  # a busy machine may stall once
    assert marked(marker) == []


def test_a_flood_of_output_does_not_keep_a_cancel_from_working(tmp_path: Path) -> None:
    started = time.monotonic()
    finished, _ = run_lines(
        ["yes"], tmp_path, on_line=lambda _: None, should_stop=lambda: time.monotonic() > started + 1
    )
    assert finished.cancelled
    assert finished.seconds < 6


def test_the_time_limit_stops_the_command(tmp_path: Path, marker: str) -> None:
    finished, _ = run_lines(["sleep", "300"], tmp_path, marker=marker, time_limit=0.7)
    assert finished.timed_out
    assert not finished.cancelled
    assert finished.returncode == -signal.SIGTERM
    assert 0.7 <= finished.seconds < 4
    assert marked(marker) == []


@pytest.mark.parametrize(
    ("then", "cancel"), [("time.sleep(300)", True), ("sys.exit(0)", False)], ids=["cancelled", "ended"]
)
def test_grandchildren_that_leave_the_session_do_not_survive(
    tmp_path: Path, marker: str, then: str, cancel: bool
) -> None:
    lines: list[str] = []
    finished, _ = run_lines(
        python(ESCAPING.replace("{then}", then)),
        tmp_path,
        marker=marker,
        on_line=lines.append,
        time_limit=20.0,
        # launcher, command and both escaped processes are there before the cancel
        should_stop=lambda: cancel and bool(lines) and len(marked(marker)) >= 4,
    )
    assert lines == ["escaped"]
    assert finished.cancelled == cancel
    assert not finished.timed_out
    assert marked(marker) == []


def test_a_process_without_the_marker_in_a_session_of_its_own_does_not_survive(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    run_lines(["sh", "-c", f"setsid env -i sleep 302 & echo $! > {note}; sleep 0.3"], tmp_path)
    assert not psutil.pid_exists(int(note.read_text()))


def test_nothing_survives_when_the_launcher_itself_is_killed(tmp_path: Path, marker: str) -> None:
    lines: list[str] = []
    killed: list[int] = []
    before = set(psutil.Process().children())  # other tests of this process may have left a browser open

    def kill_launcher() -> bool:
        if lines and not killed:
            (launcher,) = set(psutil.Process().children()) - before
            killed.append(launcher.pid)
            launcher.kill()
        return False

    finished, _ = run_lines(
        python(ESCAPING.replace("{then}", "subprocess.run(['env', '-i', 'sleep', '303'])")),
        tmp_path,
        marker=marker,
        on_line=lines.append,
        should_stop=kill_launcher,
    )
    assert killed
    assert finished.returncode == -signal.SIGKILL
    assert finished.seconds < 10
    assert marked(marker) == []
    assert running(["sleep", "303"]) == []


CALLER = """
    import sys
    from pathlib import Path
    from integrations.process_group import run
    run({argv!r}, cwd=Path("/"), env={env!r}, on_line=lambda line: print(line, flush=True),
        marker={marker!r}, grace=60.0)
"""


def test_sigkill_of_the_calling_process_ends_everything_at_once(tmp_path: Path, marker: str) -> None:
    source = ESCAPING.replace("{then}", "import signal; signal.signal(15, signal.SIG_IGN); time.sleep(300)")
    script = textwrap.dedent(CALLER).format(argv=python(source), env=ENV, marker=marker)
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True
    ) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == "escaped\n"
        wait_until(lambda: len(marked(marker)) >= 4)
        caller.kill()
        killed_at = time.monotonic()
        wait_until(lambda: not marked(marker), seconds=5)
        assert time.monotonic() - killed_at < 5


def test_an_exception_in_the_line_callback_ends_the_command_and_is_raised(
    tmp_path: Path, marker: str
) -> None:
    def refuse(line: str) -> None:
        raise LookupError(line)

    started = time.monotonic()
    with pytest.raises(LookupError, match="first"):
        run_lines(
            ["sh", "-c", "trap '' TERM; echo first; sleep 300"], tmp_path, on_line=refuse, marker=marker
        )
    assert time.monotonic() - started < 5
    assert marked(marker) == []


def test_no_zombie_and_no_descriptor_is_left_in_the_caller(tmp_path: Path) -> None:
    me = psutil.Process()
    before = me.num_fds()
    for _ in range(3):
        run_lines(["sh", "-c", "sleep 0.01 & echo hi"], tmp_path)
    assert me.num_fds() == before
    assert [child for child in me.children() if child.status() == psutil.STATUS_ZOMBIE] == []


def test_on_start_receives_the_process_group_of_the_command(tmp_path: Path) -> None:
    groups: list[int] = []
    lines = run_lines(
        ["sh", "-c", "ps -o pgid= -p $$ || cat /proc/$$/stat"], tmp_path, on_start=groups.append
    )[1]
    assert str(groups[0]) in lines[0].split()


def test_kill_marked_kills_exactly_the_marked_ones_and_says_how_many(marker: str) -> None:
    def sleeper(value: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["sleep", "300"], env={"STAGEGATE_JOB": value, "PATH": "/bin"}, start_new_session=True
        )

    mine, yours = [sleeper(marker), sleeper(marker)], sleeper(marker + "0")
    try:
        wait_until(lambda: len(marked(marker)) == 2 and len(marked(marker + "0")) == 1)
        assert kill_marked(marker) == 2
        assert [process.wait(5) for process in mine] == [-signal.SIGKILL] * 2
        assert yours.poll() is None
        assert kill_marked(marker) == 0
    finally:
        yours.kill()
        yours.wait()


@pytest.mark.parametrize("bad", ["", "a\nb", "a\0b"])
def test_a_marker_that_could_match_others_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="marker"):
        kill_marked(bad)


def test_a_huge_line_is_cut_and_costs_no_memory(tmp_path: Path) -> None:
    before = psutil.Process().memory_info().rss
    finished, lines = run_lines(
        ["sh", "-c", "head -c 200000000 /dev/zero | tr '\\0' x; echo; echo after"], tmp_path
    )
    assert finished.returncode == 0
    assert [len(line) for line in lines] == [8192 + len(" … [line cut]"), 5]
    assert lines[0].endswith("x … [line cut]")
    assert psutil.Process().memory_info().rss - before < 50_000_000


def test_binary_output_becomes_text_that_a_database_can_store(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(bytes(range(256)) * 200)
    lines = run_lines(["cat", "blob"], tmp_path)[1]
    text = "".join(lines)
    assert "\x00" not in text
    assert "\ufffd" in text
    assert "ABC" in text
    text.encode("utf-8")


def test_output_just_before_the_end_is_complete(tmp_path: Path) -> None:
    lines = run_lines(["sh", "-c", "seq 1 20000; printf 'no end'"], tmp_path)[1]
    assert lines == [*map(str, range(1, 20001)), "no end"]
