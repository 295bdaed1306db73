"""Chooses what stands on a page: the values of its fields, and which of them training never saw."""
from __future__ import annotations

import datetime
import random
from typing import Any

from pages import inventing, lists
from pages.lists import conditions, laboratory, medicines

INVENTED_SHARE = 0.6
"""Training: how often a name, diagnosis, symptom, medication or test is invented."""
HELD_OUT_SHARE = 0.4
"""Test: how often it is one that training never prints."""
FREE_NUMBER_SHARE = 0.5
"""Training: how often a strength, dose, frequency, duration or result takes any number."""

_FIRST_DAY = datetime.date(2018, 1, 1).toordinal()
_LAST_DAY = datetime.date(2029, 12, 31).toordinal()
DATE_FORMATS: tuple[str, ...] = (
    "{d:02}/{m:02}/{y}", "{y}-{m:02}-{d:02}", "{d} {mon} {y}", "{month} {d}, {y}", "{d:02}.{m:02}.{y}", "{d:02}-{mon}-{y}",
    "{d} {month} {y}", "{m:02}/{d:02}/{y}", "{mon} {d}, {y}", "{d}/{m}/{y}", "{y}/{m:02}/{d:02}",
)


def date_text(rng: random.Random) -> str:
    """A date of the years 2018 to 2029 in one of the formats."""
    day = datetime.date.fromordinal(rng.randint(_FIRST_DAY, _LAST_DAY))
    month = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
             "November", "December")[day.month - 1]
    return rng.choice(DATE_FORMATS).format(d=day.day, m=day.month, y=day.year, mon=month[:3], month=month)


class Chooser:
    """Draws values for one page. `unseen` collects the paths of those that hold a held-out word."""

    def __init__(self, rng: random.Random, train: bool) -> None:
        self.rng = rng
        self.train = train
        self.unseen: list[str] = []

    def _listed(self, kind: str, held_out: bool, among: set[str] | None) -> str:
        """A list value; one of `among` where the wanted half of the list has such."""
        half = lists.KINDS[kind][held_out]
        fitting = [value for value in half if value in among] if among else half
        return self.rng.choice(fitting or half)

    def value(self, kind: str, path: str, among: set[str] | None = None) -> str:
        """A value of `kind` for the field at `path`."""
        if self.train:
            if self.rng.random() < INVENTED_SHARE:
                return inventing.invent(self.rng, "first name" if kind.endswith("male name") else kind)
            return self._listed(kind, False, among)
        held_out = self.rng.random() < HELD_OUT_SHARE
        if held_out and path not in self.unseen:
            self.unseen.append(path)
        return self._listed(kind, held_out, among)

    def _free(self) -> bool:
        return self.train and self.rng.random() < FREE_NUMBER_SHARE

    def people(self) -> dict[str, str]:
        """patient, age, sex and date."""
        rng = self.rng
        sex = rng.choice(("M", "F", "Male", "Female"))
        first = self.value("male name" if sex[0] == "M" else "female name", "patient")
        last = self.value("last name", "patient")
        return {"patient": f"{first} {last}", "age": str(rng.randint(1, 99)), "sex": sex, "date": date_text(rng)}

    def medication(self, path: str, field: str) -> dict[str, str]:
        """All five parts of a medication, for the field of medicine if possible."""
        rng = self.rng
        name = self.value("medication", f"{path}.name", {medicine.name for medicine in medicines.MEDICINES[field]})
        medicine = lists.MEDICINE.get(name) or rng.choice(medicines.MEDICINES[field])
        return {
            "name": name,
            "strength": inventing.strength(rng) if self._free() else rng.choice(medicine.strengths),
            "dose": inventing.dose(rng) if self._free() else rng.choice(medicines.DOSES[medicine.form]),
            "frequency": inventing.frequency(rng) if self._free() else rng.choice(medicines.FREQUENCIES),
            "duration": inventing.duration(rng) if self._free() else rng.choice(medicines.DURATIONS),
        }

    def test(self, path: str) -> dict[str, str]:
        """A laboratory test and its result; a third of the results lie outside the usual range."""
        rng = self.rng
        name = self.value("test", f"{path}.name")
        if self._free():
            return {"name": name, "value": inventing.result(rng)}
        test = lists.TEST.get(name) or rng.choice(laboratory.TESTS)
        width = test.high - test.low
        low, high = (test.low, test.high) if rng.random() < 0.66 else (max(0.0, test.low - 0.4 * width), test.high + width)
        return {"name": name, "value": f"{rng.uniform(low, high):.{test.decimals}f} {test.unit}"}

    def distinct(self, draw: Any, count: int, key: str | None) -> list[Any]:
        """`count` draws of draw(i) that differ in their name, each tried again with the same path."""
        found: list[Any] = []
        names: set[str] = set()
        while len(found) < count:
            before = list(self.unseen)
            item = draw(len(found))
            name = (item[key] if key else item).casefold()
            if name in names:
                self.unseen = before
                continue
            names.add(name)
            found.append(item)
        return found


def choose_fields(rng: random.Random, layout: str, train: bool, count: int) -> tuple[dict[str, Any], list[str]]:
    """The fields of a page with `count` medications or tests, and the paths of unseen values."""
    chooser = Chooser(rng, train)
    fields: dict[str, Any] = chooser.people()
    if layout == "lab":
        fields["tests"] = chooser.distinct(lambda i: chooser.test(f"tests.{i}"), count, "name")
        return fields, chooser.unseen
    field = rng.choice(tuple(conditions.DIAGNOSES))
    if layout in ("prescription", "card"):
        fields["diagnosis"] = chooser.value("diagnosis", "diagnosis", set(conditions.DIAGNOSES[field]))
    if layout == "card":
        near = set(conditions.SYMPTOMS[field])
        fields["symptoms"] = chooser.distinct(
            lambda i: chooser.value("symptom", f"symptoms.{i}", near if rng.random() < 0.7 else None), rng.choice((2, 3)), None)
    groups = tuple(medicines.MEDICINES)
    fields["medications"] = chooser.distinct(
        lambda i: chooser.medication(f"medications.{i}", rng.choice(groups) if layout == "list" else field), count, "name")
    return fields, chooser.unseen
