"""Writes the tables that the DICOM reader and deidentify are built on, from the packages named below.

    python3 -m venv out/dicom && out/dicom/bin/pip install pydicom==3.0.2 dicom-anonymizer==2.1.0
    out/dicom/bin/python packages/documents/corpora/dicom_tables.py

- dictionary-table.ts: tag, VR and keyword of every public attribute, from pydicom's copy of PS3.6 and PS3.7.
- profile-table.ts: the actions of the Basic Application Level Confidentiality Profile, PS3.15 table E.1-1, from
  dicom-anonymizer's copy of edition 2026c.
"""

import importlib.metadata
from pathlib import Path

from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as fields
from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary

FOLDER = Path(__file__).parent.parent / "src" / "kinds" / "dicom"
# VRs that depend on the picture, in two letters that no VR has.
AMBIGUOUS = {"US or SS": "us", "OB or OW": "ow", "US or OW": "uw", "US or SS or OW": "sw", "NONE": "--"}


def version(package: str) -> str:
    return f"{package} {importlib.metadata.version(package)}"


def dictionary() -> str:
    lines = [
        f"{tag:08x}{AMBIGUOUS.get(vr, vr)}{keyword}"
        for tag, (vr, _, _, _, keyword) in sorted(DicomDictionary.items())
        if keyword and tag >> 16 >= 2 and tag >> 16 != 0xFFFE
    ]
    lines += [f"{mask.lower()}{AMBIGUOUS.get(vr, vr)}{keyword}" for mask, (vr, _, _, _, keyword) in RepeatersDictionary.items() if keyword]
    return (
        f"// Made by corpora/dicom_tables.py from {version('pydicom')}, which takes it from PS3.6: not to be edited.\n\n"
        "/** Of each public attribute: its tag (8 hexadecimal digits, x for any), its VR (lower case: one of several), its keyword. */\n"
        "export const dictionaryTable = `\n" + "\n".join(lines) + "\n`;\n"
    )


def profile() -> str:
    names = {
        "D_TAGS": "D",
        "Z_TAGS": "Z",
        "X_TAGS": "X",
        "U_TAGS": "U",
        "Z_D_TAGS": "Z/D",
        "X_Z_TAGS": "X/Z",
        "X_D_TAGS": "X/D",
        "X_Z_D_TAGS": "X/Z/D",
        "X_Z_U_STAR_TAGS": "X/Z/U*",
    }
    actions: dict[str, str] = {}
    for name, action in names.items():
        for tag in getattr(fields, name):
            group, element = tag[:2]
            # A mask says which digits count: (50xx,eeee) and (60xx,eeee) are whole families.
            key = f"{group:04x}{element:04x}"
            if len(tag) == 4 and tag[2] != 0xFFFF:
                key = f"{key[:2]}xx{key[4:] if tag[3] else 'xxxx'}"
            assert key not in actions, key
            actions[key] = action
    lines = [f"{key} {actions[key]}" for key in sorted(actions)]
    return (
        f"// Made by corpora/dicom_tables.py from {version('dicom-anonymizer')}, edition 2026c of PS3.15: not to be edited.\n\n"
        "/** Of each attribute of table E.1-1: its tag (8 hexadecimal digits, x for any) and its action in the basic profile. */\n"
        "export const profileTable = `\n" + "\n".join(lines) + "\n`;\n"
    )


(FOLDER / "dictionary-table.ts").write_text(dictionary())
(FOLDER / "profile-table.ts").write_text(profile())
