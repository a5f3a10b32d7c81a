"""Writes the golden vectors, or compares the committed ones with fresh ones."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import affine_vectors, astype_vectors, copies, hostile, index_vectors, nifti_vectors, real_images

REPOSITORY = Path(__file__).resolve().parents[3]
GOLDEN = REPOSITORY / "tests" / "golden"


@dataclass(frozen=True)
class Generator:
    """Something that writes vectors, and the files or folders under `tests/golden/` that are its own."""

    name: str
    owns: tuple[str, ...]
    generate: Callable[[Path], None]
    #: gives why it cannot run here, or nothing
    unavailable: Callable[[], str | None] = lambda: None


GENERATORS = (
    Generator("nifti", nifti_vectors.OWNS, nifti_vectors.generate),
    Generator("hostile", ("nifti/hostile",), hostile.generate),
    Generator("affines", ("affines.json",), affine_vectors.generate),
    Generator("index", ("index.json",), index_vectors.generate),
    Generator("astype", ("astype.json",), astype_vectors.generate),
    Generator("real", ("real.json",), real_images.generate, real_images.unavailable),
)


def files_under(root: Path, owned: str) -> set[Path]:
    """The files of one owned path, relative to `root`."""
    path = root / owned
    found = [path] if path.is_file() else path.rglob("*")
    return {file.relative_to(root) for file in found if file.is_file()}


def first_difference(old: bytes, new: bytes) -> str:
    """The first line that differs, when both are text."""
    try:
        lines = zip(old.decode().splitlines(), new.decode().splitlines(), strict=False)
    except UnicodeDecodeError:
        return "bytes differ"
    for number, (before, after) in enumerate(lines, start=1):
        if before != after:
            column = next((at for at, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), 0)
            around = slice(max(0, column - 60), column + 120)
            name = before[:120] if column > 180 else ""
            return f"line {number} {name}\n    committed {before[around]}\n    now       {after[around]}"
    return "one is longer"


def check(fresh: Path, generator: Generator) -> tuple[int, int]:
    """Compares every file of `generator`, byte by byte: how many are equal, and how many are not."""
    passed = failed = 0
    for owned in generator.owns:
        old, new = files_under(GOLDEN, owned), files_under(fresh, owned)
        for file in sorted(old | new):
            if file not in new:
                problem = "is committed and no longer made"
            elif file not in old:
                problem = "is made and not committed"
            else:
                before, after = (GOLDEN / file).read_bytes(), (fresh / file).read_bytes()
                problem = None if before == after else first_difference(before, after)
            if problem is None:
                passed += 1
            else:
                failed += 1
                print(f"FAIL {file}: {problem}")
    return passed, failed


def write(fresh: Path, generator: Generator) -> None:
    """Puts the fresh files of `generator` in the place of the old ones."""
    for owned in generator.owns:
        target = GOLDEN / owned
        if target.is_dir():
            shutil.rmtree(target)
        source = fresh / owned
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def main() -> int:
    """The command line."""
    names = [generator.name for generator in GENERATORS]
    parser = argparse.ArgumentParser(prog="run.py", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare and change nothing; fails when anything differs")
    parser.add_argument("--copies", type=Path, metavar="FOLDER", help="compare the files that copies.mjs wrote there")
    parser.add_argument("names", nargs="*", help=f"which vectors: {', '.join(names)}; all of them by default")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in names]
    if unknown:
        parser.error(f"no vectors are named {' or '.join(unknown)}; there are {', '.join(names)}")
    if options.copies is not None:
        passed, failed = copies.check(options.copies, GOLDEN)
        print(f"{passed} passed, {failed} failed")
        return 1 if failed or not passed else 0
    passed = failed = 0
    for generator in GENERATORS:
        if options.names and generator.name not in options.names:
            continue
        reason = generator.unavailable()
        if reason:
            print(f"SKIP {generator.name}: {reason}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            fresh = Path(folder)
            generator.generate(fresh)
            if options.check:
                equal, different = check(fresh, generator)
                passed, failed = passed + equal, failed + different
            else:
                write(fresh, generator)
                print(
                    f"wrote {generator.name}: {sum(len(files_under(fresh, owned)) for owned in generator.owns)} files"
                )
    if options.check:
        print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
