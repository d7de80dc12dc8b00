"""Finds Chromium, and installs it where it is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
_PACKAGES = ["chromium", "fonts-noto-cjk"]


def executable() -> str | None:
    """Return the path of the system's Chromium, or None to let Playwright use its own."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def ensure() -> None:
    """Install Chromium and a font with Hangul unless a Chromium is there."""
    if executable() or _own_copy():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=quiet)
        install = ["apt-get", "install", "-qq", "--yes", "--no-install-recommends", *_PACKAGES]
        subprocess.run(install, check=True, env=quiet, stdout=subprocess.DEVNULL)
        return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


def _own_copy() -> bool:
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache" / "ms-playwright"))
    return any(cache.glob("chromium-*")) if cache.is_dir() else False
