/** Reads the model's turn by the format of its chat template: reasoning, what it says, and its calls of tools. */
import { randomInt } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { NativeAnswerFormat, NativeParsedAnswer, NativeParsedCall } from "../native/types.js";
import { parseJson } from "../schema/grammar.js";
import type { Segment, TextSegment } from "./segments.js";
import { ThinkingSplitter } from "./thinking-splitter.js";
import type { ThinkingTags } from "./types.js";

/** Where the last reading took so long, the next waits for this many times as long. */
const REST = 10;

/** What may still be a beginning of another number. */
const OPEN_NUMBER = /[-+.eE\d]+$/;

/** Some chat templates refuse ids of another length or of other characters. */
const ID_LENGTH = 9;
const ID_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

interface Begun {
  id: string;
  /** What was emitted of the arguments. */
  emitted: string;
  ended: boolean;
}

/** What a reader has to know beside the format. */
export interface TurnReaderOptions {
  /** What of the turn stands in the prompt, behind the format's opening. */
  before: string;
  /** Tags of reasoning that the format does not know of: it stands before the turn, in one block. */
  tags?: ThinkingTags | undefined;
  /** Names of arguments without which a call of a tool is none, by the tool's name. */
  required?: ReadonlyMap<string, readonly string[]>;
}

/**
 * The format's parser reads the whole turn each time, so it is asked the less often the longer that takes.
 *
 * Invariants:
 *   - what was emitted is never taken back: a piece that a later reading sees in another way is not emitted before it is
 *     whole;
 *   - of a call that is not complete no end is emitted, and no number before the character behind it;
 *   - a turn that is not of the format is an answer, as it stands.
 */
export class TurnReader {
  readonly #format: NativeAnswerFormat;
  readonly #splitter: ThinkingSplitter | undefined;
  readonly #required: ReadonlyMap<string, readonly string[]>;
  #text: string;
  #content: string;
  #reasoning: string;
  readonly #calls: Begun[] = [];
  /** Behind this the text is no longer of the format; -1: it is. */
  #strayFrom = -1;
  #nextReading = 0;

  constructor(format: NativeAnswerFormat, { before, tags, required = new Map() }: TurnReaderOptions) {
    this.#format = format;
    this.#required = required;
    this.#text = before;
    this.#splitter = tags === undefined ? undefined : new ThinkingSplitter(tags, "json");
    const { content, reasoning } = format.parse(before);
    this.#content = content;
    this.#reasoning = reasoning;
  }

  /** Takes more text and returns what may be emitted now. */
  push(text: string): Segment[] {
    if (text === "") return [];
    const reasoned = this.#take(this.#splitter === undefined ? [{ type: "text", text }] : this.#splitter.push(text));
    const begin = performance.now();
    if (this.#strayFrom < 0 && begin < this.#nextReading) return reasoned;
    const segments = this.#read();
    const end = performance.now();
    this.#nextReading = end + (end - begin) * REST;
    return [...reasoned, ...segments];
  }

  /** The model has said all. */
  flush(): Segment[] {
    const reasoned = this.#take(this.#splitter?.flush() ?? []);
    return [...reasoned, ...this.#read()];
  }

  /** Keeps what the format is to read, and returns the reasoning before it. */
  #take(segments: readonly TextSegment[]): TextSegment[] {
    for (const { type, text } of segments) if (type === "text") this.#text += text;
    return segments.filter(({ type }) => type === "reasoning");
  }

  #read(): Segment[] {
    if (this.#strayFrom >= 0) return this.#stray();
    const answer = this.#format.parse(this.#text);
    if (!answer.fits) {
      this.#strayFrom = this.#lastEmitted();
      return this.#stray();
    }
    return [...this.#said(answer), ...answer.calls.flatMap((call, i) => this.#called(call, i))];
  }

  #said({ content, reasoning }: NativeParsedAnswer): Segment[] {
    const segments: Segment[] = [];
    if (reasoning.length > this.#reasoning.length && reasoning.startsWith(this.#reasoning)) {
      segments.push({ type: "reasoning", text: reasoning.slice(this.#reasoning.length) });
      this.#reasoning = reasoning;
    }
    if (content.length > this.#content.length && content.startsWith(this.#content)) {
      segments.push({ type: "text", text: content.slice(this.#content.length) });
      this.#content = content;
    }
    return segments;
  }

  #called({ name, arguments: json, id, complete }: NativeParsedCall, call: number): Segment[] {
    if (name === "") return [];
    const segments: Segment[] = [];
    let begun = this.#calls[call];
    if (begun === undefined) {
      begun = { id: this.#idOf(id), emitted: "", ended: false };
      this.#calls[call] = begun;
      segments.push({ type: "toolCall", stage: "begin", call, id: begun.id, name });
    }
    if (begun.ended) return segments;
    const value = complete ? this.#argumentsOf(name, json) : undefined;
    const shown = value === undefined ? json.replace(OPEN_NUMBER, "") : json;
    if (shown.length > begun.emitted.length && shown.startsWith(begun.emitted)) {
      segments.push({ type: "toolCall", stage: "arguments", call, text: shown.slice(begun.emitted.length) });
      begun.emitted = shown;
    }
    if (value !== undefined) {
      begun.ended = true;
      segments.push({ type: "toolCall", stage: "end", call, id: begun.id, name, arguments: json, value });
    }
    return segments;
  }

  /** Undefined: it is no call. Not every format's grammar asks for all arguments. */
  #argumentsOf(name: string, json: string): Record<string, unknown> | undefined {
    const value = objectOf(json);
    const lacks = value !== undefined && this.#required.get(name)?.some((key) => !Object.hasOwn(value, key)) === true;
    return lacks ? undefined : value;
  }

  /** The model's own id where it has one that no other call has. */
  #idOf(id: string): string {
    const isFree = id !== "" && !this.#calls.some((begun) => begun.id === id);
    return isFree
      ? id
      : Array.from({ length: ID_LENGTH }, () => ID_CHARACTERS[randomInt(ID_CHARACTERS.length)]!).join("");
  }

  /** Where in the text what was emitted last ends. */
  #lastEmitted(): number {
    const said = this.#content === "" ? this.#reasoning : this.#content;
    const at = said === "" ? -1 : this.#text.lastIndexOf(said);
    return at < 0 ? 0 : at + said.length;
  }

  #stray(): Segment[] {
    const text = this.#text.slice(this.#strayFrom);
    this.#strayFrom = this.#text.length;
    return text === "" ? [] : [{ type: "text", text }];
  }
}

function objectOf(json: string): Record<string, unknown> | undefined {
  const value = parseJson(json);
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : undefined;
}
