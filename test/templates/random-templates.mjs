// Random small templates: expressions of every kind, filters with their arguments, and statements around them. Most are
// of types that go together; some are not, and then Python refuses them.
import { SeededRandom } from "../support/seeded-random.mjs";

/** What the templates find. */
export const variables = {
  s: "Fever of 39.5 °C, twice.",
  t: "  <b>a</b>\n\tB c-d  ",
  e: "",
  w: "Éa ß 发烧 🤒 x",
  i: 7,
  j: -3,
  z: 0,
  f: 2.5,
  g: -0.125,
  h: 1.5e21,
  y: true,
  n: false,
  none_: null,
  l: [3, 1, 2],
  m: ["b", "A", "c", "a"],
  k: [1, "x", null, 2.5, true, [1, 2], { a: 1 }],
  d: { b: 1, a: "x", c: [1, 2], items: "own", "two words": null },
  r: [
    { name: "Bo", age: 5, tag: { x: 1 } },
    { name: "al", age: 3, tag: { x: 2 } },
    { name: "Cy", age: 5 },
  ],
};

/** @param {number} seed @param {number} count */
export function* randomTemplates(seed, count) {
  const generator = new Generator(new SeededRandom(seed));
  for (let i = 0; i < count; i++) yield generator.template();
}

class Generator {
  /** @param {SeededRandom} random */
  constructor(random) {
    this.random = random;
  }

  pick(items) {
    return this.random.pick(items);
  }

  chance(part) {
    return this.random.next() < part;
  }

  template() {
    const depth = this.random.int(1, 4);
    const kind = this.random.int(0, 13);
    const out = () => `{{ ${this.any(depth)} }}`;
    const end = () => this.pick(["", "", "-", "+"]);
    const tag = (inside) => `{%${end()} ${inside} ${end()}%}`;
    const gap = () => this.pick(["", " ", "\n", "\n  ", "x\n", "\t"]);
    switch (kind) {
      case 0:
        return `${gap()}${tag(`if ${this.bool(depth)}`)}${gap()}${out()}${gap()}${tag("else")}${gap()}${out()}${tag("endif")}${gap()}`;
      case 1:
        return `${tag(`for a in ${this.list(depth)}`)}${gap()}{{ a }}${this.pick(["", "{{ loop.index }}", "{{ loop.last }}", "{{ loop.cycle(1, 2) }}", "{{ loop.revindex0 }}", "{{ loop.previtem }}", "{{ loop.nextitem is defined }}", "{{ loop.changed(a) }}"])}${gap()}${tag("else")}none${tag("endfor")}`;
      case 2:
        return `${tag(`for a in ${this.list(depth)} if ${this.pick(["a", "not a", "a is string", "a is number", "loop is defined", "a != 1", "a is iterable"])}`)}{{ a }},${this.pick(["", tag("if loop.index > 2") + tag("break") + tag("endif"), tag("if a is none") + tag("continue") + tag("endif")])};${tag("endfor")}`;
      case 3:
        return `${tag(`set v = ${this.any(depth)}`)}${gap()}${tag("for a in l")}${tag("set v = a")}{{ v }}${tag("endfor")}{{ v }}`;
      case 4:
        return `${tag(`set ns = namespace(v=${this.any(1)})`)}${tag("for a in l")}${tag(`set ns.v = ${this.pick(["a", "ns.v ~ a", "[ns.v, a]"])}`)}${tag("endfor")}{{ ns.v }}`;
      case 5:
        return `${tag(`macro p(a, b=${this.any(1)})`)}${gap()}{{ a }}/{{ b }}${this.pick(["", "{{ varargs }}", "{{ kwargs }}", "{{ c }}"])}${gap()}${tag("endmacro")}{{ p(${this.any(depth)}${this.pick(["", ", 2", ", b=3", ", 2, 3", ", c=4"])}) }}`;
      case 6:
        return `${tag("macro q()")}[{{ caller(${this.pick(["", "1"])}) }}]${tag("endmacro")}${tag(this.pick(["call q()", "call(a) q()", "call(a=5) q()"]))}{{ a }}${out()}${tag("endcall")}`;
      case 7:
        return `${tag(`set v${this.pick(["", " | upper", " | trim | length", " | replace('a', 'b')"])}`)}${gap()}${out()}${gap()}${tag("endset")}{{ v }}`;
      case 8:
        return `${tag(`filter ${this.pick(["upper", "trim", "indent(2)", "replace('a', '-')", "title", "length"])}`)}${gap()}${out()}${gap()}${tag("endfilter")}`;
      case 9:
        return `${tag(`with a = ${this.any(depth)}, b = ${this.pick(["a", "1"])}`)}{{ a }}${gap()}{{ b }}${tag("endwith")}{{ a }}`;
      default:
        return `${gap()}${out()}${gap()}`;
    }
  }

