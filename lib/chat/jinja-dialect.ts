/** What a Jinja template takes, found out by trying: nothing in it says so. */
import { fromJson, type Value } from "./jinja/values.js";
import type { TemplateTurn } from "./template-turn.js";
import type { ResolvedTool } from "./tool-schema.js";

/** What a template takes. */
export interface Dialect {
  /** Whether a message's content is a list of parts, as for some vision models, and not a text. */
  takesParts: boolean;
  /** Whether it fails without what takenForGranted() gives. */
  takesForGranted: boolean;
  /** Whether it writes the system message, or fails. */
  hasSystem: boolean;
  /** Whether it writes tools, calls and results itself. */
  ownTools: boolean;
  /** Whether calls go into the text, as LFM2 writes them: its templates write tools and leave calls to the caller. */
  callsInText: boolean;
  /** Whether it fails for a tool without a description. */
  describesTools: boolean;
  /** As what it takes the arguments of calls. */
  callArguments: "text" | "value";
  /** Whether it writes all calls of a message, and not the first one alone. */
  parallelCalls: boolean;
  /** Whether it writes what is said beside calls. */
  proseBesideCalls: boolean;
  /** Whether it takes both a text and reasoning beside calls. */
  reasoningBesideProse: boolean;
  /** Whether the content of a result is a list of parts. */
  resultParts: boolean;
  /** Whether it writes images in results. */
  imagesInResults: boolean;
  /** Whether reasoning is a part of the content, and not a field of the message. */
  thinkingParts: boolean;
}

/** Renders a conversation; throws where the template does. */
export type Try = (
  dialect: Dialect,
  turns: readonly TemplateTurn[],
  options?: { tools?: readonly ResolvedTool[]; addGenerationPrompt?: boolean; imageInResult?: boolean },
) => string;

const usual: Dialect = {
  takesParts: false,
  takesForGranted: false,
  hasSystem: true,
  ownTools: false,
  callsInText: false,
  describesTools: false,
  callArguments: "value",
  parallelCalls: true,
  proseBesideCalls: true,
  reasoningBesideProse: true,
  resultParts: false,
  imagesInResults: false,
  thinkingParts: false,
};

const user: TemplateTurn = { role: "user", content: "probe0content" };
const system: TemplateTurn = { role: "system", content: "probe0system" };
const tool: ResolvedTool = {
  name: "probe0tool",
  description: "probe0description",
  parameters: { type: "object", properties: { probe0parameter: { type: "string", description: "probe0" } } },
};

/** Mistral's want ids of nine letters and digits. */
const id = "probe0idx";
const call = (form: "text" | "value", ids = [id]): TemplateTurn => {
  const args = (said: string): Value => (form === "text" ? `{"probe0key": "${said}"}` : fromJson({ probe0key: said }));
  const calls = ids.map((each, i) => ({ id: each, name: tool.name, arguments: args(`probe${i}value`) }));
  return { role: "assistant", content: "", calls };
};
const result: TemplateTurn = { role: "tool", content: "probe0result", toolCallId: id, name: tool.name };
const thought: TemplateTurn = { role: "assistant", content: "probe0answer", reasoning: "probe0thought" };

/** How LFM2's templates begin the list of tools. */
const lfm2Introduction = "List of tools: ";

