"""Laboratory tests with a unit, a plausible range and decimals. Our own choice; no reference for care."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Test:
    """A test; `low` and `high` bound the usual reference range."""

    name: str
    unit: str
    low: float
    high: float
    decimals: int


_TABLE = """
Hemoglobin|g/dL|12|17|1
Hematocrit|%|36|50|1
White cells|10^9/L|4|11|1
Red cells|10^12/L|3.9|5.8|2
Platelets|10^9/L|150|400|0
MCV|fL|80|100|0
MCH|pg|27|33|1
Neutrophils|%|40|75|0
Lymphocytes|%|20|45|0
Monocytes|%|2|10|0
Eosinophils|%|0|6|1
Basophils|%|0|2|1
Reticulocytes|%|0.5|2.5|1
Glucose|mg/dL|70|110|0
Fasting glucose|mmol/L|3.9|6.1|1
HbA1c|%|4|6.5|1
Creatinine|mg/dL|0.5|1.3|2
Urea|mg/dL|15|45|0
BUN|mg/dL|7|20|0
Uric acid|mg/dL|2.5|7.2|1
eGFR|mL/min|60|120|0
Sodium|mmol/L|135|146|0
Potassium|mmol/L|3.5|5.1|1
Chloride|mmol/L|98|107|0
Calcium|mg/dL|8.5|10.5|1
Magnesium|mg/dL|1.7|2.4|1
Phosphate|mg/dL|2.5|4.5|1
Bicarbonate|mmol/L|22|29|0
Zinc|ug/dL|70|120|0
Copper|ug/dL|70|140|0
Iron|ug/dL|50|170|0
Ferritin|ng/mL|15|300|0
Transferrin|mg/dL|200|360|0
TIBC|ug/dL|250|450|0
Total cholesterol|mg/dL|120|220|0
LDL|mg/dL|60|140|0
HDL|mg/dL|35|80|0
Triglycerides|mg/dL|50|180|0
ALT|U/L|7|45|0
AST|U/L|8|40|0
ALP|U/L|40|130|0
Gamma GT|U/L|8|60|0
LDH|U/L|120|250|0
Bilirubin|mg/dL|0.2|1.2|1
Direct bilirubin|mg/dL|0|0.4|2
Albumin|g/dL|3.5|5.2|1
Total protein|g/dL|6|8.3|1
Amylase|U/L|28|100|0
Lipase|U/L|10|60|0
CK|U/L|30|200|0
CK-MB|ng/mL|0|5|1
Troponin I|ng/L|0|14|0
Troponin T|ng/L|0|14|1
NT-proBNP|pg/mL|20|450|0
D-dimer|mg/L|0.1|0.5|2
Fibrinogen|mg/dL|200|400|0
INR|ratio|0.8|1.2|1
Prothrombin time|s|11|14|1
aPTT|s|25|38|0
CRP|mg/L|0|5|1
ESR|mm/h|0|20|0
Procalcitonin|ng/mL|0|0.5|2
TSH|mIU/L|0.4|4.2|2
Free T3|pg/mL|2|4.4|1
Free T4|ng/dL|0.8|1.8|2
Cortisol|ug/dL|5|23|1
Prolactin|ng/mL|4|25|1
Testosterone|ng/dL|15|900|0
Estradiol|pg/mL|20|350|0
FSH|IU/L|2|12|1
LH|IU/L|1|12|1
Insulin|uIU/mL|2|25|1
C-peptide|ng/mL|0.8|3.9|1
Parathormone|pg/mL|15|65|0
Vitamin D|ng/mL|20|60|0
Vitamin B12|pg/mL|200|900|0
Folate|ng/mL|3|20|1
PSA|ng/mL|0|4|2
CEA|ng/mL|0|5|1
CA 125|U/mL|0|35|0
AFP|ng/mL|0|9|1
Rheumatoid factor|IU/mL|0|14|0
Anti-CCP|U/mL|0|17|0
ASO|IU/mL|0|200|0
Ammonia|umol/L|11|50|0
Lactate|mmol/L|0.5|2|1
Homocysteine|umol/L|5|15|1
"""


def _tests() -> tuple[Test, ...]:
    rows = (line.split("|") for line in _TABLE.strip().splitlines())
    return tuple(Test(name, unit, float(low), float(high), int(decimals)) for name, unit, low, high, decimals in rows)


TESTS: tuple[Test, ...] = _tests()
UNITS: tuple[str, ...] = tuple(dict.fromkeys(test.unit for test in TESTS))
