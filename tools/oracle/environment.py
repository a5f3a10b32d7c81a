"""What an oracle of one file needs: a virtual environment of its own, and a folder of golden vectors.

Standard library only.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
GOLDEN = HERE.parent.parent / "tests" / "golden"


def inside(requirements: Path) -> None:
    """Goes on in a virtual environment with these pinned packages, made beside this file."""
    folder = HERE / f".venv-{requirements.stem.removeprefix('requirements-')}"
    binary = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if Path(sys.prefix).resolve() == folder.resolve():
        return
    stamp = folder / "requirements.installed.txt"
    wanted = f"{sys.version}\n{requirements.read_text()}"
    if not binary.exists() or not stamp.exists() or stamp.read_text() != wanted:
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(binary), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(requirements)], check=True)
        stamp.write_text(wanted)
    command = [str(binary), "-B", *sys.argv]
    sys.exit(subprocess.run(command, check=False).returncode)


def golden(name: str, files: dict[str, bytes], *, check: bool) -> int:
    """Writes the files of one folder of golden vectors, or compares them with it; returns an exit code."""
    folder = GOLDEN / name
    # Nothing in it is text to be converted.
    files = {**files, ".gitattributes": b"* -text\n"}
    if not check:
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if path.name not in files:
                path.unlink()
        for file, content in files.items():
            (folder / file).write_bytes(content)
        print(f"{name}: {len(files)} files, {sum(map(len, files.values()))} bytes")
        return 0
    differ = sorted(
        file
        for file in {*files, *(path.name for path in folder.iterdir())}
        if file not in files or not (folder / file).exists() or (folder / file).read_bytes() != files[file]
    )
    for file in differ:
        print(f"{name}/{file} differs")
    print(f"{len(files) - len(differ)} passed, {len(differ)} failed")
    return 1 if differ else 0