/** Of parts that are written out as a list, which is no text. */
const listed = /["']type["']: ["'](?:text|image)["']/;

/**
 * @param spelled the texts that the template spells
 */
export function findDialect(render: Try, spelled: readonly string[]): Dialect {
  const attempt = (...given: Parameters<Try>) => {
    try {
      return render(...given);
    } catch {
      return undefined;
    }
  };
  const base = contentDialect(attempt);
  const hasSystem = attempt(base, [system, user])?.includes(system.content) === true;
  const thinks = (dialect: Dialect) =>
    attempt(dialect, [user, thought], { addGenerationPrompt: false })?.includes(thought.reasoning!) === true;
  const parts = { ...base, hasSystem, thinkingParts: true };
  const thinkingParts = spelled.includes("thinking") && !thinks(base) && thinks(parts);
  return toolDialect(attempt, { ...base, hasSystem, thinkingParts }, spelled);
}

type Attempt = (...given: Parameters<Try>) => string | undefined;

/** A template that is given the other kind of content often drops it without a word. */
function contentDialect(attempt: Attempt): Dialect {
  const kinds = [false, true].flatMap((takesParts) =>
    [false, true].map((takesForGranted) => ({ ...usual, takesParts, takesForGranted })),
  );
  const keeps = (dialect: Dialect) => {
    const prompt = attempt(dialect, [user]);
    return prompt !== undefined && prompt.includes(user.content) && !listed.test(prompt);
  };
  return kinds.find(keeps) ?? usual;
}

function toolDialect(attempt: Attempt, base: Dialect, spelled: readonly string[]): Dialect {
  const tools = [tool];
  const shows = (dialect: Dialect, given = tools) =>
    [[user], [system, user]].some((turns) => attempt(dialect, turns, { tools: given })?.includes(tool.name));
  if (!shows(base)) return base;
  const describesTools = !shows(base, [{ ...tool, description: undefined }]);
  const isLfm2 = spelled.some((text) => text.includes(lfm2Introduction));
  const kinds = [false, ...(isLfm2 ? [true] : [])].map((callsInText) => ({
    ...base,
    describesTools,
    ownTools: true,
    callsInText,
  }));
  const outcomes = kinds.flatMap((dialect) => tryCalls(attempt, dialect));
  const written = outcomes.find(({ prompt }) => writesArguments(prompt));
  // What drops calls without a word has no form for them.
  if (written === undefined) return outcomes.length > 0 ? base : kinds[0]!;
  const { dialect } = written;
  const callArguments = written.form;
  const results = { ...dialect, callArguments };
  const turns = [user, call(callArguments), result];
  const keeps = (candidate: Dialect, imageInResult = false) => {
    const prompt = attempt(candidate, turns, { tools, imageInResult });
    return prompt?.includes(result.content) === true && !listed.test(prompt.slice(prompt.indexOf("probe0value")))
      ? prompt
      : undefined;
  };
  const resultParts = keeps(results) === undefined && keeps({ ...results, resultParts: true }) !== undefined;
  const withParts = { ...results, resultParts: true };
  const withImage = keeps(withParts, true);
  const imagesInResults = withImage !== undefined && withImage !== keeps(withParts);
  const other = "probe1idx";
  const two = [user, call(callArguments, [id, other]), result, { ...result, toolCallId: other }];
  const parallelCalls = attempt(results, two, { tools })?.includes("probe1value") === true;
  const prose = { ...call(callArguments), content: "probe0prose" };
  const beside = (more: Partial<TemplateTurn>) =>
    attempt(results, [user, { ...prose, ...more }, result], { tools })?.includes(prose.content);
  const proseBesideCalls = beside({}) === true;
  const reasoningBesideProse = !proseBesideCalls || beside({ reasoning: "probe0thought" }) !== undefined;
  return {
    ...results,
    resultParts,
    imagesInResults,
    parallelCalls,
    proseBesideCalls,
    reasoningBesideProse,
  };
}

/** What a template makes of a call, with its arguments as a value and as a text, unless it fails. */
function tryCalls(attempt: Attempt, dialect: Dialect) {
  return (["value", "text"] as const).flatMap((form) => {
    // Some fail for a result, and some without one.
    const conversations = [
      [user, call(form), result],
      [user, call(form)],
    ];
    const prompt = conversations
      .map((turns) => attempt(dialect, turns, { tools: [tool] }))
      .find((text) => text !== undefined);
    return prompt === undefined ? [] : [{ dialect, form, prompt }];
  });
}

/** Not as a text within a text, and not as Python's repr() has a dict. */
function writesArguments(prompt: string): boolean {
  return prompt.includes("probe0value") && !/\\"probe0key|'probe0key'/.test(prompt);
}
