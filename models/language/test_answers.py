"""Answers, vocabulary and scores: what needs no PyTorch. Run by `python3 -m unittest` in this folder."""
from __future__ import annotations

import json
import random
import tempfile
import unittest
from pathlib import Path

from language import answers, questions, scoring, texts, tokenizer

MEDICATION = {"name": "Folic acid", "strength": "2.5 mg/5 mL", "dose": "1/2 tablet", "frequency": "twice daily", "duration": "30 days"}
HEAD = {"patient": "Mary-Ann O'Neil", "age": "7", "sex": "F", "date": "March 14, 2026"}
PAGES = (
    {**HEAD, "diagnosis": "Type 2 diabetes", "medications": [MEDICATION, {**MEDICATION, "name": "Kx-12 B"}]},
    {**HEAD, "diagnosis": "Gout", "symptoms": ["Joint pain", "Fever"], "medications": [MEDICATION]},
    {**HEAD, "tests": [{"name": "D-dimer", "value": "0.5 mg/L"}, {"name": "Free T4", "value": "14 pmol/L"}]},
)


class Answers(unittest.TestCase):
    def test_prose_and_json_are_read_back(self) -> None:
        for fields in PAGES:
            self.assertEqual(answers.parse_prose(answers.text_of(answers.prose(fields))), dict(answers.leaves(fields)))
            self.assertEqual(json.loads(answers.text_of(answers.as_json(fields))), fields)

    def test_every_value_is_a_segment_of_its_own(self) -> None:
        for fields in PAGES:
            for segments in (answers.prose(fields), answers.as_json(fields)):
                self.assertEqual([(path, text) for text, path in segments if path is not None], list(answers.leaves(fields)))

    def test_a_page_without_fields_is_no_document(self) -> None:
        self.assertEqual(answers.text_of(answers.prose({})).strip(), texts.NO_DOCUMENT)
        self.assertEqual(answers.text_of(answers.as_json({})), "{}")

    def test_questions_are_answered_from_the_page(self) -> None:
        rng = random.Random(1)
        for _ in range(300):
            fields = rng.choice(PAGES)
            asked, segments = questions.question(fields, list(PAGES), rng)
            values = dict(answers.leaves(fields))
            spoken = [(text, path) for text, path in segments if path is not None]
            self.assertTrue(all(values[path] == text for text, path in spoken))
            if not spoken:
                self.assertEqual(answers.text_of(segments).strip(), texts.NOT_STATED)
                about_fields = [name for name, forms in texts.FIELD_QUESTIONS.items() if asked in forms]
                self.assertFalse(set(about_fields) & set(fields), asked)
                self.assertTrue(about_fields or not any(f" {part.name}" in asked for part in questions.parts_of(fields)), asked)

    def test_questions_are_asked_of_what_is_missing(self) -> None:
        rng = random.Random(3)
        asked = [questions.question(PAGES[2], list(PAGES), rng) for _ in range(2000)]
        missing = [question for question, segments in asked if answers.text_of(segments).strip() == texts.NOT_STATED]
        rows = [question for question in missing if "Folic acid" in question or "Kx-12 B" in question]
        self.assertAlmostEqual(len(rows) / len(asked), questions.ABSENT_ROWS, delta=0.02)
        self.assertAlmostEqual((len(missing) - len(rows)) / len(asked), questions.ABSENT_FIELDS, delta=0.02)


class Vocabulary(unittest.TestCase):
    def test_texts_come_back(self) -> None:
        rng = random.Random(2)
        said = [answers.text_of(kind(fields)) for fields in PAGES for kind in (answers.prose, answers.as_json)]
        said += [" " + answer for _, answer in texts.QUESTIONS]
        said += ["".join(chr(rng.choice((10, *range(32, 127)))) for _ in range(40)) for _ in range(200)]
        for text in said:
            ids = tokenizer.encode(text)
            self.assertEqual(tokenizer.decode(ids), text)
            self.assertEqual(sum(map(tokenizer.length_of, ids)), len(text))

    def test_names_are_spelled(self) -> None:
        ids = tokenizer.encode(" Lisinopril Hypertension")
        self.assertEqual(len(ids), len("LisinoprilHypertension"))

    def test_words_and_keys_are_single_tokens(self) -> None:
        for text in (" tablet", "\nMedication:", "\nASSISTANT:", '"},{"name":"', " demografig"):
            self.assertEqual(len(tokenizer.encode(text)), 1, text)

    def test_every_piece_is_reached_through_its_beginnings(self) -> None:
        ids = tokenizer.vocabulary().ids
        for piece in list(ids)[tokenizer.FIRST_PIECE:]:
            self.assertIn(piece[:-1] or piece, ids)


class Scores(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def score(self, fields: dict, text: str, **options: bool) -> dict:
        truth = {"layout": "lab" if fields else "none", "variant": "", "fields": fields, "unseen": ["tests.0.name"] if fields else []}
        (self.folder / "a.json").write_text(json.dumps(truth), encoding="utf-8")
        return scoring.score({"a.png": text}, self.folder, **options)

    def test_right_answers(self) -> None:
        found = self.score(PAGES[2], answers.text_of(answers.prose(PAGES[2])))
        self.assertEqual((found["all"], found["unseen"], found["values"], found["invented"], found["wrong"]), (1, 1, 8, 0, []))
        found = self.score(PAGES[2], answers.text_of(answers.as_json(PAGES[2])), as_json=True)
        self.assertEqual((found["all"], found["parsed"]), (1, 1))
        self.assertEqual(self.score({}, texts.NO_DOCUMENT)["all"], 1)

    def test_wrong_missing_and_invented_values(self) -> None:
        text = answers.text_of(answers.prose(PAGES[2])).replace("D-dimer", "D-dimmr") + "\nTest: X, 1 g"
        found = self.score(PAGES[2], text)
        self.assertEqual((found["all"], found["unseen"], found["invented"]), (0.875, 0, 0.25))
        self.assertEqual(found["wrong"][0] | {"file": ""},
                         {"file": "", "path": "tests.0.name", "truth": "D-dimer", "answer": "D-dimmr", "unseen": True})
        self.assertEqual(found["confusions"], {"e as m": 1})
        self.assertEqual(self.score(PAGES[2], "")["all"], 0)
        self.assertEqual(self.score(PAGES[2], '{"patient":', as_json=True)["parsed"], 0)
        self.assertEqual(self.score({}, "Patient: A")["all"], 0)


if __name__ == "__main__":
    unittest.main()
