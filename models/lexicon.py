"""The closed world of the default model: every value it can read, and every text-only answer it knows.

All lists are our own writing. A value outside these lists cannot be read by the first version.
Order is part of the recipe: the seeded generator indexes into these lists.
"""
from __future__ import annotations

FIELDS: tuple[str, ...] = (
    "patient", "age", "sex", "diagnosis", "medication", "dose", "frequency",
)
"""Fields of one prescription, in the order of the answer."""

ANSWER_KEYS: dict[str, str] = {
    "patient": "Patient:", "age": "Age:", "sex": "Sex:", "diagnosis": "Diagnosis:",
    "medication": "Medication:", "dose": "Dose:", "frequency": "Frequency:",
}
"""The key that opens a field's line in the answer."""

FIRST_NAMES: dict[str, tuple[str, ...]] = {
    "F": ("Maria", "Anna", "Elena", "Fatima", "Grace", "Helen", "Ingrid", "Julia",
          "Karen", "Laura", "Nadia", "Olivia", "Priya", "Rosa", "Sofia", "Yuki"),
    "M": ("Adam", "Boris", "Carlos", "David", "Emil", "Felix", "George", "Hugo",
          "Ivan", "James", "Kenji", "Louis", "Omar", "Peter", "Tomas", "Victor"),
}
LAST_NAMES: tuple[str, ...] = (
    "Lopez", "Smith", "Novak", "Weber", "Rossi", "Khan", "Tanaka", "Okafor",
    "Silva", "Brown", "Dubois", "Hansen", "Ivanov", "Jensen", "Kowalski", "Lindgren",
    "Moreau", "Nguyen", "Patel", "Quinn", "Ramirez", "Santos", "Taylor", "Ueda",
    "Vargas", "Walker", "Yilmaz", "Zhang", "Fischer", "Garcia", "Murphy", "Bennett",
)
AGES: tuple[str, ...] = tuple(str(age) for age in range(18, 90))
SEXES: tuple[str, ...] = ("F", "M")

DOSES: dict[str, tuple[str, ...]] = {
    "Lisinopril": ("10 mg", "20 mg"), "Amlodipine": ("5 mg", "10 mg"), "Losartan": ("50 mg", "100 mg"),
    "Salbutamol": ("2 mg", "4 mg"), "Montelukast": ("5 mg", "10 mg"), "Prednisone": ("20 mg", "40 mg"),
    "Metformin": ("500 mg", "850 mg"), "Gliclazide": ("40 mg", "80 mg"), "Sitagliptin": ("50 mg", "100 mg"),
    "Sumatriptan": ("50 mg", "100 mg"), "Propranolol": ("40 mg", "80 mg"),
    "Amoxicillin": ("250 mg", "500 mg"), "Azithromycin": ("250 mg", "500 mg"), "Levofloxacin": ("500 mg", "750 mg"),
    "Doxycycline": ("50 mg", "100 mg"), "Ferrous sulfate": ("200 mg", "325 mg"), "Folic acid": ("2 mg", "5 mg"),
    "Sertraline": ("50 mg", "100 mg"), "Fluoxetine": ("20 mg", "40 mg"), "Citalopram": ("20 mg", "40 mg"),
    "Buspirone": ("5 mg", "10 mg"), "Escitalopram": ("10 mg", "20 mg"),
    "Lamotrigine": ("100 mg", "200 mg"), "Levetiracetam": ("250 mg", "500 mg"), "Carbamazepine": ("200 mg", "400 mg"),
    "Allopurinol": ("100 mg", "300 mg"), "Febuxostat": ("40 mg", "80 mg"),
    "Ibuprofen": ("400 mg", "600 mg"), "Naproxen": ("250 mg", "500 mg"), "Celecoxib": ("100 mg", "200 mg"),
    "Cetirizine": ("5 mg", "10 mg"), "Hydroxyzine": ("25 mg", "50 mg"), "Loratadine": ("5 mg", "10 mg"),
    "Acitretin": ("10 mg", "25 mg"), "Apremilast": ("20 mg", "30 mg"),
    "Omeprazole": ("20 mg", "40 mg"), "Famotidine": ("20 mg", "40 mg"), "Pantoprazole": ("20 mg", "40 mg"),
    "Zolpidem": ("5 mg", "10 mg"), "Melatonin": ("2 mg", "5 mg"), "Trazodone": ("50 mg", "100 mg"),
    "Levothyroxine": ("50 mcg", "75 mcg"), "Liothyronine": ("5 mcg", "25 mcg"),
    "Atenolol": ("25 mg", "50 mg"), "Isosorbide": ("10 mg", "20 mg"),
    "Nitrofurantoin": ("50 mg", "100 mg"), "Trimethoprim": ("100 mg", "200 mg"),
    "Penicillin": ("250 mg", "500 mg"), "Cefalexin": ("250 mg", "500 mg"),
    "Alendronate": ("10 mg", "70 mg"), "Risedronate": ("5 mg", "30 mg"),
    "Acetazolamide": ("250 mg", "500 mg"), "Methazolamide": ("25 mg", "50 mg"),
}
"""Medication -> strengths that a synthetic prescription may carry. Not prescribing guidance."""

