/** What a program calls things; all else in a request may be what a person wrote. */
const nameOfProgram = /^[\w.-]{1,40}$/;

/**
 * A message of the engine's without texts of the request that it repeats: each value that it quotes, and wherever it stands
 * whatever is no name such as `look_up`. For those who call the library its messages say which value is meant; over HTTP they
 * pass through logs and other hands.
 *
 * @param body of the request
 */
export function withoutTexts(message: string, body: unknown): string {
  let result = message;
  for (const { text, isKey } of textsOf(body, message.length)) {
    const written = JSON.stringify(text).slice(1, -1);
    if (!isKey) result = replaced(result, [`"${text}"`, `"${written}"`], "(a text)");
    if (!nameOfProgram.test(text)) result = replaced(result, [text, written], isKey ? "(a name)" : "(a text)");
  }
  return result;
}

function replaced(message: string, forms: readonly string[], by: string): string {
  return forms.reduce((text, form) => (/\w/.test(form) ? text.replaceAll(form, by) : text), message);
}

/** All texts in a value that are short enough to be repeated, and the longest first: one may be a part of another. */
function textsOf(value: unknown, longest: number): { text: string; isKey: boolean }[] {
  const found: { text: string; isKey: boolean }[] = [];
  const add = (text: string, isKey: boolean) => {
    if (text.length > 0 && text.length <= longest) found.push({ text, isKey });
  };
  const look = (each: unknown) => {
    if (typeof each === "string") add(each, false);
    else if (Array.isArray(each)) each.forEach(look);
    else if (typeof each === "object" && each !== null) {
      for (const [key, part] of Object.entries(each)) {
        add(key, true);
        look(part);
      }
    }
  };
  look(value);
  return found.sort((a, b) => b.text.length - a.text.length);
}
