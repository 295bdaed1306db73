/** Where bodies of calls that generate say what the library has another name for. */
import type { SentNames } from "../http/sent-names.js";
import { pythonNames } from "./own-options.js";

/** OpenAI's names of sampling; the library's in the style of Python. */
const python: Record<string, string[]> = {};
for (const [written, { name, inSampling }] of pythonNames) {
  (python[inSampling ? `sampling.${name}` : name] ??= []).push(written);
}

/**
 * What the body says in the library's own name, in the style of Python too, goes before other names: so it is read.
 *
 * @param own what the call itself has a name for
 */
export function answerNames(own: SentNames): SentNames {
  const sampling: SentNames = {
    "sampling.topP": ["top_p"],
    "sampling.frequencyPenalty": ["frequency_penalty"],
    "sampling.presencePenalty": ["presence_penalty"],
    "sampling.tokenIdBias": ["logit_bias"],
    // So the engine tells it.
    tokenIdBias: ["logit_bias"],
  };
  const places = [...Object.keys(python), ...Object.keys(sampling), ...Object.keys(own)];
  return Object.fromEntries(
    places.map((place) => [place, [python, own, sampling].flatMap((each) => each[place] ?? [])]),
  );
}

/** Of a chat, in OpenAI's form. */
export const chatNames = answerNames({
  nPredict: ["max_completion_tokens", "max_tokens"],
  stopStrings: ["stop"],
  "stopStrings[]": ["stop[]", "stop…"],
  nProbs: ["top_logprobs", "logprobs"],
  jsonSchema: ["response_format.json_schema.schema", "response_format…"],
  "tools[].name": ["tools[].function.name"],
  "tools[].description": ["tools[].function.description"],
  "tools[].parameters": ["tools[].function.parameters"],
  toolChoice: ["tool_choice"],
  "toolChoice.name": ["tool_choice.function.name"],
  "toolChoice.names": ["tool_choice.allowed_tools.tools"],
  parallelToolCalls: ["parallel_tool_calls"],
  reasoningEffort: ["reasoning_effort"],
  expectedText: ["prediction.content"],
  continueFinalMessage: ["continue_final_message"],
  templateArguments: ["chat_template_kwargs"],
  addGenerationPrompt: ["add_generation_prompt"],
  "messages[].toolCalls": ["messages[].tool_calls"],
  "messages[].toolCalls[].name": ["messages[].tool_calls[].function.name"],
  "messages[].toolCalls[].arguments": ["messages[].tool_calls[].function.arguments"],
  toolCalls: ["tool_calls!"],
  "messages[].toolCallId": ["messages[].tool_call_id"],
  "messages[].reasoning": ["messages[].reasoning_content"],
});

export const completionNames = answerNames({
  nPredict: ["max_tokens"],
  stopStrings: ["stop"],
  "stopStrings[]": ["stop[]", "stop…"],
  nProbs: ["logprobs"],
  bestOf: ["best_of"],
  inputPrefix: ["prompt"],
  inputSuffix: ["suffix"],
});

/** Of a response: its items are no messages one by one. */
export const responseNames = answerNames({
  nPredict: ["max_output_tokens"],
  nProbs: ["top_logprobs", "include"],
  jsonSchema: ["text.format.schema", "text.format…"],
  toolChoice: ["tool_choice"],
  "toolChoice.names": ["tool_choice.tools"],
  parallelToolCalls: ["parallel_tool_calls"],
  reasoningEffort: ["reasoning.effort"],
  onContextFull: ["truncation"],
  messages: ["input…"],
  toolCalls: ["function_call!"],
});

/** Of a message in Anthropic's form: results of tools are messages of their own in the library's. */
export const messagesNames = answerNames({
  nPredict: ["max_tokens"],
  stopStrings: ["stop_sequences"],
  jsonSchema: ["output_config.format.schema"],
  "tools[].parameters": ["tools[].input_schema"],
  toolChoice: ["tool_choice"],
  parallelToolCalls: ["tool_choice.disable_parallel_tool_use"],
  reasoningEffort: ["output_config.effort", "thinking"],
  thinkingBudget: ["thinking.budget_tokens"],
  "messages[]": ["messages…"],
  toolCalls: ["tool_use!"],
});