MEDICATIONS_FOR: dict[str, tuple[str, ...]] = {
    "Hypertension": ("Lisinopril", "Amlodipine", "Losartan", "Atenolol"),
    "Asthma": ("Salbutamol", "Montelukast", "Prednisone"),
    "Diabetes": ("Metformin", "Gliclazide", "Sitagliptin"),
    "Migraine": ("Sumatriptan", "Propranolol", "Naproxen"),
    "Pneumonia": ("Amoxicillin", "Azithromycin", "Levofloxacin"),
    "Bronchitis": ("Doxycycline", "Azithromycin", "Amoxicillin"),
    "Anemia": ("Ferrous sulfate", "Folic acid"),
    "Depression": ("Sertraline", "Fluoxetine", "Citalopram"),
    "Anxiety": ("Buspirone", "Escitalopram", "Sertraline"),
    "Epilepsy": ("Lamotrigine", "Levetiracetam", "Carbamazepine"),
    "Gout": ("Allopurinol", "Febuxostat", "Naproxen"),
    "Arthritis": ("Ibuprofen", "Naproxen", "Celecoxib"),
    "Eczema": ("Cetirizine", "Hydroxyzine", "Prednisone"),
    "Psoriasis": ("Acitretin", "Apremilast"),
    "Sinusitis": ("Amoxicillin", "Doxycycline", "Loratadine"),
    "Gastritis": ("Omeprazole", "Famotidine", "Pantoprazole"),
    "Insomnia": ("Zolpidem", "Melatonin", "Trazodone"),
    "Hypothyroidism": ("Levothyroxine", "Liothyronine"),
    "Angina": ("Atenolol", "Isosorbide", "Propranolol"),
    "Cystitis": ("Nitrofurantoin", "Trimethoprim", "Cefalexin"),
    "Tonsillitis": ("Penicillin", "Amoxicillin", "Cefalexin"),
    "Osteoporosis": ("Alendronate", "Risedronate"),
    "Glaucoma": ("Acetazolamide", "Methazolamide"),
    "Dermatitis": ("Cetirizine", "Loratadine", "Prednisone"),
}
"""Diagnosis -> medications. Pairs are plausible, so that a page reads like a prescription; the dose
and the frequency do not follow from the medication, and have to be read."""

FREQUENCIES: tuple[str, ...] = (
    "once daily", "twice daily", "three times daily", "four times daily",
    "every 6 hours", "every 8 hours", "every 12 hours",
    "at bedtime", "every morning", "with meals",
)

SYSTEM_PROMPT = "You are a helpful assistant."
EXTRACT_PROMPT = "Extract demografig, clinical disease and medication informations"
"""The product's demonstration prompt. Its spelling is deliberate and must stay."""

OTHER_IMAGE_PROMPTS: tuple[str, ...] = (
    "Extract demographic, clinical disease and medication information",
    "Read this prescription.",
    "What does this prescription say?",
)

NO_IMAGE_ANSWER = "Please attach an image of a prescription."
FALLBACK_ANSWER = (
    "I am a tiny demonstration model. I can read synthetic prescription images "
    "and answer a few short medical questions."
)
QUESTIONS: tuple[tuple[str, str], ...] = (
    ("What is hypertension?", "Hypertension is high blood pressure that stays raised over time."),
    ("What is diabetes?", "Diabetes is a disease in which blood sugar stays too high."),
    ("What is asthma?", "Asthma is a disease of the airways that makes breathing difficult."),
    ("What is anemia?", "Anemia means too few red cells to carry oxygen well."),
    ("What is pneumonia?", "Pneumonia is an infection of the lungs."),
    ("What is migraine?", "Migraine is a strong headache that often comes with nausea."),
    ("What is gout?", "Gout is a painful arthritis caused by uric acid crystals."),
    ("What is metformin used for?", "Metformin lowers blood sugar in type 2 diabetes."),
    ("What is amoxicillin used for?", "Amoxicillin is an antibiotic for bacterial infection."),
    ("What is ibuprofen used for?", "Ibuprofen relieves pain, fever and inflammation."),
    ("What does twice daily mean?", "Twice daily means two doses every day, about 12 hours apart."),
    ("Who are you?", FALLBACK_ANSWER),
    ("Hello", FALLBACK_ANSWER),
    (EXTRACT_PROMPT, NO_IMAGE_ANSWER),
)
"""Text-only prompts and their answers."""

FALLBACK_QUESTION_WORDS: tuple[str, ...] = (
    "weather", "capital", "France", "football", "music", "computer", "river", "history", "planet",
    "recipe", "cancer", "stroke", "malaria", "surgery", "vaccine", "kidney", "liver", "heart",
    "fracture", "allergy", "insulin", "aspirin", "warfarin", "morphine", "pregnancy", "virus",
)
FALLBACK_QUESTION_FORMS: tuple[str, ...] = (
    "What is {}?", "Tell me about {}.", "How do I treat {}?", "Explain {}", "Why is {} important?",
    "Is {} dangerous?", "What is {} used for?", "{}?", "Write a poem about {}.",
)


def medications() -> tuple[str, ...]:
    """All medications, in list order."""
    return tuple(DOSES)


def doses() -> tuple[str, ...]:
    """All distinct strengths, in order of first appearance."""
    return tuple(dict.fromkeys(dose for strengths in DOSES.values() for dose in strengths))


def first_names() -> tuple[str, ...]:
    """All first names, in list order."""
    return FIRST_NAMES["F"] + FIRST_NAMES["M"]


def answer_text(fields: dict[str, str]) -> str:
    """The answer for one prescription: a "Key: value" line per field, no leading space, no end mark."""
    return "\n".join(f"{ANSWER_KEYS[field]} {fields[field]}" for field in FIELDS)


def parse_answer(text: str) -> dict[str, str]:
    """Read "Key: value" lines back into fields; unknown keys are dropped, the first of a key counts."""
    by_key = {key: field for field, key in ANSWER_KEYS.items()}
    fields: dict[str, str] = {}
    for line in text.strip().splitlines():
        key, colon, value = line.partition(":")
        field = by_key.get(key.strip() + colon)
        if field is not None and field not in fields:
            fields[field] = value.strip()
    return fields
