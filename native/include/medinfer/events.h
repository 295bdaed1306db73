// What an engine emits for its requests. Every request ends with exactly one terminal event: Done, Scored, Embedded,
// Pooled, Counted, Saved, Restored, AdapterLoaded, AdapterUnloaded or Failed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "medinfer/adapter.h"
#include "medinfer/logprobs.h"
#include "medinfer/request.h"
#include "medinfer/seen_image.h"
#include "medinfer/status.h"

namespace medinfer {

enum class FinishReason : std::uint8_t {
  kEos,      // the model ended its turn
  kStop,     // a stop string or a stop token appeared
  kLength,   // n_predict tokens were generated
  kContext,  // the request's context is full
};

struct Usage {
  std::uint32_t prompt_tokens = 0;      // text and image tokens of the prompt
  std::uint32_t image_tokens = 0;       // of them, image tokens
  std::uint32_t completion_tokens = 0;  // tokens drawn, EOS excluded
  std::uint32_t cached_tokens = 0;      // prompt tokens that were in the KV cache from earlier requests
  std::uint32_t images_cached = 0;      // images that needed no encoding
  std::uint32_t draft_tokens = 0;       // proposed ahead of the model
  std::uint32_t accepted_tokens = 0;    // of them, those that it drew: they took no pass of their own
};

// Milliseconds, wall clock. Phases that did not happen are 0.
struct Timings {
  double queue_ms = 0;        // submitted -> admitted, encoding excluded
  double encode_ms = 0;       // images: decode, preprocess, wait for the encoder, encode
  double prefill_ms = 0;      // admitted -> last prompt token decoded
  double first_token_ms = 0;  // submitted -> first token drawn
  double decode_ms = 0;       // first token drawn -> last token drawn
  double total_ms = 0;        // submitted -> finished
};

// Every image of the request is encoded (or was found in the cache).
struct Encoded {
  std::uint32_t images = 0;
  std::uint32_t cached = 0;
  std::vector<SeenImage> seen{};  // in the order of the prompt
};

// Prompt tokens in the KV cache so far.
struct Prefill {
  std::uint32_t done = 0;
  std::uint32_t total = 0;
};

// Tokens of the prompt, in order, where the request asked for their logprobs: one for each cell, those of images
// included.
struct PromptLogprobs {
  std::vector<PromptLogprob> tokens;
};

// Generated text: whole UTF-8 characters, never a part of a stop string.
struct Text {
  std::string text;
  bool control = false;  // what a control token of Request::control_texts is written as: no part of the answer
};

// Drawn tokens, in order, where the request asked for them. Not tied to Text, which lags behind: it waits for whole
// characters and for what could become a stop string.
struct Logprobs {
  std::vector<TokenLogprobs> tokens;
};

struct Done {
  FinishReason reason = FinishReason::kEos;
  std::string stop_string;       // the one that matched, with kStop; empty where Engine::Finish or a token ended it
  std::int32_t stop_token = -1;  // of Request::stop_tokens, where it ended the answer
  Usage usage;
  Timings timings;
  StateId state = 0;  // what Request::keep has left; 0: nothing
  // Where the request asked for it: of the drawn tokens, EOS included, as the model gave them (before the chain).
  double logprob_sum = 0;
  std::uint32_t n_drawn = 0;
};

// How likely one of Request::candidates follows what the model has read, as the model gives it (before the chain).
struct Scored {
  // What follows the tokens that the prompt has in common with and without each of the candidates: a tokenizer may
  // join the prompt's end with a candidate's beginning.
  std::vector<std::int32_t> tokens;
  std::vector<float> logprobs;  // natural logarithms; of each token behind those before it
  Usage usage;                  // the prompt: what is in common
  Timings timings;
};

// The answer to Engine::EmbedImage: row-major [tokens][width] floats.
struct Embedded {
  std::shared_ptr<const std::vector<float>> values;
  std::uint32_t tokens = 0;
  std::uint32_t width = 0;
  bool cached = false;
};

// The answer to Engine::Embed: the row of a text, or what the model's classifier gives a document.
struct Pooled {
  std::shared_ptr<const std::vector<float>> values;  // as the model gives them: not normalised
  std::uint32_t tokens = 0;                          // read, special ones included
  std::uint32_t cached = 0;                          // of them, those that were in the KV cache
  std::uint32_t cut = 0;                             // tokens that were left out at the text's end
};

// The answer to Engine::CountTokens.
struct Counted {
  std::uint32_t tokens = 0;  // of text and images
};

// The answer to Engine::SaveState.
struct Saved {
  std::uint32_t tokens = 0;  // whose keys and values are in the file
};

// The answer to Engine::RestoreState.
struct Restored {
  StateId state = 0;
  std::uint32_t tokens = 0;  // for whose keys and values there was room; the others will be computed again
  std::string note;
};

// The answer to Engine::LoadAdapter: the adapter's id is the request's.
struct AdapterLoaded {
  AdapterInfo info;
};

// The answer to Engine::UnloadAdapter.
struct AdapterUnloaded {};

struct Failed {
  Status status;
};

struct Event {
  RequestId id = 0;
  std::variant<Encoded, Prefill, PromptLogprobs, Text, Logprobs, Done, Scored, Embedded, Pooled, Counted, Saved,
               Restored, AdapterLoaded, AdapterUnloaded, Failed>
      body;
};

// Receives events. OnEvents runs on one of an engine's own threads with all that has happened since the last time, in
// order by request; it must return soon and must not call back into the engine.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void OnEvents(std::vector<Event> events) = 0;
};

}  // namespace medinfer
