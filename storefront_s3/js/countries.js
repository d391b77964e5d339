/** The countries to choose from, by ISO 3166-1 alpha-2 code; the browser knows their names. */

const CODES =
  "AD AE AR AT AU BA BE BG BO BR CA CH CL CN CO CR CY CZ DE DK DO EC EE EG ES FI FR GB GR GT HK HR " +
  "HU ID IE IL IN IS IT JP KE KR LI LT LU LV MA MC MD ME MK MT MX MY NG NL NO NZ PA PE PH PK PL PT " +
  "PY RO RS SA SE SG SI SK TH TR TW UA US UY VN ZA";

/** ISO 3166-1 leaves XX to everyone's own use; the sandbox's carrier refuses it. */
const NOWHERE = { code: "XX", name: "Nowhere (a test: no carrier goes there)" };

/** `[{code, name}]` sorted by name; the test country comes last. */
export function countries() {
  const names = new Intl.DisplayNames("en", { type: "region" });
  const known = CODES.split(" ")
    .map((code) => ({ code, name: names.of(code) }))
    .sort((one, other) => one.name.localeCompare(other.name));
  return [...known, NOWHERE];
}
