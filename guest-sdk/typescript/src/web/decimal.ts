/**
 * Numbers as decimal digits, rounded as `Intl.NumberFormat` does: half away from zero, on
 * the shortest digits that mean the number (1.005 rounds to 1.01, where `toFixed` gives
 * 1.00, because the nearest double is a little less).
 */

/** A number that is not negative: 0.`digits` times 10 to the `point`. */
export interface Decimal {
  digits: string;
  point: number;
}

/** The digits of a finite number or a bigint, without its sign. */
export function decimalOf(value: number | bigint): Decimal {
  const text = String(value).replace(/^-/, '');
  const [mantissa, exponent = '0'] = text.split('e');
  const [whole, fraction = ''] = mantissa!.split('.');
  return trimmed({ digits: whole! + fraction, point: whole!.length + Number(exponent) });
}

/** The number with its decimal point moved: times 10 to the `by`. */
export function shifted({ digits, point }: Decimal, by: number): Decimal {
  return digits === '' ? { digits, point } : { digits, point: point + by };
}

/** Rounds to at most `count` digits, counted from the first that is not 0. */
export function roundedTo({ digits, point }: Decimal, count: number): Decimal {
  if (digits.length <= count) return { digits, point };
  if (count < 0) return { digits: '', point: 0 };
  const kept = digits.slice(0, count);
  if (digits[count]! < '5') return trimmed({ digits: kept, point });
  const up = String(BigInt(`1${kept}`) + 1n);
  // The leading 1 keeps zeros; it has become a 2 if all digits were 9.
  return trimmed({ digits: up[0] === '2' ? `1${up.slice(1)}` : up.slice(1), point: up[0] === '2' ? point + 1 : point });
}

/** Rounds to at most `count` digits after the decimal point. */
export function roundedAfterPoint(decimal: Decimal, count: number): Decimal {
  return roundedTo(decimal, decimal.point + count);
}

/** The digits before and after the decimal point, at least so many of each. */
export function split(
  { digits, point }: Decimal,
  leastBefore: number,
  leastAfter: number,
): [before: string, after: string] {
  const before = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '';
  const after = point > 0 ? digits.slice(point) : '0'.repeat(digits ? -point : 0) + digits;
  return [before.padStart(leastBefore, '0'), after.padEnd(leastAfter, '0')];
}

function trimmed({ digits, point }: Decimal): Decimal {
  const from = digits.search(/[1-9]/);
  if (from < 0) return { digits: '', point: 0 };
  return { digits: digits.slice(from).replace(/0+$/, ''), point: point - from };
}
