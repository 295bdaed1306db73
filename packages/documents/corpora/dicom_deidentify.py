"""Looks at what deidentify made of the DICOM files of pydicom and pydicom-data: called by dicom-deidentify.mjs.

    dicom_deidentify.py list     prints the files
    dicom_deidentify.py FOLDER   looks at those that FOLDER/rows.json names

Of each file: pydicom reads it; its pixel data has the same bytes; no private attribute and none whose action is X is left, in
sequences too; attributes with U have other UIDs; no name, number, date, address or UID of the original stands anywhere in its bytes;
it says that it was deidentified; dcmdump has nothing to say. What else the profile removes and an attribute that it keeps repeats,
such as a maker's name, is counted.
"""

import json
import logging
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pydicom
from dicom_reference import FOLDERS, OTHERS, SITE
from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as fields
from pydicom.multival import MultiValue

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
TEXTS = {"AE", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "UC", "UI", "UR", "UT"}
# Of these attributes no value may be left; of other texts of the table one may stand elsewhere.
NAMING = {"PN", "DA", "DT", "UI", "AE"}
NUMBERS = ("PatientID", "AccessionNumber", "StudyID", "OtherPatientIDs", "InstitutionAddress", "PatientAddress", "PatientTelephoneNumbers")
LEAST = 6


def tags(name):
    return {tag[:2] for tag in getattr(fields, name) if len(tag) == 2}


TABLE, REMOVED, UIDS = tags("ALL_TAGS"), tags("X_TAGS"), tags("U_TAGS")


def elements(ds):
    for element in ds:
        yield element
        if element.VR == "SQ":
            for item in element.value:
                yield from elements(item)


def values(element):
    all_values = element.value if isinstance(element.value, (MultiValue, list)) else [element.value]
    return [str(value) for value in all_values if len(str(value)) >= LEAST]


def faults(row):
    before = pydicom.dcmread(row["from"], force=True)
    after = pydicom.dcmread(row["to"])
    raw = Path(row["to"]).read_bytes()
    for keyword in PIXELS:
        if keyword in before:
            if before[keyword].value != after[keyword].value:
                yield "other pixels"
            raw = raw.replace(after[keyword].value, b"") if len(after[keyword].value) else raw
    for element in elements(after):
        tag = (element.tag.group, element.tag.element)
        if element.tag.is_private:
            yield "a private attribute"
        if tag in REMOVED:
            yield f"{element.keyword} is there"
    for element in elements(before):
        tag = (element.tag.group, element.tag.element)
        if element.VR not in TEXTS or not (tag in TABLE or element.tag.is_private):
            continue
        for value in values(element):
            encoded = value.encode("latin1", "ignore")
            if len(encoded) < LEAST or value.startswith("1.2.840.10008.") or encoded not in raw:
                continue
            strict = tag in UIDS or (tag in TABLE and (element.VR in NAMING or element.keyword in NUMBERS))
            yield f"{element.keyword or 'a private attribute'} is left" if strict else "repeated"
    if after.PatientIdentityRemoved != "YES" or after.DeidentificationMethodCodeSequence[0].CodeValue != "113100":
        yield "it does not say what it is"
    if shutil.which("dcmdump"):
        seen = subprocess.run(["dcmdump", "-q", row["to"]], capture_output=True, check=False)
        if seen.returncode != 0 or seen.stderr:
            yield "dcmdump complains"


def main():
    if sys.argv[1] == "list":
        for root in FOLDERS:
            for path in sorted((SITE / root).rglob("*")):
                if path.is_file() and path.suffix not in OTHERS:
                    print(path)
        return 0
    rows = json.loads((Path(sys.argv[1]) / "rows.json").read_text())
    wrong = repeated = 0
    for row in rows:
        found = list(faults(row))
        repeated += "repeated" in found
        bad = sorted({fault for fault in found if fault != "repeated"})
        if bad:
            wrong += 1
            print(f"wrong: {Path(row['from']).name}: {', '.join(bad)}")
    print(f"{len(rows) - wrong} of {len(rows)} right; {repeated} with a word of a removed text in an attribute that the profile keeps")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
