"""A Git repository with a long history of DVC files, made in one go."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from integrations.git_commands import git_environment


def make_long_history(
    path: Path,
    commits: int,
    stages: int = 8,
    *,
    plots: str = "",
    more: Callable[[int], Mapping[str, str]] = lambda number: {},
) -> Path:
    """Make a bare repository in which each commit changes a parameter, one stage's output, and some code.

    :param plots: what else stands in `dvc.yaml`
    :param more: number of a commit -> further files of it
    """
    subprocess.run(["git", "init", "--quiet", "--bare", str(path)], check=True, env=git_environment())
    stream = "".join(_commit(number, stages, plots, more(number)) for number in range(commits))
    subprocess.run(
        ["git", f"--git-dir={path}", "fast-import", "--quiet"],
        input=stream.encode(),
        check=True,
        env=git_environment(),
    )
    return path


def _commit(number: int, stages: int, plots: str, more: Mapping[str, str]) -> str:
    message = f"Change number {number}"
    files = {
        "params.yaml": f"train:\n  seed: {number}\n  channels: [16, 32]\n",
        "dvc.yaml": _definition(stages) + plots,
        "dvc.lock": _lock(number, stages),
        "data/raw.dvc": f"outs:\n- md5: {number // 10:032x}.dir\n  size: 10\n  nfiles: 3\n  path: raw\n",
        "src/train.py": f"print({number // 3})\n",
        "metrics.json": f'{{"accuracy": 0.{number}}}\n',
        **more,
    }
    return (
        f"commit refs/heads/main\ncommitter Tester <t@example.org> {1_700_000_000 + number * 60} +0000\n"
        + (
            f"data {len(message)}\n{message}\n"
            + "".join(f"M 100644 inline {name}\ndata {len(text)}\n{text}\n" for name, text in files.items())
        )
    )


def _definition(stages: int) -> str:
    lines = [
        f"  stage{at}:\n    cmd: python src/train.py {at}\n    deps: [{_made(at - 1)}, src/train.py]\n"
        f"    params: [train.seed]\n    outs: [{_made(at)}]\n"
        for at in range(stages)
    ]
    return "stages:\n" + "".join(lines) + "metrics: [metrics.json]\n"


def _lock(number: int, stages: int) -> str:
    lines = []
    for at in range(stages):
        # The last stage is new each time, the one before every second time ...
        turn, earlier = number // (stages - at), number // (stages - at + 1)
        lines.append(
            f"  stage{at}:\n    cmd: python src/train.py {at}\n    deps:\n"
            f"    - path: {_made(at - 1)}\n      hash: md5\n      md5: {earlier * 1000 + at:032x}\n"
            f"    - path: src/train.py\n      hash: md5\n      md5: {number // 3:032x}\n      size: 9\n"
            f"    params:\n      params.yaml:\n        train.seed: {turn}\n"
            f"    outs:\n    - path: {_made(at)}\n      hash: md5\n      md5: {turn * 1000 + at + 1:032x}\n"
            "      size: 10\n"
        )
    return "schema: '2.0'\nstages:\n" + "".join(lines)


def _made(at: int) -> str:
    return f"out/{at}.bin" if at >= 0 else "data/raw"
