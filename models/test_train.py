"""A few steps of every stage, twice: run through, and interrupted at the end of each stage. Both must write the same bytes.

    python -m unittest test_train      # needs requirements.txt; some three minutes, most of them for drawing and validation
"""
from __future__ import annotations

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
STEPS = ("--see", "4", "--speak", "3", "--polish", "2")
"""Enough for the decoder to join in the first stage, and for the tower to learn and to rest in the others."""


def train(work: Path, cycles: int) -> dict[str, bytes]:
    """Run or continue a short training in `work`; returns the files that it wrote, by name."""
    out = work / "out"
    subprocess.run([sys.executable, "train.py", *STEPS, "--cycles", str(cycles), "--pages", "1", "--sheets", "1",
                    "--work", work, "--out", out], cwd=HERE, check=True, stdout=subprocess.DEVNULL)
    return {str(file.relative_to(work)): file.read_bytes() for folder in (out, work / "f16") for file in folder.glob("*.gguf")}


class Training(unittest.TestCase):
    def test_an_interrupted_run_ends_like_an_uninterrupted_one(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            through, interrupted = Path(folder) / "through", Path(folder) / "interrupted"
            wanted = train(through, 2)
            self.assertEqual(len(wanted), 4)
            interrupted.mkdir()
            (interrupted / "pages").symlink_to(through / "pages")
            parts = [train(interrupted, cycles) for cycles in range(3)]
            self.assertNotEqual(parts[0], parts[1])
            self.assertEqual(parts[2].keys(), wanted.keys())
            for name, content in wanted.items():
                self.assertTrue(parts[2][name] == content, f"{name} differs")


if __name__ == "__main__":
    unittest.main()
