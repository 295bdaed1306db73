// What a caller asks of an engine. Plain data, validated by Engine::Submit.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "medinfer/adapter.h"
#include "medinfer/ids.h"
#include "medinfer/image_file.h"
#include "medinfer/sampling.h"

namespace medinfer {

// Least and most tokens that an image is to have, where the projector scales images to numbers of tokens; 0: the
// projector's own limit.
struct ImageTokenLimits {
  std::uint32_t min = 0;
  std::uint32_t max = 0;

  bool given() const { return min > 0 || max > 0; }
};

inline constexpr std::uint32_t kMostDraftTokens = 32;
// Bytes of an expected text that are looked at: to tokenise it keeps others from being read.
inline constexpr std::size_t kMostExpected = 256U << 10U;

// One piece of a prompt, in the order in which the model reads it: text, or an image.
struct PromptPart {
  std::string text;                    // UTF-8; unused where `image` or `tokens` is set
  bool parse_special = true;           // whether "</s>" in `text` is the control token or four characters
  ImageFile image;                     // null: a text part
  std::vector<std::int32_t> tokens{};  // instead of a text; ids of the vocabulary
  ImageTokenLimits limits{};           // of `image`
};

// What stands around a model's reasoning.
struct ReasoningTags {
  std::string open;
  std::string close;
  bool starts_open = false;  // the prompt ends with `open`
  bool blanks = false;       // some white space may stand before `open` and before the answer
};

// What may follow a prompt: a text, read together with the prompt's end and with no control tokens, or tokens.
struct Candidate {
  std::string text;  // unused where `tokens` are there
  std::vector<std::int32_t> tokens{};
};

// Reasoning that is ended after so many tokens.
struct ReasoningLimit {
  ReasoningTags tags;
  std::uint32_t tokens = 0;  // the tags are not counted
};

struct Request {
  // REQUIRES: not empty. Neighbouring texts are one text, whatever each says about control tokens.
  std::vector<PromptPart> prompt;
  bool add_special = true;  // prepend BOS where the vocabulary asks for it and the prompt does not begin with it
  SamplingParams sampling;
  std::vector<std::string> stop_strings;  // generation ends before the earliest one; none is empty
  std::string grammar;                    // GBNF that the text follows; empty: none
  std::string grammar_opening;            // what the grammar's text begins with, and the prompt ends with
  // The grammar's text is brought to its shortest end before `n_predict` or the context ends it; kInvalidArgument where
  // not even the shortest text fits. No effect without a grammar, and inside of reasoning.
  bool close_at_limit = false;
  std::optional<ReasoningTags> reasoning;  // the grammar holds behind it: what stands between the tags is free
  std::optional<ReasoningLimit> reasoning_limit;
  // Texts of control tokens that stop strings, tags or the reader of the events look for. Where one is drawn, Text
  // has it, marked. Others are no text.
  std::vector<std::string> control_texts;
  std::int32_t n_predict = -1;            // most tokens to generate; -1: until EOS or the context is full
  bool ignore_eos = false;                // EOS cannot be drawn
  std::uint32_t min_tokens = 0;           // neither EOS nor one of `stop_tokens` is drawn before so many others
  std::vector<std::int32_t> stop_tokens;  // each ends the answer as EOS does, with kStop
  std::uint32_t n_probs = 0;              // likeliest tokens reported beside each drawn one; 0: none
  // Likeliest tokens reported in the place of each of the prompt's, whose own logprobs are reported with them, by the
  // first completion. All of the prompt is computed then, whatever the prefix cache has of it. Nothing: no logprobs of
  // it.
  std::optional<std::uint32_t> prompt_probs;
  // Most tokens that are proposed ahead of the model and looked at in one pass, 0 to kMostDraftTokens; 0: none. The
  // text is the same.
  std::uint32_t draft_tokens = 0;
  // That the answer may repeat in parts, to propose them: kMostExpected bytes of it are looked at. Empty: none.
  std::string expected_text;
  std::uint32_t n = 1;  // completions; the prompt is computed once, completion i draws with seed + i
  // Not empty: nothing is generated. Completion i ends with Scored: how likely candidate i follows the prompt. What
  // else shapes an answer has no effect. REQUIRES: n is their number, and `keep` is false.
  std::vector<Candidate> candidates;
  std::vector<AdapterUse> adapters;  // added up; each at most once
  StateId base = 0;                  // a kept state; as far as the prompt begins with what it holds, it is not computed
  bool keep = false;                 // leaves a kept state, which Done names. REQUIRES: n == 1
  bool sum_logprobs = false;         // Done says how likely the model found what was drawn
  bool streamed = true;              // events come as it goes; false: all of them at its end, or from Stream on
  std::string cache_salt;            // requests share cached prompt tokens only where this is equal
  std::int32_t priority = 0;         // higher runs first; equal priorities run in order of arrival
};

// A text of which an engine of Task::kEmbed or kRerank makes numbers. Nothing in it acts as a control token.
struct EmbedRequest {
  std::string text;                  // UTF-8
  std::optional<std::string> query;  // kRerank: what the text, a document, is weighed against
  bool truncate = false;             // a text that is too long is cut at its end; otherwise it fails with kContextFull
  std::string cache_salt;            // as Request::cache_salt, where the model keeps what it has read
  std::int32_t priority = 0;
};

}  // namespace medinfer
