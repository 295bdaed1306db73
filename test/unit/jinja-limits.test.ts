/** A template is data from a model file: what it may use is bounded, in steps, output, memory and depth. */
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { renderChat } from "../../lib/chat/render.js";
import { Template } from "../../lib/chat/jinja/template.js";
import { fromRoot } from "../support/paths.mjs";
import { thrown } from "./support/collect.js";

const messages = [{ role: "user", content: "Q" }];
const loops = (n: number, body: string) =>
  Array.from({ length: n }, (_, i) => `{% for a${i} in range(100000) %}`).join("") + body + "{% endfor %}".repeat(n);

/** Work whose operands are long, over and over: a step of it must count for what it takes. */
const heavy = [
  "'9' * 2000 | int",
  "('9' * 300) | int",
  "('9' * 2000) | float",
  "10 ** 310 % 7 ** 100",
  "7 ** 300 * 7 ** 60",
  "10 ** 310 // 7",
  "10 ** 310 / 10 ** 150",
  "10 ** 310 ~ ''",
  "'{:,}'.format(10 ** 310)",
  "'%.300f' % 1.1",
  "1.5 | round(300)",
  "(10 ** 310) | round(-5)",
  "t.strip('9')",
  "t.startswith(t)",
  "t.isdigit()",
  "t[::-1]",
  "l[::2]",
  "l | tojson",
  "l | string",
  "l | unique | list",
];
const prepared = "{% set t = '9' * 2000 %}{% set l = range(100000) | list %}";

/** Each asks for more than there is. */
const greedy: Record<string, string> = {
  steps: loops(3, "{% set x = 1 %}"),
  "steps without a body": loops(3, ""),
  output: `{% set x = 'abcdefgh' * 1000000 %}${loops(1, "{{ x }}")}`,
  "a text that doubles": `{% set ns = namespace(x='ab') %}${loops(1, "{% set ns.x = ns.x + ns.x %}")}`,
  "a text that grows by itself": `{% set ns = namespace(x='ab') %}${loops(1, "{% set ns.x = ns.x ~ ns.x %}")}`,
  "a text times a number": "{{ 'a' * 10 ** 12 }}",
  "a list that doubles": `{% set ns = namespace(x=[1]) %}${loops(1, "{% set ns.x = ns.x + ns.x %}")}`,
  "a list times a number": "{{ [1] * 10 ** 12 }}",
  "texts that are kept": `{% set ns = namespace(x=[]) %}{% set t = 'a' * 1000000 %}${loops(1, "{% set ns.x = [ns.x, t.upper()] %}")}`,
  replace: "{% set t = 'a' * 1000000 %}{{ t.replace('a', t) }}",
  join: "{{ ('a' * 1000000).join('b' * 1000000) }}",
  "split and join": `{% set t = 'a,' * 1000000 %}${loops(1, "{% set x = t.split(',') | join('-') %}")}`,
  padding: "{{ 'a'.center(10 ** 12) }}",
  slices: "{{ [1, 2, 3] | slice(10 ** 9) | list | length }}",
  "padding in a format": "{{ '%9999999s' % 'a' * 100 }}",
  batch: "{{ [1] | batch(10 ** 12, 0) | list }}",
  "lists within lists": `{% set ns = namespace(x=[]) %}${loops(1, "{% set ns.x = [ns.x] %}")}{{ ns.x }}`,
  "JSON of lists within lists": `{% set ns = namespace(x=[]) %}${loops(1, "{% set ns.x = [ns.x] %}")}{{ ns.x | tojson }}`,
  "comparing lists within lists": `{% set ns = namespace(x=[], y=[]) %}${loops(1, "{% set ns.x = [ns.x] %}{% set ns.y = [ns.y] %}")}{{ ns.x == ns.y }}`,
  "a macro that calls itself": "{% macro p() %}{{ p() }}{% endmacro %}{{ p() }}",
  "a macro that calls itself twice":
    "{% macro p(n) %}{% if n %}{{ p(n - 1) }}{{ p(n - 1) }}{% endif %}{% endmacro %}{{ p(60) }}",
  "a loop that calls itself": "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
  "a block in itself": "{% block x %}{{ x }}{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}{% endblock %}",
  "a great number": "{{ 10 ** 100000 }}",
  "a long number in a text": "{{ ('9' * 1000000) | int }}",
  "a number that squares": `{% set ns = namespace(x=3) %}${loops(1, "{% set ns.x = ns.x * ns.x %}")}`,
  "a search": "{% set t = 'a' * 10000000 %}{% set p = 'a' * 5000000 ~ 'b' %}" + loops(1, "{{ t.find(p) }}"),
  "a count": `{% set t = 'ab' * 1000000 %}${loops(1, "{{ t.count('b') }}")}`,
  sorting: `${loops(1, "{% set x = range(100000) | sort %}")}`,
  sums: `${loops(1, "{% set x = range(100000) | sum %}")}`,
  "in of a list": `{% set l = range(100000) | list %}${loops(1, "{{ -1 in l }}")}`,
  ...Object.fromEntries(heavy.map((source) => [source, `${prepared}${loops(2, `{% set x = ${source} %}`)}`])),
};

