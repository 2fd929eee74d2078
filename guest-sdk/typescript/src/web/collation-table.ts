/**
 * The order of characters that text is sorted by, as far as a sync may need it: Latin
 * letters, digits, punctuation and common symbols. Source: the root collation of CLDR, as
 * ICU 78 has it; `test/web/collation.test.ts` holds it against Node's.
 */

/**
 * A character for each primary weight, lowest first, in lower case and without accents.
 * White space and punctuation come first, then symbols, digits and letters.
 */
export const ORDER: string =
  '\t\n\v\f\r\u0085\u2028\u2029 ‾_‗-‐‒–—―⁓,;⁏:!¡?¿‽.·⁕⁖⁘⁙⁚⁛⁜⁝⁞\'‹›"«»()[]{}⁅⁆‖§¶⁋@*⁎⁑/\\&' +
  '⁊#%‰‱†‡•‣‧⁃⁌⁍′⁗‵‸※‿⁔⁀⁐⁁⁂`´^¯¨¸°©®←→↔∑+±÷×<=>¬|¦~−⁒⁄√∞≤≥¤¢$£¥₤₩€₹₽₿0123456789abƀƃcȼƈdƌȡ' +
  'eɇǝfƒgǥƣhƕiıjȷɉkƙlƚȴƛmnƞȵŋoȣpƥqɋĸrɍsȿƪtŧƫƭȶuvwxyɏƴȝzƶȥɀƹƺþƿƻƨƽƅɂǀǁǂǃ';

/** The first symbol: what stands before it in `ORDER` is white space or punctuation. */
export const FIRST_SYMBOL = '`';

/** The first currency: what stands between the two is a symbol, as emoji are. */
export const FIRST_CURRENCY = '¤';

/**
 * Characters that sort as others: the character, then these. A star is an accent that no
 * mark stands for; more stars are a later one.
 */
export const EXPANDED: readonly string[] = (
  'ªa ²2 ³3 ¹1 ºo ¼1⁄4 ½1⁄2 ¾3⁄4 ßs*s æa*e ðd* øo\u0338 đd\u0335 ħh\u0335 ĳij ŀl* łl' +
  '\u0335 œo*e ſs* ƍzw ƾts ǆdz\u030c ǉlj ǌnj ǳdz ȸdb ȹqp ‘\'* ’\'** ‚\'*** ‛\'**** “"' +
  '* ”"** „"*** ‟"**** ․. ‥.. …... ″′′ ‴′′′ ‶‵‵ ‷‵‵‵ ‼!! ⁇?? ⁈?! ⁉!? ⁰0 ⁴4 ⁵5 ⁶6 ⁷7 ⁸8 ⁹9' +
  ' ™tm №no µμ ŉʼn'
).split(' ');

/** Spaces that sort as the plain one. */
export const SPACES = '\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u205f\u00a0\u2007\u202f';

/**
 * The last two digits of the combining marks U+0300 to U+036F, lowest first. Marks that
 * stand together weigh the same.
 */
export const MARKS: readonly string[] = (
  '32 13 14 01 00 06 02 0c 0a 42 08 0b 03 07 38 27 28 04 ' +
  '0d0e12151a3d3e3f464a4b4c505152575b5d5e ' +
  '161718191c1d1e1f20292a2b2c2f333a3b3c4748494d4e53545556595a5c5f62 ' +
  '3637 35 05 09 0f 10 11 1b 21 22 23 24 25 26 2d 2e 30 31 34 39 45 58 60 61 63 68 69 64 6a 65 ' +
  '6b 66 6c 6d 67 6e 6f'
).split(' ');
