"""Scores answers with the model's own scorer: score.py MODELS PAGES TEXTS.json… prints one JSON object per line."""
import json
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
import evaluate  # noqa: E402

for texts in sys.argv[3:]:
    print(json.dumps(evaluate.score(json.loads(Path(texts).read_text(encoding="utf-8")), Path(sys.argv[2]))))