  any(depth) {
    return this.pick([this.str, this.str, this.int, this.num, this.bool, this.list, this.dict, this.other]).call(
      this,
      depth,
    );
  }

  other(depth) {
    if (depth <= 0) return this.pick(["none_", "none", "u", "u.v", "k", "r", "d.missing", "loop"]);
    const d = depth - 1;
    return this.pick([
      () => `(${this.any(d)} if ${this.bool(d)} else ${this.any(d)})`,
      () => `(${this.any(d)} if ${this.bool(d)})`,
      () => `(${this.any(d)} and ${this.any(d)})`,
      () => `(${this.any(d)} or ${this.any(d)})`,
      () => `${this.any(d)} | default(${this.any(d)}${this.pick(["", ", true"])})`,
      () => `(${this.list(d)} | ${this.pick(["first", "last", "min", "max", "sum"])})`,
      () => `(${this.list(d)})[${this.int(0)}]`,
      () => `(${this.any(d)}).${this.pick(["x", "name", "0", "items", "count", "real", "upper"])}`,
      () => `(${this.dict(d)}).get(${this.str(0)}${this.pick(["", ", 1"])})`,
      () =>
        `(r | map(attribute='${this.pick(["name", "age", "tag.x", "none"])}'${this.pick(["", ", default=0"])}) | list)`,
      () =>
        `(r | ${this.pick(["selectattr", "rejectattr"])}('${this.pick(["name", "age", "tag"])}'${this.pick(["", ", 'equalto', 5", ", 'defined'", ", '>', 3", ", 'in', [5, 'al']"])}) | list)`,
      () =>
        `(r | sort(attribute='${this.pick(["name", "age", "age,name"])}'${this.pick(["", ", reverse=true", ", case_sensitive=true"])}) | map(attribute='name') | join(','))`,
      () => `(r | groupby('age'))`,
      () => `(${this.any(d)}) ${this.pick(["+", "-", "*", "/", "//", "%", "~"])} (${this.any(d)})`,
      () => `dict(a=${this.any(d)}, b=2)`,
      () => `range(${this.int(0)}${this.pick(["", `, ${this.int(0)}`])})`,
    ])();
  }

