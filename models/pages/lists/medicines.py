"""Medications by field of medicine, and the words of directions. Our own choice; no prescribing guidance."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Medicine:
    """A medication, how it is taken (a key of DOSES) and strengths that a page may carry."""

    name: str
    form: str
    strengths: tuple[str, ...]


DOSES: dict[str, tuple[str, ...]] = {
    "tab": ("1 tablet", "2 tablets", "1 tab", "2 tabs", "1/2 tablet", "3 tablets"),
    "cap": ("1 capsule", "2 capsules", "1 cap", "2 caps"),
    "syrup": ("5 mL", "10 mL", "15 mL", "2.5 mL", "1 spoonful"),
    "puff": ("1 puff", "2 puffs", "4 puffs"),
    "spray": ("1 spray", "2 sprays"),
    "unit": ("10 units", "14 units", "8 units", "20 units", "6 units"),
    "inject": ("1 injection", "0.4 mL", "1 syringe"),
    "sachet": ("1 sachet", "2 sachets"),
    "drop": ("1 drop", "2 drops", "3 drops"),
    "cream": ("thin layer", "1 application", "small amount"),
}
"""Form -> doses."""

_TABLE: dict[str, str] = {
    "heart": """Lisinopril tab 5,10,20 mg; Amlodipine tab 5,10 mg; Losartan tab 25,50,100 mg; Atenolol tab 25,50,100 mg;
        Bisoprolol tab 2.5,5,10 mg; Ramipril cap 2.5,5,10 mg; Enalapril tab 5,10,20 mg; Valsartan tab 80,160 mg;
        Metoprolol tab 25,50,100 mg; Carvedilol tab 6.25,12.5,25 mg; Furosemide tab 20,40 mg; Spironolactone tab 25,50 mg;
        Atorvastatin tab 10,20,40 mg; Simvastatin tab 10,20,40 mg; Rosuvastatin tab 5,10,20 mg; Digoxin tab 0.125,0.25 mg;
        Warfarin tab 1,3,5 mg; Apixaban tab 2.5,5 mg; Rivaroxaban tab 10,15,20 mg; Clopidogrel tab 75 mg;
        Aspirin tab 75,100,300 mg; Nifedipine tab 30,60 mg; Verapamil tab 80,120,240 mg; Diltiazem cap 60,90,120 mg;
        Isosorbide tab 10,20 mg; Ezetimibe tab 10 mg; Amiodarone tab 100,200 mg; Hydralazine tab 25,50 mg;
        Indapamide tab 1.5,2.5 mg; Doxazosin tab 1,2,4 mg; Nitroglycerin spray 0.4 mg; Candesartan tab 8,16 mg""",
    "lungs": """Salbutamol puff 100 mcg; Montelukast tab 5,10 mg; Prednisone tab 5,20,40 mg; Budesonide puff 100,200,400 mcg;
        Fluticasone puff 50,125,250 mcg; Tiotropium puff 18 mcg; Formoterol puff 12 mcg; Ipratropium puff 20 mcg;
        Theophylline tab 200,300 mg; Codeine tab 15,30 mg; Ambroxol syrup 15 mg/5 mL; Guaifenesin syrup 100 mg/5 mL;
        Beclometasone puff 50,100 mcg; Acetylcysteine sachet 200,600 mg""",
    "hormones": """Metformin tab 500,850,1000 mg; Gliclazide tab 40,80 mg; Sitagliptin tab 50,100 mg;
        Insulin glargine unit 100 units/mL; Insulin aspart unit 100 units/mL; Levothyroxine tab 25,50,75,100 mcg;
        Carbimazole tab 5,20 mg; Glimepiride tab 1,2,4 mg; Empagliflozin tab 10,25 mg; Dapagliflozin tab 5,10 mg;
        Liothyronine tab 5,25 mcg; Hydrocortisone tab 10,20 mg; Estradiol tab 1,2 mg; Semaglutide inject 0.25,0.5,1 mg;
        Orlistat cap 60,120 mg; Pioglitazone tab 15,30 mg; Dexamethasone tab 0.5,2,4 mg""",
    "mind": """Sertraline tab 25,50,100 mg; Fluoxetine cap 20,40 mg; Citalopram tab 10,20,40 mg; Escitalopram tab 5,10,20 mg;
        Buspirone tab 5,10 mg; Zolpidem tab 5,10 mg; Melatonin tab 2,3,5 mg; Trazodone tab 50,100,150 mg;
        Mirtazapine tab 15,30,45 mg; Venlafaxine cap 37.5,75,150 mg; Quetiapine tab 25,100,200 mg; Olanzapine tab 5,10 mg;
        Risperidone tab 0.5,1,2 mg; Lithium carbonate tab 300,400 mg; Lorazepam tab 0.5,1 mg; Diazepam tab 2,5,10 mg;
        Bupropion tab 150,300 mg; Methylphenidate tab 5,10,18 mg; Duloxetine cap 30,60 mg""",
    "nerves": """Sumatriptan tab 50,100 mg; Propranolol tab 10,40,80 mg; Lamotrigine tab 25,100,200 mg;
        Levetiracetam tab 250,500,1000 mg; Carbamazepine tab 200,400 mg; Gabapentin cap 100,300,600 mg;
        Pregabalin cap 75,150,300 mg; Topiramate tab 25,50,100 mg; Amitriptyline tab 10,25,50 mg; Donepezil tab 5,10 mg;
        Levodopa tab 100,250 mg; Pramipexole tab 0.25,0.5 mg; Betahistine tab 8,16,24 mg; Valproate tab 200,500 mg;
        Rizatriptan tab 5,10 mg; Baclofen tab 10,20 mg""",
    "infection": """Amoxicillin cap 250,500 mg; Azithromycin tab 250,500 mg; Levofloxacin tab 500,750 mg;
        Doxycycline cap 50,100 mg; Penicillin V tab 250,500 mg; Cefalexin cap 250,500 mg; Nitrofurantoin cap 50,100 mg;
        Trimethoprim tab 100,200 mg; Ciprofloxacin tab 250,500 mg; Clarithromycin tab 250,500 mg; Aciclovir tab 200,400 mg;
        Cefuroxime tab 250,500 mg; Clindamycin cap 150,300 mg; Metronidazole tab 250,400 mg; Fluconazole cap 50,150 mg;
        Oseltamivir cap 75 mg; Valaciclovir tab 500,1000 mg; Erythromycin tab 250,500 mg; Co-amoxiclav tab 625 mg;
        Fosfomycin sachet 3 g; Permethrin cream 5 %; Nystatin drop 100000 units/mL""",
    "stomach": """Omeprazole cap 10,20,40 mg; Famotidine tab 20,40 mg; Pantoprazole tab 20,40 mg; Lansoprazole cap 15,30 mg;
        Esomeprazole tab 20,40 mg; Loperamide cap 2 mg; Ondansetron tab 4,8 mg; Metoclopramide tab 10 mg;
        Domperidone tab 10 mg; Mesalazine tab 400,800 mg; Lactulose syrup 10 g/15 mL; Macrogol sachet 13.8 g;
        Mebeverine tab 135 mg; Bisacodyl tab 5 mg; Sucralfate tab 1 g; Simethicone tab 40,80 mg; Senna tab 7.5 mg""",
    "joints": """Ibuprofen tab 200,400,600 mg; Naproxen tab 250,500 mg; Celecoxib cap 100,200 mg; Allopurinol tab 100,300 mg;
        Febuxostat tab 40,80 mg; Diclofenac tab 25,50,75 mg; Paracetamol tab 500,1000 mg; Tramadol cap 50,100 mg;
        Colchicine tab 0.5,0.6 mg; Methotrexate tab 2.5,10 mg; Alendronate tab 10,70 mg; Risedronate tab 5,35 mg;
        Meloxicam tab 7.5,15 mg; Calcium carbonate tab 500,1250 mg; Hydroxychloroquine tab 200 mg;
        Etoricoxib tab 60,90 mg; Cyclobenzaprine tab 5,10 mg""",
    "skin": """Cetirizine tab 5,10 mg; Loratadine tab 10 mg; Hydroxyzine tab 10,25 mg; Fexofenadine tab 120,180 mg;
        Betamethasone cream 0.1 %; Clobetasol cream 0.05 %; Mometasone spray 50 mcg; Acitretin cap 10,25 mg;
        Isotretinoin cap 10,20 mg; Benzoyl peroxide cream 5 %; Terbinafine tab 250 mg; Tacrolimus cream 0.1 %;
        Desloratadine tab 5 mg; Clotrimazole cream 1 %""",
    "blood": """Ferrous sulfate tab 200,325 mg; Folic acid tab 1,5 mg; Vitamin D3 cap 800,1000,2000 IU;
        Vitamin B12 tab 500,1000 mcg; Potassium chloride tab 600 mg; Enoxaparin inject 20,40,60 mg;
        Tranexamic acid tab 500 mg; Tamsulosin cap 0.4 mg; Magnesium citrate sachet 300 mg; Sodium bicarbonate tab 500 mg""",
    "eyes": """Latanoprost drop 0.005 %; Timolol drop 0.25,0.5 %; Acetazolamide tab 250 mg; Ofloxacin drop 0.3 %;
        Chloramphenicol drop 0.5 %; Carbomer drop 0.2 %; Brimonidine drop 0.2 %; Dorzolamide drop 2 %""",
}


def _medicines(text: str) -> tuple[Medicine, ...]:
    """Parse "Name form n,n unit; …"."""
    rows = []
    for entry in text.split(";"):
        words = entry.split()
        at = next(index for index, word in enumerate(words) if word in DOSES)
        numbers, unit = words[at + 1].split(","), " ".join(words[at + 2:])
        rows.append(Medicine(" ".join(words[:at]), words[at], tuple(f"{number} {unit}" for number in numbers)))
    return tuple(rows)


MEDICINES: dict[str, tuple[Medicine, ...]] = {field: _medicines(text) for field, text in _TABLE.items()}
"""Field -> medications; the fields are those of conditions.py."""

FREQUENCIES: tuple[str, ...] = (
    "once daily", "twice daily", "three times daily", "four times daily", "every 4 hours", "every 6 hours",
    "every 8 hours", "every 12 hours", "at bedtime", "every morning", "every evening", "with meals", "before meals",
    "after meals", "as needed", "once weekly", "every other day", "at noon",
)
DURATIONS: tuple[str, ...] = (
    "3 days", "5 days", "7 days", "10 days", "14 days", "21 days", "28 days", "30 days", "1 week", "2 weeks", "4 weeks",
    "6 weeks", "1 month", "2 months", "3 months", "6 months", "ongoing",
)
