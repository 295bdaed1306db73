/** Medical LLM and vision-LLM inference inside Node.js. */
export { Engine } from "./engine.js";
export { MedInferError } from "./errors.js";
export { devices } from "./native/devices.js";
export { renderChat } from "./chat/render.js";
export { registerChatTemplate } from "./chat/registry.js";
export { builtinChatTemplates } from "./chat/builtin.js";
export { registerModelAdapter } from "./chat/adapters.js";
export { jsonSchemaToGrammar } from "./schema/grammar.js";
export { optionSchemas } from "./options/option-schemas.js";

export type { LoraAdapter } from "./adapters/lora-adapter.js";
export type { AdapterSource, AdapterUse, LoadAdapterOptions } from "./adapters/options.js";
export type { ArgumentIssue, ErrorCode, MedInferErrorOptions } from "./errors.js";
export type { KvOptions, LoadOptions } from "./options/load-options.js";
export type { OptionSchemas } from "./options/option-schemas.js";
export type {
  ChatOptions,
  ChoiceOptions,
  CompleteOptions,
  GenerationOptions,
  OnContextFull,
} from "./options/request-options.js";
export type { DocumentOptions, DocumentSource, PageFacts, PageWord } from "./documents/types.js";
export type { FromSchema, JsonSchema } from "./schema/types.js";
export { inspectSampling } from "./inspect-sampling.js";
export type { LogitBias, Sampling, SamplerName } from "./sampling/types.js";
export type { InspectedCandidate, InspectedStage, InspectOptions, SamplingInspection } from "./inspect-sampling.js";
export type { PromptLogprob, TokenLogprob, TokenLogprobs } from "./generation/logprobs.js";
export type {
  ChatMessage,
  ChatTemplateFunction,
  Content,
  FunctionTool,
  ImageInput,
  ImagePart,
  ImageTokenLimits,
  LimitedImage,
  ReasoningEffort,
  RenderedChat,
  TemplateArguments,
  TemplateContext,
  TemplateMessage,
  TextMessage,
  TextPart,
  Tool,
  ToolCall,
} from "./chat/types.js";
export type { RenderChatOptions } from "./chat/render.js";
export type { ChatTemplateOptions } from "./chat/registry.js";
export type { AdapterFacts, ModelAdapter, SpecialTokens } from "./chat/adapters.js";
export type { ApplyChatTemplateOptions } from "./requests/prepare.js";
export type { BlobLike } from "./images/blob.js";
export type { ImageSource } from "./images/load.js";
export type {
  ChoiceEvent,
  DoneEvent,
  EncodeEvent,
  FinishReason,
  Generation,
  GenerationEvent,
  GenerationResult,
  LogprobsEvent,
  OfChoice,
  PrefillEvent,
  PromptLogprobsEvent,
  QueuedEvent,
  MadeToolCall,
  ReasoningEvent,
  SeenImage,
  TextEvent,
  ThinkingTags,
  ToolCallArgumentsEvent,
  ToolCallBeginEvent,
  ToolCallEndEvent,
  ToolCallEvent,
  Timings,
  Usage,
} from "./generation/types.js";
export type {
  CandidateOptions,
  ScoreChatOptions,
  ScoredCandidate,
  ScoreOptions,
  ScorePromptOptions,
  ScoreResult,
  SessionScoreOptions,
} from "./score/types.js";
export type { Session } from "./session/session.js";
export type { SessionChatOptions, SessionOptions, ToolResult } from "./session/options.js";
export type { AnnotateOptions, AnnotateResult, AnnotateRow } from "./annotate/types.js";
export type { EmbedOptions, RerankOptions } from "./embed/options.js";
export type { CutText, EmbeddedText, EmbedResult, EmbedUsage, RankedDocument, RerankResult } from "./embed/types.js";
export type { EmbedImageOptions } from "./embed-image.js";
export type { DetokenizeOptions, TokenizeOptions } from "./tokens.js";
export type {
  Device,
  EndToken,
  InfillTokens,
  EngineStats,
  KvStats,
  ImageEmbedding,
  ModelInfo,
  ProjectorInfo,
} from "./native/model-info.js";
export type { ToolChoice } from "./tools/tool-choice.js";