  str(depth) {
    if (depth <= 0)
      return this.pick([
        "s",
        "t",
        "e",
        "w",
        "'a'",
        "'ab,c,,d'",
        '"it\'s"',
        "'A b'",
        "'\\n x\\t'",
        "'é'",
        "'10'",
        "'2.5'",
        "'name'",
      ]);
    const d = depth - 1;
    const text = () => this.str(d);
    const chars = () => this.pick(["'a'", "' '", "'<b>'", "'.'", "', '", "'ab'", "e", "'\\n'", "none"]);
    return this.pick([
      () => `${text()}.${this.pick(["upper", "lower", "capitalize", "title", "swapcase"])}()`,
      () =>
        `(${text()} | ${this.pick(["upper", "lower", "capitalize", "title", "trim", "string", "e", "reverse", "urlencode", "length", "wordcount", "safe", "forceescape"])})`,
      () => `${text()}.${this.pick(["strip", "lstrip", "rstrip"])}(${this.pick(["", chars()])})`,
      () => `(${text()} | trim(${chars()}))`,
      () => `${text()}.replace(${chars()}, ${this.pick(["''", "'-'", "w"])}${this.pick(["", ", 1", ", -1", ", 0"])})`,
      () => `(${text()} | replace(${chars()}, ${this.pick(["''", "'-'", "1"])}${this.pick(["", ", 2"])}))`,
      () => `(${text()} ~ ${this.any(d)})`,
      () => `(${text()} + ${text()})`,
      () => `(${text()} * ${this.int(0)})`,
      () => `(${text()})[${this.slice()}]`,
      () => `(${text()})[${this.int(0)}]`,
      () => `(${this.list(d)} | join(${this.pick(["", "', '", "1", "e"])}))`,
      () => `${chars()}.join(${this.pick(["m", "w", "d", text() + ".split()"])})`,
      () =>
        `(${this.any(d)} | ${this.pick(["tojson", "tojson(indent=2)", "tojson(ensure_ascii=true)", "tojson(sort_keys=true)", "tojson(separators=(',', ':'))", "tojson(indent=0)", "string"])})`,
      () =>
        `'${this.pick(["%s", "%d", "%5.1f", "%-6s|", "%05d", "%x", "%r", "%%%s", "%+d", "%e", "%g", "%.3s"])}' % ${this.pick([this.any(d), `(${this.any(d)},)`])}`,
      () =>
        `'${this.pick(["{}", "{0}", "{:>6}", "{:<6}|", "{:^7}", "{:05}", "{:.2f}", "{!r}", "{:,}", "{:x}", "{:+}", "{:e}", "{:%}", "{a}", "{}{}", "{{}}"])}'.format(${this.any(d)}${this.pick(["", ", a=1"])})`,
      () =>
        `('${this.pick(["%s", "%s %s", "%d", "%(a)s"])}' | format(${this.pick([this.any(d), `${this.any(d)}, 2`, `a=${this.any(d)}`])}))`,
      () =>
        `(${text()} | ${this.pick(["center(12)", "indent", "indent(2, true)", "indent('>', blank=true)", "truncate(8)", "truncate(6, true, '!')", "truncate(5, leeway=0)"])})`,
      () =>
        `${text()}.${this.pick(["center(9)", "ljust(8, '.')", "rjust(8)", "zfill(9)", "expandtabs(4)", "removeprefix('F')", "removesuffix('.')"])}`,
      () => `(${this.list(d)} | ${this.pick(["first", "last", "min", "max"])} | string)`,
    ])();
  }

  int(depth) {
    if (depth <= 0) return this.pick(["i", "j", "z", "1", "2", "0", "-1", "-7", "3", "10", "1_000", "0x1f", "100"]);
    const d = depth - 1;
    return this.pick([
      () => `(${this.int(d)} ${this.pick(["+", "-", "*", "//", "%"])} ${this.int(d)})`,
      () => `(${this.int(0)} ** ${this.pick(["2", "0", "3"])})`,
      () => `(${this.pick([this.str(d), this.list(d), this.dict(d)])} | ${this.pick(["length", "count"])})`,
      () => `(${this.any(d)} | int${this.pick(["", "(5)", "(base=16)", "(default=-1)"])})`,
      () =>
        `${this.str(d)}.${this.pick(["count", "find", "rfind"])}(${this.pick(["'a'", "' '", "e", "'e', 2", "'.', -3", "'a', 1, 4"])})`,
      () => `(-${this.int(d)})`,
      () => `(${this.num(d)} | round | int)`,
      () => `(l | sum(start=${this.int(0)}))`,
      () => `(${this.int(d)} | abs)`,
    ])();
  }

  num(depth) {
    if (depth <= 0)
      return this.pick(["f", "g", "h", "1.5", "0.1", "-2.0", "1e3", "1.5e-7", "3.14159", "100.0", this.int(0)]);
    const d = depth - 1;
    return this.pick([
      () => `(${this.num(d)} ${this.pick(["+", "-", "*", "/", "//", "%"])} ${this.num(d)})`,
      () =>
        `(${this.num(d)} | round(${this.pick(["0", "1", "2", "-1", "1, 'ceil'", "1, 'floor'", "0, 'floor'", "3"])}))`,
      () => `(${this.any(d)} | float${this.pick(["", "(1.5)"])})`,
      () => `(${this.num(d)} | abs)`,
      () => `(${this.num(0)} ** ${this.pick(["2", "0.5", "-1", "f"])})`,
      () => `(${this.num(d)} | filesizeformat${this.pick(["", "(true)"])})`,
    ])();
  }

