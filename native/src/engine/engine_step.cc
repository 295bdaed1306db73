// One step of the engine: plan, then apply. Nothing about a sequence changes before the forward pass that it is part of
// has succeeded.
#include <algorithm>
#include <string>
#include <utility>

#include "engine/engine_loop.h"
#include "llama.h"
#include "scheduling/step_plan.h"
#include "text/detokenizer.h"

namespace medinfer {
namespace {

// Whether somebody in the pass draws from logits, and the likeliest token will not do.
template <typename Span, typename Share>
bool CopiesLogits(const Decoder& decoder, const std::vector<Share>& shares, const std::vector<Span>& spans) {
  if (!decoder.finds_likeliest()) return true;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    if (spans[i].logits && shares[i].sequence->NeedsLogits()) return true;
  }
  return false;
}

}  // namespace

void EngineLoop::Step() {
  ReserveDecodeCells();
  std::vector<SequenceView> views;
  for (std::size_t i = 0; i < running_.size(); ++i) {
    if (!running_[i]->paused) views.push_back(running_[i]->View(static_cast<std::uint32_t>(i)));
  }
  const Plan plan = PlanStep(views, limits_.step_budget);
  // Indices name sequences only until the first of them ends.
  const auto resolve = [this](const std::vector<PlanItem>& items) {
    std::vector<Share> shares;
    for (const PlanItem& item : items) shares.push_back({running_[item.index], item.n_tokens});
    return shares;
  };
  const std::vector<Share> text = resolve(plan.text);
  const std::vector<Share> media = resolve(plan.media);
  if (!text.empty() && !DecodeText(text)) return;
  if (!media.empty()) DecodeMedia(media);
}

// Makes sure that every drawn token that is about to be decoded has a cell. Where the pool is short, kept states give
// up their tables, then the sequence that is served last gives way; the first in line never does, so some sequence
// always advances.
void EngineLoop::ReserveDecodeCells() {
  for (std::size_t i = 0; i < running_.size(); ++i) {
    Sequence& sequence = *running_[i];
    while (sequence.pending && !sequence.paused && !sequence.cell_reserved) {
      sequence.cell_reserved = parts_.pool.Grow(sequence.slot, 1);
      if (sequence.cell_reserved) break;
      if (states_.GiveUpOne()) continue;
      Sequence& last = *running_.back();
      Preempt(last);
      if (&last == &sequence) return;
    }
  }
}

bool EngineLoop::DecodeText(const std::vector<Share>& shares) {
  std::vector<TextSpan> spans;
  for (const Share& share : shares) {
    const Sequence& s = *share.sequence;
    if (s.reading_prompt()) {
      spans.push_back({s.slot, s.NextTextPosition(), s.NextText(share.n_tokens), s.PromptEndsAfter(share.n_tokens)});
    } else {
      spans.push_back({s.slot, s.position, {&*s.pending, 1}, true});
    }
  }
  Guard(shares);
  const bool copies = CopiesLogits(parts_.decoder, shares, spans);
  if (!Succeeded(parts_.decoder.DecodeText(spans, copies), shares)) return false;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    Sequence& sequence = *shares[i].sequence;
    if (sequence.reading_prompt()) {
      AdvancePrompt(sequence, shares[i].n_tokens);
    } else {
      sequence.AdvanceDecode();
    }
    Commit(sequence);
    if (spans[i].logits) Continue(sequence, i, copies);
  }
  return true;
}

void EngineLoop::DecodeMedia(const std::vector<Share>& shares) {
  std::vector<MediaSpan> spans;
  for (const Share& share : shares) {
    const Sequence& s = *share.sequence;
    spans.push_back(
        {s.slot, s.position, &s.CurrentMedia(), s.chunk_done, share.n_tokens, s.PromptEndsAfter(share.n_tokens)});
  }
  Guard(shares);
  const bool copies = CopiesLogits(parts_.decoder, shares, spans);
  if (!Succeeded(parts_.decoder.DecodeMedia(spans, copies), shares)) return;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    Sequence& sequence = *shares[i].sequence;
    AdvancePrompt(sequence, shares[i].n_tokens);
    Commit(sequence);
    if (spans[i].logits) Continue(sequence, i, copies);
  }
}

void EngineLoop::Guard(const std::vector<Share>& shares) {
  parts_.guard.pass.clear();
  for (const Share& share : shares) parts_.guard.pass.push_back(share.sequence->cancelled);
}

