// Several completions of one prompt: the first reads it for all. When its last token is decoded, the others fork its
// pages and draw from the same logits; from there on each is a sequence like any other.
#include <utility>

#include "engine/engine_loop.h"

namespace medinfer {

// Enters the sequences of a request and returns the first.
Sequence& EngineLoop::AddSequences(SubmitCommand& command) {
  Request common = std::move(command.request);
  std::vector<PromptPart> prompt = std::exchange(common.prompt, {});
  const auto add = [&](std::uint32_t i) -> Sequence& {
    auto owned = std::make_unique<Sequence>();
    Sequence& sequence = *owned;
    sequence.id = command.id + i;
    sequence.request = common;
    sequence.request.sampling.seed += i;
    sequence.cancelled = std::move(command.cancelled[i]);
    sequence.embed_only = command.embed_only;
    sequence.submitted = command.submitted;
    sequence.followed = common.followed;
    sequence.arrival = arrivals_++;
    sequences_.emplace(sequence.id, std::move(owned));
    return sequence;
  };
  Sequence& first = add(0);
  first.request.prompt = std::move(prompt);
  first.constraint = std::move(command.constraint);
  for (std::uint32_t i = 1; i < common.n; ++i) {
    Sequence& sibling = add(i);
    sibling.state = SequenceState::kSibling;
    sibling.first = &first;
    if (first.constraint != nullptr) sibling.constraint = first.constraint->Clone();
    first.siblings.push_back(&sibling);
    ++siblings_;
  }
  return first;
}

// What draws, and what ends the text. REQUIRES: the prompt is there.
void EngineLoop::PrepareSampling(Sequence& sequence) {
  const Request& request = sequence.request;
  sequence.sampler.emplace(
      request.sampling,
      ResolveTokens(parts_.model.vocab(), request.sampling, request.ignore_eos, limits_.n_ctx_per_request),
      sequence.constraint.get());
  sequence.stops.emplace(request.stop_strings);
  sequence.texts.emplace(parts_.model.vocab(), request.control_texts);
  for (const PromptChunk& chunk : sequence.prompt.chunks) {
    const auto* text = std::get_if<TextChunk>(&chunk);
    if (text == nullptr) continue;
    for (const std::int32_t token : *text) sequence.sampler->AcceptPrompt(token);
  }
}

// The prompt is in the cache, and `logits` are those of its last token. Who finds no sequence id, or no page to go on
// with, becomes an ordinary request: what is computed is in the prefix cache by then.
void EngineLoop::BeginSiblings(Sequence& first, std::span<const float> logits) {
  std::vector<float> own;
  for (Sequence* sibling : std::exchange(first.siblings, {})) {
    --siblings_;
    sibling->first = nullptr;
    sibling->TakePrompt(first);
    PrepareSampling(*sibling);
    std::optional<SequenceId> slot;
    if (parts_.decoder.paged() && parts_.pool.available() > running_.size()) slot = parts_.pool.Fork(first.slot);
    if (!slot) {
      sibling->usage.cached_tokens = 0;
      sibling->Rewind();
      InsertByPrecedence(queued_, sibling);
      continue;
    }
    sibling->slot = *slot;
    sibling->state = SequenceState::kRunning;
    sibling->admitted = first.admitted;
    sibling->prompt_read = first.prompt_read;
    sibling->usage.cached_tokens = sibling->usage.prompt_tokens;
    parts_.decoder.Attach(*slot, sibling->written(), sibling->NextTextPosition() - 1);
    InsertByPrecedence(running_, sibling);
    own.assign(logits.begin(), logits.end());
    Draw(*sibling, own);
  }
}

// Before the prompt is read there is one fate for all.
void EngineLoop::EndSiblings(Sequence& first, const std::function<void(Sequence&)>& end) {
  while (!first.siblings.empty()) end(*first.siblings.back());
}

}  // namespace medinfer