  bool(depth) {
    if (depth <= 0) return this.pick(["y", "n", "true", "False", "u", "none_", "i", "z", "e", "s", "l", "{}", "[]"]);
    const d = depth - 1;
    const compare = ["==", "!=", "<", "<=", ">", ">="];
    const sameKind = this.pick([this.str, this.int, this.num, this.list, this.any]);
    return this.pick([
      () => `(${sameKind.call(this, d)} ${this.pick(compare)} ${sameKind.call(this, d)})`,
      () => `(${this.int(d)} ${this.pick(compare)} ${this.int(d)} ${this.pick(compare)} ${this.int(d)})`,
      () => `(${this.any(d)} ${this.pick(["in", "not in"])} ${this.pick([this.list(d), this.dict(d), this.str(d)])})`,
      () => `(${this.str(d)} in ${this.str(d)})`,
      () => `(not ${this.any(d)})`,
      () =>
        `(${this.any(d)} is ${this.pick(["", "not "])}${this.pick(["defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "sequence", "iterable", "callable", "true", "false", "lower", "upper", "odd", "even", "divisibleby 2", "divisibleby(3)", "sameas none", "eq 1", "in [1, 'a']", "gt 1", "escaped", "filter", "test"])})`,
      () => `(${this.str(d)} is ${this.pick(["lower", "upper", "string", "filter", "in s"])})`,
      () =>
        `${this.str(d)}.${this.pick(["startswith", "endswith"])}(${this.pick(["'a'", "'F'", "('a', '.')", "e", "'e', 1", "'.', 0, -1"])})`,
      () =>
        `${this.str(d)}.${this.pick(["isdigit", "isalpha", "isalnum", "isspace", "islower", "isupper", "istitle", "isascii", "isdecimal"])}()`,
      () => `(${this.any(d)} == ${this.any(d)})`,
    ])();
  }

  list(depth) {
    if (depth <= 0)
      return this.pick(["l", "m", "k", "[]", "[1]", "(1, 2)", "(1,)", "()", "['x', 'y']", "range(3)", "r"]);
    const d = depth - 1;
    return this.pick([
      () => `[${this.any(d)}, ${this.any(d)}]`,
      () => `(${this.any(d)}, ${this.any(d)})`,
      () => `(${this.list(d)} + ${this.list(d)})`,
      () => `(${this.list(d)} * 2)`,
      () => `(${this.list(d)})[${this.slice()}]`,
      () =>
        `${this.str(d)}.${this.pick(["split", "rsplit"])}(${this.pick(["", "' '", "','", "none, 1", "'a', 1", "', ', -1", "'aa'", "maxsplit=2"])})`,
      () => `${this.str(d)}.${this.pick(["splitlines()", "splitlines(true)", "partition(' ')", "rpartition('a')"])}`,
      () =>
        `(${this.list(d)} | ${this.pick(["sort", "sort(reverse=true)", "reverse | list", "unique | list", "list", "map('string') | list", "map('upper') | list", "map('length') | list", "select | list", "reject | list", "select('string') | list", "reject('number') | list", "select('odd') | list", "batch(2) | list", "batch(2, 0) | list", "slice(2) | list", "slice(2, '-') | list", "map('int') | list", "map('default', 1) | list", "map('tojson') | list", "select('gt', 1) | list", "select('in', [1, 'b']) | list", "map('trim', 'a') | list"])})`,
      () =>
        `(${this.dict(d)} | ${this.pick(["items | list", "list", "dictsort", "dictsort(false, 'value')", "dictsort(reverse=true)"])})`,
      () => `${this.dict(d)}.${this.pick(["keys", "values", "items"])}()`,
      () => `(${this.dict(d)}.${this.pick(["keys", "values", "items"])}() | list)`,
      () => `(${this.str(d)} | list)`,
    ])();
  }

  dict(depth) {
    if (depth <= 0)
      return this.pick([
        "d",
        "{}",
        "{'a': 1}",
        "{1: 2, 'b': [3]}",
        "r[0]",
        "{'x': none, 'y': 1.5}",
        "dict(a=1)",
        "{1: 'i', 1.0: 'f', true: 't'}",
      ]);
    const d = depth - 1;
    return this.pick([
      () => `{${this.str(0)}: ${this.any(d)}, 'q': ${this.any(d)}}`,
      () => `dict(${this.dict(d)}, z=${this.any(d)})`,
      () => `{${this.int(0)}: ${this.any(d)}}`,
    ])();
  }

  slice() {
    return this.pick([
      ":2",
      "1:",
      "-2:",
      ":-1",
      "::2",
      "::-1",
      "1:3",
      "5:1:-2",
      ":",
      "-100:100",
      "2:2",
      ":0:-1",
      "z:i",
    ]);
  }
}
