"""Diagnoses and symptoms by field of medicine, our own choice. Order is part of the recipe."""
from __future__ import annotations


def _phrases(text: str) -> tuple[str, ...]:
    """Comma-separated phrases, in order, over any number of lines."""
    return tuple(phrase for phrase in (" ".join(part.split()) for part in text.split(",")) if phrase)


DIAGNOSES: dict[str, tuple[str, ...]] = {field: _phrases(text) for field, text in {
    "heart": """Hypertension, Angina, Atrial fibrillation, Heart failure, Hyperlipidemia, Coronary artery disease,
        Tachycardia, Bradycardia, Cardiomyopathy, Pericarditis, Raynaud syndrome, Varicose veins, Deep vein thrombosis,
        Hypotension""",
    "lungs": """Asthma, Bronchitis, Pneumonia, COPD, Pleurisy, Bronchiectasis, Sarcoidosis, Emphysema, Acute cough,
        Sleep apnea""",
    "hormones": """Diabetes, Type 2 diabetes, Hypothyroidism, Hyperthyroidism, Goiter, Obesity, Addison disease,
        Cushing syndrome, Hypoglycemia, Menopause, Graves disease""",
    "mind": """Depression, Anxiety, Insomnia, Bipolar disorder, Panic disorder, Schizophrenia, Burnout, ADHD,
        Social phobia, Alcohol dependence""",
    "nerves": """Migraine, Epilepsy, Neuropathy, Tension headache, Parkinson disease, Vertigo, Sciatica,
        Multiple sclerosis, Trigeminal neuralgia, Restless legs, Dementia, Carpal tunnel syndrome, Stroke""",
    "infection": """Sinusitis, Tonsillitis, Otitis media, Cystitis, Pyelonephritis, Cellulitis, Influenza, Shingles,
        Pharyngitis, Conjunctivitis, Impetigo, Scabies, Malaria, Tuberculosis, Lyme disease, Chickenpox, Candidiasis,
        Herpes simplex, Urethritis, Urinary infection""",
    "stomach": """Gastritis, Reflux disease, Peptic ulcer, Constipation, Crohn disease, Ulcerative colitis, Gastroenteritis,
        Hepatitis B, Irritable bowel, Diverticulitis, Gallstones, Pancreatitis, Celiac disease, Hemorrhoids, Dyspepsia""",
    "joints": """Arthritis, Gout, Osteoporosis, Osteoarthritis, Low back pain, Bursitis, Tendinitis, Frozen shoulder,
        Rheumatoid arthritis, Fibromyalgia, Ankle sprain, Wrist fracture, Muscle strain, Lupus, Plantar fasciitis""",
    "skin": """Eczema, Psoriasis, Dermatitis, Acne, Urticaria, Rosacea, Hay fever, Allergic rhinitis, Contact dermatitis,
        Tinea pedis, Warts, Vitiligo""",
    "blood": """Anemia, Iron deficiency, Vitamin D deficiency, Thrombosis, Folate deficiency, Hemophilia, Thalassemia,
        Hypokalemia, Kidney stones, Chronic kidney disease, Hyponatremia""",
    "eyes": """Glaucoma, Dry eye, Blepharitis, Uveitis, Cataract, Keratitis, Stye""",
}.items()}
"""Field -> diagnoses."""

SYMPTOMS: dict[str, tuple[str, ...]] = {field: _phrases(text) for field, text in {
    "heart": """Chest pain, Palpitations, Swollen ankles, Dizziness, Fainting, Cold hands, Leg pain, Breathlessness,
        Chest tightness""",
    "lungs": """Cough, Wheezing, Dry cough, Shortness of breath, Sputum, Snoring, Hoarseness, Night cough""",
    "hormones": """Weight gain, Weight loss, Thirst, Fatigue, Frequent urination, Hot flushes, Sweating, Cold intolerance,
        Hair loss""",
    "mind": """Low mood, Poor sleep, Irritability, Restlessness, Worry, Poor appetite, Early waking, Lack of energy,
        Nightmares""",
    "nerves": """Headache, Tremor, Numbness, Tingling, Blurred vision, Weak grip, Light sensitivity, Memory loss,
        Double vision, Seizures, Aura""",
    "infection": """Fever, Sore throat, Chills, Runny nose, Earache, Burning urination, Swollen glands, Night sweats,
        Facial pain, Body aches, Malaise""",
    "stomach": """Nausea, Vomiting, Heartburn, Bloating, Diarrhea, Abdominal pain, Loss of appetite, Blood in stool, Cramps,
        Belching, Jaundice""",
    "joints": """Joint pain, Back pain, Stiffness, Swelling, Neck pain, Knee pain, Muscle cramps, Morning stiffness,
        Hip pain, Limping""",
    "skin": """Itching, Rash, Dry skin, Sneezing, Blisters, Redness, Scaling, Hives""",
    "blood": """Pallor, Bruising, Tiredness, Nosebleed, Flank pain, Brittle nails, Sore tongue""",
    "eyes": """Eye pain, Watery eyes, Eye redness, Gritty eyes, Halos""",
}.items()}
"""Field -> symptoms."""