describe("a template's use of the machine", () => {
  it.each(Object.entries(greedy))(
    "is bounded in %s",
    (_, source) => {
      const before = process.memoryUsage().rss;
      const start = process.cpuUsage();
      const error = thrown(() => new Template(source).render({ messages }));
      expect(error.constructor.name).toMatch(/^(TemplateLimitError|TemplateRuntimeError|UnsupportedError)$/);
      expect(process.cpuUsage(start).user / 1e6).toBeLessThan(20);
      expect(process.memoryUsage().rss - before).toBeLessThan(2 * 1024 ** 3);
    },
    120_000,
  );

  it("is a typed error", () => {
    const error = thrown(() => renderChat(greedy.steps!, messages));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(error.message).toContain("steps");
  }, 120_000);

  it("leaves room for long conversations: a megabyte in a thousand turns", () => {
    const many = Array.from({ length: 1000 }, (_, i) => ({
      role: i % 2 ? "assistant" : "user",
      content: "word ".repeat(200),
    }));
    const source =
      "{% for m in messages %}{% set c = m.content.strip().replace('x', 'y').split('</think>')[-1].lstrip() %}" +
      "<{{ m.role }}>{{ c | trim }}{% if loop.last %}!{% endif %}{% endfor %}";
    expect(new Template(source).render({ messages: many })).toHaveLength(1000 * 999 + 500 * 6 + 500 * 11 + 1);
  });
});

describe("a long text", () => {
  const operations = [
    ...["strip()", "strip('a <9')", "split()", "rsplit()", "split(None, 5)", "rsplit(None, 5)", "rsplit('aa', 3)"],
    ...["splitlines()", "title()", "capitalize()", "swapcase()", "isdigit()", "istitle()", "isidentifier()"],
    ...["count('a')", "rfind('b')", "replace('', 'b')", "rpartition('b')", "zfill(300000)", "expandtabs()"],
  ].map((call) => `x.${call}`);
  const filters = [
    ...["title", "wordcount", "urlencode", "wordwrap(3)", "indent(4, true, true)", "striptags", "escape", "urlize"],
    ...["trim", "truncate(100)", "int", "float", "tojson", "pprint", "reverse", "xmlattr", "filesizeformat"],
  ].map((name) => `x | ${name}`);
  // Whatever grows with the square of 100,000 characters takes far longer than the time of a test.
  it.each([" ", "a", "a ", "9", "9_", "9.", ".", "<", "</", "<a>", "&", "\n", "é", "http://a.b/ ", "e+"])(
    "of %j takes no more than time in proportion",
    (unit) => {
      const text = unit.repeat(100_000 / unit.length);
      for (const source of [...operations, ...filters]) {
        for (const x of [text, `${text}!`, `!${text}`]) {
          try {
            new Template(`{{ ${source} }}`).render({ x });
          } catch (error) {
            expect(String((error as Error).constructor.name)).toMatch(/^(Template|Unsupported)/);
          }
        }
      }
    },
    60_000,
  );
});

describe("a template's depth", () => {
  const nested = (n: number, open: string, inside: string, close: string) => open.repeat(n) + inside + close.repeat(n);
  const deep: Record<string, string> = {
    brackets: `{{ ${nested(50_000, "(", "1", ")")} }}`,
    lists: `{{ ${nested(50_000, "[", "1", "]")} }}`,
    dicts: `{{ ${nested(50_000, "{1:", "1", "}")} }}`,
    nots: `{{ ${"not ".repeat(50_000)} 1 }}`,
    minuses: `{{ ${"-".repeat(50_001)} 1 }}`,
    sums: `{{ 1${" + 1".repeat(50_000)} }}`,
    filters: `{{ 1${" | abs".repeat(50_000)} }}`,
    attributes: `{{ a${".b".repeat(50_000)} }}`,
    conditions: `{{ 1${" if 1 else 1".repeat(50_000)} }}`,
    ifs: nested(50_000, "{% if 1 %}", "", "{% endif %}"),
    "an int": `{{ ${"9".repeat(50_000)} }}`,
    "an int of base 16": `{{ 0x${"f".repeat(300)} }}`,
    fors: nested(50_000, "{% for a in b %}", "", "{% endfor %}"),
    targets: `{% set ${nested(50_000, "(", "a", ",)")} = 1 %}`,
  };

  it.each(Object.entries(deep))(
    "is bounded in %s",
    (_, source) => {
      expect(thrown(() => new Template(source)).constructor.name).toBe("TemplateSyntaxError");
    },
    60_000,
  );

  it("is as much as any real template has", () => {
    expect(new Template(`{{ ${nested(60, "(", "1", ")")} }}`).render({})).toBe("1");
    expect(new Template(nested(20, "{% if 1 %}", "x", "{% endif %}")).render({})).toBe("x");
    expect(new Template(`{{ 'a'${" ~ 'a'".repeat(2000)} }}`).render({})).toHaveLength(2001);
    expect(new Template(`{{ 1${" + 1".repeat(300)} }}`).render({})).toBe("301");
  });

  it("is bounded on the small stack of a worker, too", async () => {
    const code = `
      const { parentPort } = require("node:worker_threads");
      const { Template } = require(${JSON.stringify(fromRoot("dist", "chat", "jinja", "template.js"))});
      const names = ${JSON.stringify([...Object.values(deep), greedy["a macro that calls itself"], greedy["lists within lists"]])}.map((source) => {
        try { return new Template(source).render({}); } catch (error) { return error.constructor.name; }
      });
      parentPort.postMessage(names);`;
    const worker = new Worker(code, { eval: true, resourceLimits: { stackSizeMb: 1 } });
    const names = await new Promise<string[]>((resolve, reject) => worker.on("message", resolve).on("error", reject));
    expect(names.every((name) => /^(TemplateSyntaxError|TemplateLimitError|TemplateRuntimeError)$/.test(name))).toBe(
      true,
    );
    await worker.terminate();
  }, 120_000);
});
