"""Turns `examples/receipt-ocr` into a Git + DVC repository with two versions of its data."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# The first data version holds part of the scans, so that lineage and data diffs have something to show.
_FIRST_SCANS = 900
_AUTHOR = "Receipt team"
_MAIL = "receipt-team@localhost"


def ensure(source: Path, folder: Path) -> Path:
    """Return the repository `folder`/receipt-ocr, made from `source` unless it exists.

    :param source: the example project
    :param folder: where the repository and its DVC remote are kept
    :raises subprocess.CalledProcessError: when git, dvc or the import of the scans fails
    """
    target = folder / "receipt-ocr"
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    # Built beside its place and moved there when whole: an interrupted start leaves no half repository.
    with tempfile.TemporaryDirectory(dir=folder) as building:
        work = Path(building) / "receipt-ocr"
        shutil.copytree(source, work, ignore=shutil.ignore_patterns("__pycache__"))
        _build(work, folder / "dvc-remote")
        work.rename(target)
    return target


def _build(work: Path, remote: Path) -> None:
    def run(*command: str) -> None:
        subprocess.run(command, cwd=work, env=_environment(), check=True, capture_output=True, text=True)

    run("git", "init", "--quiet", "--initial-branch", "main")
    run("dvc", "init", "--quiet")
    run("dvc", "remote", "add", "--quiet", "--default", "storage", str(remote))
    run("dvc", "config", "core.analytics", "false")
    for version, arguments in (("1.0.0", ["--limit", str(_FIRST_SCANS)]), ("1.1.0", [])):
        shutil.rmtree(work / "data" / "raw", ignore_errors=True)
        run(sys.executable, "src/import_digits.py", "--output", "data/raw", *arguments)
        run("dvc", "add", "--quiet", "data/raw")
        _set_data_version(work / "params.yaml", version)
        run("git", "add", "--all")
        run("git", "commit", "--quiet", "--message", f"Use receipt-digits {version}")
        run("git", "tag", f"data-{version}")
        run("dvc", "push", "--quiet")


def _set_data_version(path: Path, version: str) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    changed = [
        line.replace(line.split("#")[0].rstrip(), f'  version: "{version}"')
        if line.startswith("  version:")
        else line
        for line in lines
    ]
    path.write_text("\n".join(changed) + "\n", encoding="utf-8")


def _environment() -> dict[str, str]:
    programs = str(Path(sys.executable).parent)
    return {
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}",
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "DVC_NO_ANALYTICS": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": _AUTHOR,
        "GIT_AUTHOR_EMAIL": _MAIL,
        "GIT_COMMITTER_NAME": _AUTHOR,
        "GIT_COMMITTER_EMAIL": _MAIL,
    }
