/** What an engine is made of, shared by the files that make requests of it. */
import type { AdapterList } from "./adapters/adapter-list.js";
import type { NativeEngine } from "./native/types.js";
import type { ControlTokens } from "./chat/control-tokens.js";
import type { Dispatcher } from "./native/dispatcher.js";
import type { ModelInfo } from "./native/model-info.js";

export interface EngineCore {
  readonly native: NativeEngine;
  readonly dispatcher: Dispatcher;
  readonly info: Readonly<ModelInfo>;
  readonly control: ControlTokens;
  /** The chat template where a request names none: a name or a Jinja text. Undefined: the model came without one. */
  readonly chatTemplate: string | undefined;
  /** Stop strings where a request names no chat template, beside those of the template. */
  readonly stopStrings: readonly string[];
  readonly maxImageBytes: number;
  readonly adapters: AdapterList;
  /** Aborted when the engine has been closed. */
  readonly closed: AbortController;
}
