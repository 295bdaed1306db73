/** The syntax tree of a template. */
import type { BinaryOperator } from "./operators.js";
import type { Value } from "./values.js";

/** Where a name's value is kept: found by symbols.ts. Two frames of one level never live at the same time in one activation. */
export interface Slot {
  readonly level: number;
  readonly name: string;
}

/** What happens to a slot when its frame is entered. */
export interface Load {
  readonly slot: Slot;
  /** `parameter`: somebody sets it; `resolve`: from the context; `alias`: from an outer frame; `missing`: nothing yet. */
  readonly from: "parameter" | "resolve" | "missing" | Slot;
}

/** Names of one scope, filled in by symbols.ts. */
export interface Frame {
  level: number;
  loads: readonly Load[];
}

interface Base {
  line: number;
  /** How deep the tree below is. */
  depth: number;
}

export interface Name extends Base {
  type: "Name";
  name: string;
  slot?: Slot;
  /** Whether a store to it is visible to blocks. */
  exported?: boolean;
}

/** `namespace.attribute` on the left of a `set`. */
export interface NamespaceAttribute extends Base {
  type: "NamespaceAttribute";
  name: string;
  attribute: string;
  slot?: Slot;
}

export interface TupleNode extends Base {
  type: "Tuple";
  items: Expression[];
}

export interface Arguments {
  args: Expression[];
  keywords: { key: string; value: Expression }[];
  rest: Expression | undefined;
  keywordRest: Expression | undefined;
}

export interface CallNode extends Base, Arguments {
  type: "Call";
  callee: Expression;
}

export interface FilterNode extends Base, Arguments {
  type: "Filter";
  /** Undefined: the text of the block around it. */
  operand: Expression | undefined;
  name: string;
}

export interface TestNode extends Base, Arguments {
  type: "Test";
  operand: Expression;
  name: string;
}

export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in";

export type Expression =
  | (Base & { type: "Constant"; value: Value })
  | Name
  | NamespaceAttribute
  | TupleNode
  | (Base & { type: "List"; items: Expression[] })
  | (Base & { type: "Dict"; pairs: [Expression, Expression][] })
  | (Base & { type: "Attribute"; object: Expression; name: string })
  | (Base & { type: "Item"; object: Expression; key: Expression })
  | (Base & {
      type: "Slice";
      start: Expression | undefined;
      stop: Expression | undefined;
      step: Expression | undefined;
    })
  | CallNode
  | FilterNode
  | TestNode
  | (Base & { type: "Conditional"; test: Expression; then: Expression; otherwise: Expression | undefined })
  | (Base & { type: "Binary"; operator: BinaryOperator; left: Expression; right: Expression })
  | (Base & { type: "Unary"; operator: "-" | "+"; operand: Expression })
  | (Base & { type: "Logical"; operator: "and" | "or"; left: Expression; right: Expression })
  | (Base & { type: "Not"; operand: Expression })
  | (Base & { type: "Compare"; first: Expression; rest: { operator: Comparison; operand: Expression }[] })
  | (Base & { type: "Concat"; items: Expression[] });

/** What a `set`, `for` or `with` gives a value to. */
export type Target = Name | NamespaceAttribute | TupleNode;

export interface For extends Base {
  type: "For";
  target: Target;
  iterable: Expression;
  test: Expression | undefined;
  recursive: boolean;
  body: Statement[];
  otherwise: Statement[];
  bodyFrame?: Frame;
  testFrame?: Frame;
  otherwiseFrame?: Frame;
  /** Where `loop` is kept, where the body uses it. */
  loop?: Slot;
}

/** A macro, or the body of a call block. */
export interface Routine {
  parameters: Name[];
  /** Of the last parameters. */
  defaults: Expression[];
  body: Statement[];
  frame?: Frame;
  /** Where `caller`, `kwargs` and `varargs` are kept, where the body uses them. */
  caller?: Slot;
  kwargs?: Slot;
  varargs?: Slot;
}

export interface Macro extends Base, Routine {
  type: "Macro";
  name: Name;
}

export interface CallBlock extends Base, Routine {
  type: "CallBlock";
  call: CallNode;
}

export interface If extends Base {
  type: "If";
  branches: { test: Expression; body: Statement[] }[];
  otherwise: Statement[];
}

export interface With extends Base {
  type: "With";
  targets: Target[];
  values: Expression[];
  body: Statement[];
  frame?: Frame;
}

export interface SetBlock extends Base {
  type: "SetBlock";
  target: Target;
  filter: FilterNode | undefined;
  body: Statement[];
  frame?: Frame;
}

export interface FilterBlock extends Base {
  type: "FilterBlock";
  filter: FilterNode;
  body: Statement[];
  frame?: Frame;
}

/** A part of the output in a scope of its own: `generation` and `autoescape false`. */
export interface Scope extends Base {
  type: "Scope";
  /** Whether it is run like a macro, with a frame that loops cannot be left from. */
  isRoutine: boolean;
  body: Statement[];
  frame?: Frame;
}

export interface Block extends Base {
  type: "Block";
  name: string;
  body: Statement[];
  frame?: Frame;
}

export type Statement =
  | (Base & { type: "Output"; parts: (string | Expression)[] })
  | (Base & { type: "Set"; target: Target; value: Expression })
  | (Base & { type: "Break" })
  | (Base & { type: "Continue" })
  | (Base & { type: "Unsupported"; what: string })
  | For
  | If
  | Macro
  | CallBlock
  | With
  | SetBlock
  | FilterBlock
  | Scope
  | Block;

/** A whole template. */
export interface Program {
  body: Statement[];
  frame?: Frame;
  /** All blocks by name. */
  blocks: Map<string, Block>;
}
