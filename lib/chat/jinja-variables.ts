/** Which variables a Jinja template reads: one that is given and not read would be lost without a word. */

/** What is looked at of the nodes of @huggingface/jinja. Those of a kind hold nodes under some of these names. */
interface Node {
  type?: string;
  value?: unknown;
  computed?: boolean;
  callee?: unknown;
  filter?: unknown;
  args?: unknown;
  object?: unknown;
  property?: unknown;
  operand?: unknown;
  loopvar?: unknown;
  iterable?: unknown;
  lhs?: unknown;
  test?: unknown;
  assignee?: unknown;
  body?: unknown;
  defaultBlock?: unknown;
  alternate?: unknown;
  call?: unknown;
  key?: unknown;
  callerArgs?: unknown;
}

type Names = ReadonlySet<string>;

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null;
const isName = (node: unknown): node is { value: string } => isNode(node) && node.type === "Identifier";

/** The names of variables that a parsed template reads before it gave them a value itself. */
export function variablesOf(program: object): Names {
  const read = new Set<string>();

  /** Statements one after the other: what one of them sets, the later ones do not read from outside. */
  const block = (statements: unknown, known: Names) => {
    const here = new Set(known);
    for (const statement of asList(statements)) {
      walk(statement, here);
      for (const name of setBy(statement)) here.add(name);
    }
  };

  /** The callee or filter by its name alone is a function, not a variable. */
  const call = (name: unknown, known: Names) => {
    if (!isName(name)) walk(name, known);
  };

  const visitors: Record<string, (node: Node, known: Names) => void> = {
    Identifier: ({ value }, known) => {
      if (typeof value === "string" && !known.has(value)) read.add(value);
    },
    MemberExpression: ({ object, property, computed }, known) => {
      walk(object, known);
      if (computed === true) walk(property, known);
    },
    CallExpression: ({ callee, args }, known) => {
      call(callee, known);
      walk(args, known);
    },
    FilterExpression: ({ operand, filter }, known) => {
      walk(operand, known);
      call(filter, known);
    },
    FilterStatement: ({ filter, body }, known) => {
      call(filter, known);
      block(body, known);
    },
    TestExpression: ({ operand }, known) => walk(operand, known),
    KeywordArgumentExpression: ({ value }, known) => walk(value, known),
    Set: ({ assignee, value, body }, known) => {
      if (isNode(assignee) && assignee.type === "MemberExpression") walk(assignee, known);
      walk(value, known);
      block(body, known);
    },
    If: ({ test, body, alternate }, known) => {
      walk(test, known);
      block(body, known);
      block(alternate, known);
    },
    For: ({ loopvar, iterable, body, defaultBlock }, known) => {
      const inside = add(new Set(known).add("loop"), loopvar);
      const filtered = isNode(iterable) && iterable.type === "SelectExpression";
      walk(filtered ? iterable.lhs : iterable, known);
      if (filtered) walk(iterable.test, inside);
      block(body, inside);
      block(defaultBlock, known);
    },
    Macro: ({ args, body }, known) => {
      walk(
        asList(args).filter((arg) => !isName(arg)),
        known,
      );
      block(body, add(new Set(known), args));
    },
    CallStatement: ({ call: called, body, callerArgs }, known) => {
      walk(called, known);
      block(body, add(new Set(known), callerArgs));
    },
  };

  const walk = (node: unknown, known: Names): void => {
    if (!isNode(node)) return;
    const visit = typeof node.type === "string" ? visitors[node.type] : undefined;
    if (visit !== undefined) return visit(node, known);
    if (node instanceof Map) return [...node].flat().forEach((child) => walk(child, known));
    for (const [key, child] of Object.entries(node)) {
      // A token of the source, not a node: `and` looks like a name.
      if (key !== "operator") walk(child, known);
    }
  };

  block((program as Node).body, new Set());
  return read;
}

/** The names to which a statement gives a value whatever happens. */
function setBy(statement: unknown): Set<string> {
  if (!isNode(statement)) return new Set();
  if (statement.type === "Set") return add(new Set(), statement.assignee);
  if (statement.type !== "If") return new Set();
  const setIn = (statements: unknown) => new Set(asList(statements).flatMap((each) => [...setBy(each)]));
  const otherwise = setIn(statement.alternate);
  return new Set([...setIn(statement.body)].filter((name) => otherwise.has(name)));
}

/** Adds the names that a loop, a macro or a `set` gives values to. */
function add(names: Set<string>, target: unknown): Set<string> {
  if (isName(target)) names.add(target.value);
  else if (Array.isArray(target)) for (const each of target) add(names, each);
  else if (isNode(target) && target.type === "TupleLiteral") add(names, target.value);
  else if (isNode(target) && target.type === "KeywordArgumentExpression") add(names, target.key);
  return names;
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
