"""Scores answers with the model's own scorer: score.py MODELS PAGES prose|json TEXTS… prints one JSON object per line."""
import json
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from language import scoring  # noqa: E402

for texts in sys.argv[4:]:
    said = json.loads(Path(texts).read_text(encoding="utf-8"))
    print(json.dumps(scoring.score(said, Path(sys.argv[2]), sys.argv[3] == "json")))
