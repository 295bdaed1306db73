/** Numbers as Python writes, reads and rounds them. */
import { TemplateRuntimeError, UnsupportedError } from "./errors.js";

/**
 * Digits of an int: as many as the largest float has, and some. Python has no bound, but the time that one step of a
 * template takes grows with the square of them.
 */
export const MAX_INT_DIGITS = 320;
const MAX_INT = 10n ** BigInt(MAX_INT_DIGITS);

/** @throws UnsupportedError where an int has more than {@link MAX_INT_DIGITS} */
export function checkInt(value: bigint): bigint {
  return value < MAX_INT && value > -MAX_INT ? value : tooLong();
}

export function tooLong(): never {
  throw new UnsupportedError(`an int of more than ${MAX_INT_DIGITS} digits`);
}

/** repr() of a float: the shortest digits that read the same, with Python's choice of an exponent. */
export function floatRepr(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  if (value === 0) return "0.0";
  const [mantissa, exponentText] = value.toExponential().split("e");
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  const sign = value < 0 ? "-" : "";
  const digits = mantissa!.replace(/[-.]/g, "");
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}

/** A finite float as a fraction, exactly. */
export function fraction(value: number): [bigint, bigint] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const low = bits & 0xfffffffffffffn;
  const mantissa = (biased === 0 ? low : low | 0x10000000000000n) * (value < 0 ? -1n : 1n);
  const exponent = (biased === 0 ? 1 : biased) - 1075;
  return exponent >= 0 ? [mantissa << BigInt(exponent), 1n] : [mantissa, 1n << BigInt(-exponent)];
}

/** n/d as the nearest float. REQUIRES: d > 0. */
export function ratio(n: bigint, d: bigint): number {
  if (n === 0n) return 0;
  const positive = n < 0n ? -n : n;
  // 64 bits of the quotient and whether anything is left: Number() then rounds once, and rightly.
  let shift = positive.toString(2).length - d.toString(2).length - 64;
  // Below the normal floats there are fewer bits.
  shift = Math.max(shift, -1140);
  const [scaled, by] = shift >= 0 ? [positive, d << BigInt(shift)] : [positive << BigInt(-shift), d];
  const quotient = scaled / by;
  const sticky = quotient * 2n + (scaled % by === 0n ? 0n : 1n);
  const value = Number(sticky) * 2 ** (shift > -1000 ? shift - 1 : -1000) * (shift > -1000 ? 1 : 2 ** (shift + 999));
  return n < 0n ? -value : value;
}

/** n/d rounded to the nearest integer; ties to the even one. REQUIRES: d > 0. */
export function roundHalfEven(n: bigint, d: bigint): bigint {
  const negative = n < 0n;
  const positive = negative ? -n : n;
  const quotient = positive / d;
  const twice = 2n * (positive % d);
  const up = twice > d || (twice === d && quotient % 2n === 1n);
  const rounded = up ? quotient + 1n : quotient;
  return negative ? -rounded : rounded;
}

/** A finite float with `digits` places behind the point, correctly rounded. */
export function toFixed(value: number, digits: number): string {
  const [n, d] = fraction(Math.abs(value));
  const scaled = roundHalfEven(n * 10n ** BigInt(digits), d)
    .toString()
    .padStart(digits + 1, "0");
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const whole = scaled.slice(0, scaled.length - digits);
  return sign + whole + (digits > 0 ? `.${scaled.slice(scaled.length - digits)}` : "");
}

/** A finite float's digits in the form d.ddd and its exponent, correctly rounded. */
function scientific(value: number, digits: number): [string, number] {
  if (value === 0) return ["0".repeat(digits + 1), 0];
  const [n, d] = fraction(Math.abs(value));
  let exponent = Math.floor(Math.log10(Math.abs(value)));
  const scaled = (e: number) => {
    const power = digits - e;
    return power >= 0 ? roundHalfEven(n * 10n ** BigInt(power), d) : roundHalfEven(n, d * 10n ** BigInt(-power));
  };
  const limit = 10n ** BigInt(digits + 1);
  if (scaled(exponent) >= limit) exponent++;
  else if (scaled(exponent) < limit / 10n) exponent--;
  return [scaled(exponent).toString(), exponent];
}

