/** Python's strftime() of a date without a zone, in English whatever the host's language: models were trained with it. */

const months = "January February March April May June July August September October November December".split(" ");
const days = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");

const DAY = 86_400_000;

/** Days since the first of January, which is 0. */
function dayOfYear(date: Date): number {
  const midnight = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((midnight - Date.UTC(date.getFullYear(), 0, 1)) / DAY);
}

/** Year and week as ISO 8601 counts them. */
function isoWeek(date: Date): [year: number, week: number] {
  const thursday = new Date(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()));
  thursday.setUTCDate(thursday.getUTCDate() + 4 - (thursday.getUTCDay() || 7));
  const year = thursday.getUTCFullYear();
  return [year, Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY / 7) + 1];
}

/** Each letter's number or text, how wide it is, and what fills it. */
type Field = readonly [value: number | string, width?: number, fill?: "0" | " "];

function field(date: Date, letter: string): Field | undefined {
  const hour12 = date.getHours() % 12 || 12;
  const all = (format: string): Field => [strftime(date, format)];
  switch (letter) {
    case "a":
      return [days[date.getDay()]!.slice(0, 3)];
    case "A":
      return [days[date.getDay()]!];
    case "b":
    case "h":
      return [months[date.getMonth()]!.slice(0, 3)];
    case "B":
      return [months[date.getMonth()]!];
    case "c":
      return all("%a %b %e %H:%M:%S %Y");
    case "C":
      return [Math.floor(date.getFullYear() / 100), 2];
    case "d":
      return [date.getDate(), 2];
    case "D":
    case "x":
      return all("%m/%d/%y");
    case "e":
      return [date.getDate(), 2, " "];
    case "f":
      return [date.getMilliseconds() * 1000, 6];
    case "F":
      return all("%Y-%m-%d");
    case "g":
      return [isoWeek(date)[0] % 100, 2];
    case "G":
      return [isoWeek(date)[0], 4];
    case "H":
      return [date.getHours(), 2];
    case "I":
      return [hour12, 2];
    case "j":
      return [dayOfYear(date) + 1, 3];
    case "k":
      return [date.getHours(), 2, " "];
    case "l":
      return [hour12, 2, " "];
    case "m":
      return [date.getMonth() + 1, 2];
    case "M":
      return [date.getMinutes(), 2];
    case "n":
      return ["\n"];
    case "p":
      return [date.getHours() < 12 ? "AM" : "PM"];
    case "P":
      return [date.getHours() < 12 ? "am" : "pm"];
    case "r":
      return all("%I:%M:%S %p");
    case "R":
      return all("%H:%M");
    case "s":
      return [Math.floor(date.getTime() / 1000)];
    case "S":
      return [date.getSeconds(), 2];
    case "t":
      return ["\t"];
    case "T":
    case "X":
      return all("%H:%M:%S");
    case "u":
      return [date.getDay() || 7];
    case "U":
      return [Math.floor((dayOfYear(date) + 7 - date.getDay()) / 7), 2];
    case "V":
      return [isoWeek(date)[1], 2];
    case "w":
      return [date.getDay()];
    case "W":
      return [Math.floor((dayOfYear(date) + 7 - ((date.getDay() + 6) % 7)) / 7), 2];
    case "y":
      return [date.getFullYear() % 100, 2];
    case "Y":
      return [date.getFullYear()];
    case "z":
    case "Z":
      return [""];
    case "%":
      return ["%"];
    default:
      return undefined;
  }
}

/** The date by a format. A code that nobody knows stays as it is, as in C's own function on Linux. */
export function strftime(date: Date, format: string): string {
  return format.replace(/%([-_0^#]?)([A-Za-z%])/g, (code, flag: string, letter: string) => {
    const found = field(date, letter);
    if (found === undefined) return code;
    const [value, width = 1, fill = "0"] = found;
    if (typeof value === "string") {
      if (flag === "^") return value.toUpperCase();
      if (flag === "#") return letter === "p" ? value.toLowerCase() : value.toUpperCase();
      return value;
    }
    if (flag === "-") return String(value);
    return String(value).padStart(width, flag === "_" ? " " : flag === "0" ? "0" : fill);
  });
}
