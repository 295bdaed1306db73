// What one request has said since its events last went out. Filled and emptied by the outbox.
#pragma once

#include <optional>
#include <vector>

#include "medinfer/events.h"

namespace medinfer {

struct UnsentEvents {
  RequestId id = 0;
  bool streamed = false;  // events are read as the request goes; false: all of them at its end
  bool shown = false;     // its first text went out

  std::optional<Encoded> encoded;
  std::optional<Prefill> prefill;  // the latest
  std::vector<PromptLogprob> prompt_logprobs;
  std::vector<TokenLogprobs> logprobs;
  std::vector<Text> texts;

  bool empty() const { return !encoded && !prefill && prompt_logprobs.empty() && logprobs.empty() && texts.empty(); }
};

}  // namespace medinfer