const exponentText = (exponent: number) => `e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;

/** The form `e` of a finite float. */
export function toExponential(value: number, digits: number, alternate = false): string {
  const [text, exponent] = scientific(value, digits);
  const point = digits > 0 || alternate ? "." : "";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  return `${sign}${text[0]}${point}${text.slice(1)}${exponentText(exponent)}`;
}

/** The form `g` of a finite float. */
export function toGeneral(value: number, precision: number, alternate = false): string {
  const digits = Math.max(precision, 1);
  const [, exponent] = scientific(value, digits - 1);
  const trim = (text: string) => (alternate || !text.includes(".") ? text : text.replace(/\.?0+$/, ""));
  if (exponent >= -4 && exponent < digits) return trim(toFixed(value, digits - 1 - exponent));
  const [mantissa, tail] = toExponential(value, digits - 1).split("e");
  return `${trim(mantissa!)}e${tail}`;
}

/** round(value, digits) of a float. */
export function roundFloat(value: number, digits: number): number {
  if (!Number.isFinite(value) || digits > 330) return value;
  if (digits >= 0) return Number(toFixed(value, digits));
  if (digits < -330) return value < 0 ? -0 : 0;
  const power = 10n ** BigInt(-digits);
  const [n, d] = fraction(value);
  const rounded = Number(roundHalfEven(n, d * power) * power);
  return rounded === 0 && (value < 0 || Object.is(value, -0)) ? -0 : rounded;
}

/** int(text, base); undefined where it is no number. */
export function parseInt(text: string, base: number): bigint | undefined {
  if (base !== 0 && (base < 2 || base > 36)) throw new TemplateRuntimeError("int() base must be >= 2 and <= 36, or 0");
  const match = /^([-+]?)(?:(0[xob])_?)?([0-9a-z]+(?:_[0-9a-z]+)*)$/i.exec(text.trim());
  if (match === null) {
    if (/(?![0-9])\p{Nd}/u.test(text)) throw new UnsupportedError("digits of other scripts");
    return undefined;
  }
  const [, sign, prefix, digits] = match;
  const prefixBase = { x: 16, o: 8, b: 2 }[prefix?.[1]?.toLowerCase() ?? ""];
  let radix = base;
  let body = digits!.replaceAll("_", "").toLowerCase();
  if (prefix !== undefined) {
    if (base === 0 || base === prefixBase) radix = prefixBase!;
    else body = prefix.toLowerCase() + body;
  }
  if (radix === 0) {
    if (/^0+[1-9]/.test(body)) return undefined;
    radix = 10;
  }
  let value = 0n;
  if (body.length > MAX_INT_DIGITS * 4) tooLong();
  for (const character of body) {
    const digit = Number.parseInt(character, 36);
    if (!(digit < radix)) return undefined;
    value = value * BigInt(radix) + BigInt(digit);
  }
  return checkInt(sign === "-" ? -value : value);
}

/** float(text); undefined where it is no number. */
export function parseFloat(text: string): number | undefined {
  const trimmed = text.trim().toLowerCase();
  if (/^[-+]?(\d+(_\d+)*(\.(\d+(_\d+)*)?)?|\.\d+(_\d+)*)(e[-+]?\d+(_\d+)*)?$/.test(trimmed)) {
    return Number(trimmed.replaceAll("_", ""));
  }
  if (/^[-+]?inf(inity)?$/.test(trimmed)) return trimmed.startsWith("-") ? -Infinity : Infinity;
  if (/^[-+]?nan$/.test(trimmed)) return NaN;
  if (/(?![0-9])\p{Nd}/u.test(text)) throw new UnsupportedError("digits of other scripts");
  return undefined;
}

/** int(value) of a float. */
export function truncate(value: number): bigint {
  if (!Number.isFinite(value)) throw new TemplateRuntimeError("cannot convert float infinity or NaN to integer");
  return BigInt(Math.trunc(value));
}

/** float(value) of an int. */
export function toFloat(value: bigint): number {
  const float = Number(value);
  if (!Number.isFinite(float)) throw new TemplateRuntimeError("int too large to convert to float");
  return float;
}
