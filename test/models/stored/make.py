"""Writes all-minilm-l6-v2.json: texts, and their embeddings by the makers' code (transformers, mean of all tokens, length 1).

    python make.py FOLDER-OF-THE-MODEL

Needs torch and transformers. Texts hold no words of more than 100 characters, which WordPiece reads as unknown.
"""

import base64
import json
import pathlib
import sys

import torch
import transformers

WORDS = (
    "the patient was given aspirin twice daily after meals and reports mild pain in left knee since last week with no "
    "fever blood pressure normal heart rate regular history of diabetes type two treated with metformin"
).split(" ")
TEXTS = [
    "",
    "fever",
    "Chest pain radiating to the left arm.",
    "The patient complains of pain in the chest and the left arm.",
    "Take one tablet of 500 mg three times a day, with food.",
    "Die Patientin hat Fieber und Schüttelfrost; Überprüfung in 3 Tagen.",
    "naïve café, señor, Ωmega-3 (µg/dL) ≥ 37.5 °C",
    "发烧和头痛",
    "боль в груди",
    "na\u0131ve\tTABS\nand   blanks  ",
    "HbA1c 7.2% -> 6.4%; BP 120/80; ICD-10: E11.9",
    "don't can't o'clock e-mail a@b.c #hash",
    *[" ".join(WORDS[(i * 7 + j * (i + 3)) % len(WORDS)] for j in range(n)) for i, n in enumerate([15, 60, 120, 250, 400])],
]


def main() -> None:
    folder = sys.argv[1]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    items = []
    with torch.no_grad():
        for text in TEXTS:
            tokens = tokenizer([text], return_tensors="pt")
            row = model(**tokens).last_hidden_state[0].mean(0)
            row = torch.nn.functional.normalize(row, dim=0)
            packed = base64.b64encode(row.numpy().astype("<f4").tobytes()).decode()
            items.append({"text": text, "tokens": tokens["input_ids"].shape[1], "row": packed})
    made_by = f"torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}"
    target = pathlib.Path(__file__).with_name("all-minilm-l6-v2.json")
    target.write_text(json.dumps({"madeBy": made_by, "items": items}, ensure_ascii=False, indent=1) + "\n")


main()
