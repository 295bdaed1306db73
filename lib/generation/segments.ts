import type { ToolCallEvent } from "./types.js";

/** A piece of what the model said: of its answer, of the reasoning before it, or of a call. */
export type Segment = TextSegment | ToolCallEvent;

/** Of the answer, or of the reasoning before it. */
export interface TextSegment {
  type: "text" | "reasoning";
  text: string;
}
