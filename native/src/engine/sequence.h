// One completion while the engine works on it. Each part belongs to the class that changes it: `schedule` to the
// scheduler, `generation` and `scoring` to the stepper, `unsent` to the outbox. Belongs to the engine thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "adapters/adapter_set.h"
#include "engine/generation.h"
#include "engine/request_clock.h"
#include "engine/scoring.h"
#include "engine/unsent_events.h"
#include "medinfer/events.h"
#include "scheduling/scheduled_sequence.h"
#include "speculation/acceptance.h"

namespace medinfer {

// Set by any thread: the request has ended, so what is computed for it alone can be left in the middle.
using CancelFlag = std::shared_ptr<std::atomic<bool>>;

struct Sequence {
  ScheduledSequence schedule;
  std::unique_ptr<Generation> generation;  // null until the prompt is prepared
  std::unique_ptr<Scoring> scoring;        // instead of it, where a candidate is scored
  UnsentEvents unsent;
  RequestClock clock;
  Usage usage;
  AdapterSet adapters;
  std::optional<Acceptance> acceptance;  // of its drafts; nothing: there was none
  std::vector<GuessKind> draft_kinds;    // of the tokens of its draft
  std::int32_t expected = -1;            // what a draft has in the place of the token that is drawn next; -1: nothing
  CancelFlag cancelled;
  bool encodes = false;                       // its images are at the encoder
  bool embed_only = false;                    // an image for the encoder alone
  std::optional<std::uint32_t> prompt_probs;  // see Request; of the first completion
  bool scores = false;                        // a candidate, and generates nothing
  bool keep = false;                          // leaves a kept state
  std::uint32_t cut = 0;                      // tokens of a text to embed that were left out

  RequestId id() const { return schedule.id; }
};

}  // namespace medinfer
