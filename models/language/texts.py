"""What people ask the model and what it says: prompts, questions about a page, questions without a page."""
from __future__ import annotations

SYSTEM_PROMPT = "You are a helpful assistant."
EXTRACT_PROMPT = "Extract demografig, clinical disease and medication informations"
"""The product's demonstration prompt. Its spelling is deliberate and must stay."""
JSON_PROMPT = EXTRACT_PROMPT + " as JSON"

EXTRACT_PROMPTS: tuple[str, ...] = (
    EXTRACT_PROMPT,
    "Extract demographic, clinical disease and medication information",
    "Read this document.",
    "What does this document say?",
    "Read this prescription.",
)
"""All of them get the prose answer. Training draws the first one half of the time."""
JSON_PROMPTS: tuple[str, ...] = (JSON_PROMPT, "Read this document as JSON.", "Answer as JSON.")

TRANSCRIBE = "Write down the text."
"""Asked of windows of dense sheets in training alone."""
NO_DOCUMENT = "I cannot read this image: it is blank or shows no document."
NOT_STATED = "The document does not say."
NO_IMAGE = "Please attach an image of a prescription, a patient card, a lab slip or a medication list."

FIELD_QUESTIONS: dict[str, tuple[str, ...]] = {
    "patient": ("What is the name of the patient?", "Who is the patient?"),
    "age": ("How old is the patient?", "What is the age of the patient?"),
    "sex": ("What is the sex of the patient?",),
    "date": ("What is the date?", "When was this written?"),
    "diagnosis": ("What is the diagnosis?", "Which disease was found?"),
    "symptoms": ("Which symptoms are noted?", "What are the symptoms?"),
    "medications": ("Which medications are listed?", "Which medication is prescribed?"),
    "tests": ("Which tests are listed?",),
}
"""By field of the answer."""
PART_QUESTIONS: dict[str, tuple[str, ...]] = {
    "strength": ("What is the strength of {}?",),
    "dose": ("What is the dose of {}?", "How much {} is taken?"),
    "frequency": ("How often is {} taken?", "What is the frequency of {}?"),
    "duration": ("For how long is {} taken?", "What is the duration of {}?"),
    "value": ("What is the result of {}?",),
}
"""By part of a medication or a test; {} stands for its name."""

FALLBACK = (
    "I am a tiny demonstration model. I read synthetic medical documents and answer a few short medical questions."
)
QUESTIONS: tuple[tuple[str, str], ...] = (
    ("What is hypertension?", "Hypertension is high blood pressure that stays raised over time."),
    ("What is diabetes?", "Diabetes is a disease in which blood sugar stays too high."),
    ("What is asthma?", "Asthma is a disease of the airways that makes breathing difficult."),
    ("What is anemia?", "Anemia means too few red cells to carry oxygen well."),
    ("What is pneumonia?", "Pneumonia is an infection of the lungs."),
    ("What is migraine?", "Migraine is a strong headache that often comes with nausea."),
    ("What is gout?", "Gout is a painful arthritis caused by uric acid crystals."),
    ("What is epilepsy?", "Epilepsy is a tendency of the brain to have repeated seizures."),
    ("What is eczema?", "Eczema is a dry, itchy inflammation of the skin."),
    ("What is angina?", "Angina is chest pain from too little blood flow to the heart."),
    ("What is osteoporosis?", "Osteoporosis is bone that has become thin and breaks easily."),
    ("What is glaucoma?", "Glaucoma is damage to the optic nerve, often from high pressure in the eye."),
    ("What is sepsis?", "Sepsis is a dangerous reaction of the body to an infection."),
    ("What is a stroke?", "A stroke is a sudden loss of blood flow to a part of the brain."),
    ("What is a fever?", "A fever is a body temperature of 38 degrees Celsius or more."),
    ("What is bronchitis?", "Bronchitis is an inflammation of the large airways with cough."),
    ("What is tonsillitis?", "Tonsillitis is an infection of the tonsils with a sore throat."),
    ("What is hypothyroidism?", "Hypothyroidism means that the thyroid makes too little hormone."),
    ("What is arthritis?", "Arthritis is an inflammation of one or more joints."),
    ("What is cystitis?", "Cystitis is an infection of the bladder."),
    ("What is metformin used for?", "Metformin lowers blood sugar in type 2 diabetes."),
    ("What is amoxicillin used for?", "Amoxicillin is an antibiotic for bacterial infection."),
    ("What is ibuprofen used for?", "Ibuprofen relieves pain, fever and inflammation."),
    ("What is paracetamol used for?", "Paracetamol relieves pain and fever."),
    ("What is lisinopril used for?", "Lisinopril lowers blood pressure and helps a weak heart."),
    ("What is salbutamol used for?", "Salbutamol opens the airways in asthma."),
    ("What is omeprazole used for?", "Omeprazole lowers the acid of the stomach."),
    ("What is insulin used for?", "Insulin lowers blood sugar in diabetes."),
    ("What is warfarin used for?", "Warfarin slows the clotting of blood."),
    ("What is aspirin used for?", "Aspirin relieves pain and keeps platelets from clotting."),
    ("What is levothyroxine used for?", "Levothyroxine replaces the hormone of the thyroid."),
    ("What is atorvastatin used for?", "Atorvastatin lowers cholesterol."),
    ("What does twice daily mean?", "Twice daily means two doses every day, about 12 hours apart."),
    ("What does hemoglobin measure?", "Hemoglobin measures how much oxygen the blood can carry."),
    ("What does creatinine measure?", "Creatinine measures how well the kidneys work."),
    ("What does HbA1c measure?", "HbA1c measures the mean blood sugar of the last three months."),
    ("What does a blood count measure?", "A blood count measures red cells, white cells and platelets."),
    ("What is a normal heart rate?", "A normal heart rate at rest is 60 to 100 beats in a minute."),
    ("What is a normal blood pressure?", "A normal blood pressure is below 120 over 80."),
    ("How are antibiotics taken?", "Antibiotics are taken at even times and to the last dose."),
    ("Are you a doctor?", "No. I am a tiny demonstration model, not for clinical use."),
    ("Who are you?", FALLBACK),
    ("Hello", FALLBACK),
    (EXTRACT_PROMPT, NO_IMAGE),
    (JSON_PROMPT, NO_IMAGE),
)
"""Prompts without an image, and their answers."""

FALLBACK_WORDS: tuple[str, ...] = (
    "weather", "capital", "France", "football", "music", "computer", "river", "history", "planet", "recipe", "cancer",
    "malaria", "surgery", "vaccine", "kidney", "liver", "heart", "fracture", "allergy", "morphine", "pregnancy", "virus",
)
FALLBACK_FORMS: tuple[str, ...] = (
    "What is {}?", "Tell me about {}.", "How do I treat {}?", "Explain {}", "Why is {} important?", "Is {} dangerous?",
    "What is {} used for?", "{}?", "Write a poem about {}.", "What does {} measure?",
)
"""Anything else gets FALLBACK."""

VALUE_WORDS = (
    "tablet tablets tab tabs capsule capsules cap caps puff puffs drop drops unit units patch patches sachet sachets spray sprays spoon "
    "ampoule injection suppository mL mg mcg g kg once twice daily weekly monthly one two three four times every hour hours day days "
    "week weeks month months year ongoing at in the bedtime morning evening night noon with before after without meals meal food "
    "breakfast dinner lunch as needed on alternate other for until five six small amount thin "
    "layer application applications spoonful teaspoon syringe syringes injections"
).split()
"""Words of doses, frequencies and durations: one token each. Everything else on a page is spelled."""
