/** Days as people write them. */

export interface Day {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** In which order day and month stand where only numbers are written with slashes or dashes: `03/04/2026`. */
export type DateOrder = "dmy" | "mdy";

/** Languages whose names of months are known; Intl has the names. */
const LANGUAGES = ["en", "de", "fr", "es", "it", "nl", "pt"] as const;

/** Every name and short form of a month to its number; one that two months share in two languages is left out. */
const months: ReadonlyMap<string, number> = namesOfMonths();

function namesOfMonths(): Map<string, number> {
  const found = new Map<string, number>();
  const shared = new Set<string>();
  for (const language of LANGUAGES) {
    for (const style of ["long", "short"] as const) {
      // With a day beside it a month has the form in which dates have it.
      const format = new Intl.DateTimeFormat(language, { month: style, day: "numeric", timeZone: "UTC" });
      for (let month = 1; month <= 12; month++) {
        const parts = format.formatToParts(Date.UTC(2026, month - 1, 1));
        const name = key(parts.find(({ type }) => type === "month")!.value);
        for (const each of [name, name.slice(0, 3)]) {
          if (found.has(each) && found.get(each) !== month) shared.add(each);
          found.set(each, month);
        }
      }
    }
  }
  for (const name of shared) found.delete(name);
  return found;
}

function key(name: string): string {
  return name.toLowerCase().normalize("NFC").replace(/\.$/u, "");
}

/**
 * The day that a text names, where it can name no other: a year of four digits with the month as a word, in the order of ISO 8601
 * (`2026-03-04`, `2026/03/04`), with points (`04.03.2026`, day first wherever points are used), or with slashes or dashes where
 * one of the two numbers can be no month, both are the same, or `order` says which is which.
 */
export function readDay(text: string, order?: DateOrder): Day | undefined {
  const trimmed = text.trim();
  const year = /^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})$/u.exec(trimmed);
  if (year) return checked(Number(year[1]), Number(year[3]), Number(year[4]));
  const numbers = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4})$/u.exec(trimmed);
  if (numbers) return ofNumbers(Number(numbers[1]), Number(numbers[3]), Number(numbers[4]), numbers[2] === ".", order);
  const dayFirst = /^(\d{1,2})(?:st|nd|rd|th|\.)?[\s-]+(?:de\s+)?(\p{L}+)\.?,?[\s-]+(?:de\s+)?(\d{4})$/iu.exec(trimmed);
  if (dayFirst) return ofName(dayFirst[2]!, Number(dayFirst[1]), Number(dayFirst[3]));
  const monthFirst = /^(\p{L}+)\.?[\s-]+(\d{1,2})(?:st|nd|rd|th)?,?[\s-]+(\d{4})$/iu.exec(trimmed);
  if (monthFirst) return ofName(monthFirst[1]!, Number(monthFirst[2]), Number(monthFirst[3]));
  return undefined;
}

function ofName(name: string, day: number, year: number): Day | undefined {
  const month = months.get(key(name));
  return month === undefined ? undefined : checked(year, month, day);
}

function ofNumbers(first: number, second: number, year: number, points: boolean, order?: DateOrder): Day | undefined {
  if (points || first === second) return checked(year, second, first);
  const dayFirst = checked(year, second, first);
  const monthFirst = checked(year, first, second);
  if (dayFirst === undefined || monthFirst === undefined) return dayFirst ?? monthFirst;
  if (order === undefined) return undefined;
  return order === "dmy" ? dayFirst : monthFirst;
}

/** The day, where the calendar has it. */
function checked(year: number, month: number, day: number): Day | undefined {
  const date = new Date(Date.UTC(year, month - 1, day));
  const right = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && date.getUTCFullYear() === year;
  return right ? { year, month, day } : undefined;
}

/** `2026-03-04`. */
export function isoDay({ year, month, day }: Day): string {
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`;
}

/** Texts that can mean this day alone. */
export function formsOfDay(day: Day): string[] {
  const { year } = day;
  const forms: string[] = [];
  for (const [d, m] of [
    [String(day.day), String(day.month)],
    [two(day.day), two(day.month)],
  ] as const) {
    forms.push(`${year}-${m}-${d}`, `${year}/${m}/${d}`, `${year}.${m}.${d}`, `${d}.${m}.${year}`);
    for (const numbers of [`${d}/${m}/${year}`, `${d}-${m}-${year}`, `${m}/${d}/${year}`, `${m}-${d}-${year}`]) {
      if (readDay(numbers) !== undefined) forms.push(numbers);
    }
    for (const [name, month] of months) {
      if (month !== day.month) continue;
      forms.push(`${d} ${name} ${year}`, `${d}. ${name} ${year}`, `${d} de ${name} de ${year}`, `${name} ${d} ${year}`);
      forms.push(`${name} ${d}, ${year}`, `${name}. ${d}, ${year}`, `${d} ${name}. ${year}`);
    }
  }
  return [...new Set(forms)];
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