bool EngineLoop::Succeeded(DecodeOutcome outcome, const std::vector<Share>& shares) {
  ++totals_.steps;
  switch (outcome) {
    case DecodeOutcome::kOk:
      return true;
    case DecodeOutcome::kAborted:
      return false;  // whoever asked for it is dealt with when the inbox is drained
    case DecodeOutcome::kNoRoom:
      // Our account of the pool covers plain attention; caches with rules of their own (sliding windows, recurrent
      // states) can still be short.
      if (running_.size() > 1) {
        Preempt(*running_.back());
      } else {
        Fail(*shares.front().sequence,
             {Code::kContextFull, "the model's cache has no room for the request: raise nCtx"});
      }
      return false;
    case DecodeOutcome::kFailed: {
      const std::string& damage = parts_.decoder.failure();
      const Status failed =
          damage.empty()
              ? Status(Code::kBackendLost, "the compute backend failed: try again; if it repeats, load the engine anew")
              : DamagedModel(damage);
      for (const Share& share : shares) Fail(*share.sequence, failed);
      return false;
    }
  }
  return false;
}

void EngineLoop::AdvancePrompt(Sequence& sequence, std::uint32_t n_tokens) {
  sequence.AdvancePrompt(n_tokens);
  totals_.prompt_tokens += n_tokens;
  outbox_.Tell(sequence, Prefill{sequence.prompt_done, sequence.prompt.n_tokens});
  if (!sequence.reading_prompt() && !sequence.prompt_read) sequence.prompt_read = Clock::now();
}

void EngineLoop::Tell(Sequence& sequence, TokenLogprobs told) {
  const auto bytes = [this](std::int32_t token) { return TokenPiece(parts_.model.vocab(), token, /*special=*/true); };
  told.bytes = bytes(told.token);
  for (TokenLogprob& each : told.top_before) each.bytes = bytes(each.token);
  for (TokenLogprob& each : told.top_after) each.bytes = bytes(each.token);
  outbox_.Tell(sequence, std::move(told));
}

void EngineLoop::TellTexts(Sequence& sequence, const std::vector<Text>& texts) {
  for (const Text& each : texts) outbox_.TellText(sequence, each.text, each.control);
}

// Draws after a pass: for the siblings, too, where it has ended their prompt.
void EngineLoop::Continue(Sequence& sequence, std::size_t span, bool has_logits) {
  if (!has_logits) return Enter(sequence, parts_.decoder.Likeliest(span));
  const std::span<float> logits = parts_.decoder.Logits(span);
  if (!sequence.siblings.empty()) BeginSiblings(sequence, logits);
  Draw(sequence, logits);
}

void EngineLoop::Draw(Sequence& sequence, std::span<float> logits) {
  const Request& request = sequence.request;
  if (request.n_predict == 0) {
    Finish(sequence, FinishReason::kLength);
    return;
  }
  TokenLogprobs told;
  const bool tells = request.n_probs > 0;
  const bool weighs = tells || request.sum_logprobs;
  const std::int32_t token = sequence.sampler->Draw(logits, weighs ? &told : nullptr, request.n_probs);
  if (token < 0 && sequence.constraint != nullptr && sequence.constraint->ended()) {
    Finish(sequence, FinishReason::kEos);
    return;
  }
  if (token < 0 && sequence.constraint != nullptr && sequence.constraint->lost()) {
    Fail(sequence, {Code::kInvalidArgument,
                    "the request's grammar or schema can go on in too many ways here: make it less ambiguous"});
    return;
  }
  if (token < 0) {
    Fail(sequence, {Code::kInvalidArgument, "no token is left to draw: the request's biases or grammar forbid all"});
    return;
  }
  if (request.sum_logprobs) {
    sequence.logprob_sum += told.before;
    ++sequence.n_drawn;
  }
  if (tells) Tell(sequence, std::move(told));
  Enter(sequence, token);
}

// What follows from a token that was drawn.
void EngineLoop::Enter(Sequence& sequence, std::int32_t token) {
  const Request& request = sequence.request;
  sequence.last_token = Clock::now();
  if (!sequence.first_token) sequence.first_token = sequence.last_token;
  if (llama_vocab_is_eog(parts_.model.vocab(), token)) {
    Finish(sequence, FinishReason::kEos);
    return;
  }
  ++totals_.generated_tokens;
  ++sequence.usage.completion_tokens;
  sequence.pending = token;
  sequence.unreplayed.push_back(token);
  const bool writes = sequence.constraint != nullptr && sequence.constraint->Writes(token);
  const std::string_view text = writes ? sequence.texts->Written(token) : sequence.texts->Of(token);
  TellTexts(sequence, sequence.stops->Push(text, !writes && sequence.texts->IsNamed(token)));
  const std::uint32_t total = sequence.usage.prompt_tokens + sequence.usage.completion_tokens;
  if (sequence.stops->stopped()) {
    Finish(sequence, FinishReason::kStop);
  } else if (sequence.constraint != nullptr && sequence.constraint->ended()) {
    Finish(sequence, FinishReason::kEos);  // also where the end can not be drawn: with ignore_eos
  } else if (request.n_predict > 0 &&
             sequence.usage.completion_tokens == static_cast<std::uint32_t>(request.n_predict)) {
    Finish(sequence, FinishReason::kLength);
  } else if (total >= limits_.n_ctx_per_request) {
    Finish(sequence, FinishReason::kContext);
  }
}

}  // namespace medinfer
