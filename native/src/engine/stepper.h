// One step of the engine: the forward passes that the scheduler planned, the draws after them, and what follows from
// these. Nothing about a sequence changes before the pass that it is part of has succeeded. Belongs to the engine
// thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/draft_planner.h"
#include "engine/outbox.h"
#include "engine/pass_guard.h"
#include "engine/request_table.h"
#include "engine/sequence.h"
#include "model/decoder.h"
#include "model/model.h"
#include "scheduling/scheduler.h"

namespace medinfer {

class Stepper {
 public:
  // All outlive it.
  struct Parts {
    const Model& model;
    Decoder& decoder;
    Scheduler& scheduler;
    RequestTable& requests;
    Outbox& outbox;
    PassGuard& guard;
    DraftModel* draft_model = nullptr;  // null: there is none
    DraftHeads* draft_heads = nullptr;  // null: there are none
    double draft_token_cost = 0;        // as of LoadOptions
  };
  // Since load.
  struct Counters {
    std::uint64_t steps = 0;  // forward passes
    std::uint64_t prompt_tokens = 0;
    std::uint64_t generated_tokens = 0;
    std::uint64_t draft_tokens = 0;
    std::uint64_t accepted_tokens = 0;
    // Of the passes that read parts of prompts as text, with all that was in them.
    std::uint64_t read_tokens = 0;
    double read_ms = 0;
  };

  explicit Stepper(const Parts& parts)
      : parts_(parts),
        drafts_(parts.requests, parts.decoder.paged(), parts.draft_model, parts.draft_heads, parts.draft_token_cost) {}

  void Step();

  const Counters& counters() const { return counters_; }

 private:
  using Shares = std::vector<Scheduler::Share>;

  bool DecodeText(const Shares& shares);
  void DecodeMedia(const Shares& shares);
  void TellHeads(const Shares& shares, const std::vector<TextSpan>& spans);
  // Whether a sequence of the pass draws from logits, and the likeliest token will not do.
  template <typename Span>
  bool CopiesLogits(const Shares& shares, const std::vector<Span>& spans) const;
  void Guard(const Shares& shares);
  bool Succeeded(DecodeOutcome outcome, const Shares& shares);
  bool AdvancePrompt(Sequence& sequence, std::size_t span, std::uint32_t n_tokens);
  void EmitPromptLogprobs(Sequence& sequence, std::size_t span, std::uint32_t n_tokens);
  void FinishPooled(Sequence& sequence);
  void AdvanceDecode(Sequence& sequence, std::size_t span, bool has_logits);
  void Continue(Sequence& sequence, std::size_t span, std::uint32_t before_last, bool has_logits);
  void Score(Sequence& sequence, std::span<const float> logits);
  void Score(Sequence& sequence, std::span<const float> logits, double normalizer);
  void PassOnPrompt(const Sequence& first);
  void BeginBeside(const Sequence& first, Sequence& sibling);
  void BeginSiblings(Sequence& first, std::span<const float> logits);
  void Draw(Sequence& sequence, std::span<float> logits);
  void EmitLogprobs(Sequence& sequence, TokenLogprobs logprobs);
  void Enter(Sequence& sequence, std::int32_t token);

  Parts parts_;
  DraftPlanner drafts_;
  Counters counters_;
};

}  // namespace medinfer
