#!/usr/bin/env python3
"""Runs the oracle in a virtual environment of its own.

Standard library only. The environment is made under `.venv/` beside this file and made again when
`requirements.txt` changes. Arguments are passed on: see `python run.py --help`.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
REQUIREMENTS = HERE / "requirements.txt"
STAMP = VENV / "requirements.installed.txt"


def python() -> Path:
    """The interpreter of the oracle's environment, with the pinned packages installed."""
    binary = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    wanted = f"{sys.version}\n{REQUIREMENTS.read_text()}"
    if not binary.exists() or not STAMP.exists() or STAMP.read_text() != wanted:
        venv.create(VENV, clear=True, with_pip=True)
        pip = [str(binary), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True)
        STAMP.write_text(wanted)
    return binary


if __name__ == "__main__":
    if sys.version_info < (3, 11):
        sys.exit(f"The oracle needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    environment = {**os.environ, "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(python()), "-m", "oracle", *sys.argv[1:]]
    sys.exit(subprocess.run(command, env=environment, check=False).returncode)
