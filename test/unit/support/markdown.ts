/** What tests ask of Markdown pages. */

const withoutCode = (page: string) => page.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "");

/** Links that lead to files of the repository; `file` is empty for one inside the page. */
export function findLinks(page: string): { file: string; fragment: string | undefined }[] {
  const targets = [...withoutCode(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file, fragment] = target.split("#");
      return { file: file!, fragment };
    });
}

/** The names under which a page's headings can be linked to, as GitHub makes them. */
export function fragmentsOf(page: string): string[] {
  const headings = [...page.replace(/^```[\s\S]*?^```$/gm, "").matchAll(/^#{1,6} +(.+)$/gm)].map(([, text]) =>
    text!
      .trim()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "")
      .replaceAll(" ", "-"),
  );
  const seen = new Map<string, number>();
  return headings.map((name) => {
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    return count === 0 ? name : `${name}-${count}`;
  });
}

/** The text under a heading of the second level, up to the next one. Throws where there is none. */
export function sectionOf(page: string, heading: string): string {
  const sections = page.split(/^## /m);
  const found = sections.find((section) => section.slice(0, section.indexOf("\n")) === heading);
  if (found === undefined) throw new Error(`there is no heading "${heading}"`);
  return found;
}

/** The cells of all rows of the tables in a text, without the rows of headings. */
export function rowsOf(text: string): string[][] {
  const tables = text.match(/(^\|.*\n)+/gm) ?? [];
  return tables.flatMap((table) =>
    table
      .trimEnd()
      .split("\n")
      .slice(2)
      .map((row) =>
        row
          .split(/(?<!\\)\|/)
          .slice(1, -1)
          .map((cell) => cell.trim()),
      ),
  );
}
