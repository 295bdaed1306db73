#include "engine/stepper.h"

#include <chrono>
#include <string>
#include <utility>

#include "llama.h"
#include "sampling/log_normalizer.h"
#include "sampling/top_logprobs.h"
#include "text/detokenizer.h"

namespace medinfer {

void Stepper::Step() {
  drafts_.Propose(parts_.scheduler.running());
  Scheduler::Step step = parts_.scheduler.Plan();
  // The command that ends it is on its way. What a pass that was given up has left of it in the context is not known:
  // llama.cpp takes back the last of its micro-batches alone.
  const auto ends = [this](const Scheduler::Share& share) {
    return parts_.requests.Of(*share.sequence).cancelled->load();
  };
  std::erase_if(step.text, ends);
  std::erase_if(step.media, ends);
  if (!step.text.empty() && !DecodeText(step.text)) return;
  if (!step.media.empty()) DecodeMedia(step.media);
}

bool Stepper::DecodeText(const Shares& shares) {
  const Clock::time_point begun = Clock::now();
  std::vector<TextSpan> spans;
  std::vector<std::vector<std::int32_t>> drawn(shares.size());  // pending tokens, and what may follow them
  bool reads = false;
  std::uint32_t n_tokens = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const std::uint32_t n = shares[i].n_tokens;
    ScheduledSequence& s = *shares[i].sequence;
    const PromptCursor& cursor = s.cursor;
    const auto& adapters = parts_.requests.Of(s).adapters.shares();
    n_tokens += n;
    if (cursor.reading()) {
      reads = true;
      spans.push_back({s.slot, cursor.next_position(), cursor.NextText(n), cursor.LogitsOf(n), adapters});
    } else {
      s.draft.resize(n - 1);
      drawn[i].push_back(*s.pending);
      drawn[i].insert(drawn[i].end(), s.draft.begin(), s.draft.end());
      spans.push_back({s.slot, cursor.next_position(), drawn[i], n, adapters, /*generated=*/true});
    }
  }
  Guard(shares);
  const bool copies = CopiesLogits(shares, spans);
  if (!Succeeded(parts_.decoder.DecodeText(spans, copies), shares)) return false;
  TellHeads(shares, spans);
  for (std::size_t i = 0; i < shares.size(); ++i) {
    Sequence& sequence = parts_.requests.Of(*shares[i].sequence);
    if (!sequence.schedule.cursor.reading()) {
      AdvanceDecode(sequence, i, copies);
      continue;
    }
    const bool draws = AdvancePrompt(sequence, i, shares[i].n_tokens);
    parts_.scheduler.Commit(sequence.schedule);
    if (draws && parts_.decoder.pools()) {
      FinishPooled(sequence);
    } else if (draws) {
      Continue(sequence, i, 0, copies);
    }
  }
  const double ms = std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
  if (reads) {
    counters_.read_tokens += n_tokens;
    counters_.read_ms += ms;
  } else {
    drafts_.Report(n_tokens, ms);
  }
  if (parts_.draft_heads != nullptr) parts_.draft_heads->CatchUp();
  return true;
}

// What was read, before anything is made of it: refused drafts are taken back of them as of the cache.
void Stepper::TellHeads(const Shares& shares, const std::vector<TextSpan>& spans) {
  if (parts_.draft_heads == nullptr) return;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const ScheduledSequence& s = *shares[i].sequence;
    // They have no token where an image is.
    if (!s.cursor.text_so_far()) continue;
    parts_.draft_heads->Note(s.slot, spans[i].first_position, spans[i].tokens,
                             parts_.decoder.Hidden(i, shares[i].n_tokens));
  }
}

// The pending token is in the cache, and a draft behind it, which holds as far as its tokens are those that are drawn.
void Stepper::AdvanceDecode(Sequence& sequence, std::size_t span, bool has_logits) {
  ScheduledSequence& schedule = sequence.schedule;
  const std::vector<std::int32_t> draft = std::exchange(schedule.draft, {});
  const auto drafted = static_cast<std::uint32_t>(draft.size());
  const std::uint32_t accepted_before = sequence.usage.accepted_tokens;
  sequence.usage.draft_tokens += drafted;
  counters_.draft_tokens += drafted;
  bool goes_on = true;
  for (std::uint32_t row = 0; goes_on && row <= drafted; ++row) {
    schedule.AdvanceDecode();
    parts_.scheduler.Commit(schedule);
    sequence.expected = row < drafted ? draft[row] : -1;
    Continue(sequence, span, drafted - row, has_logits);
    goes_on = schedule.state == SequenceState::kRunning && *schedule.pending == sequence.expected;
  }
  if (drafted == 0) return;
  sequence.expected = -1;
  drafts_.Judge(sequence, drafted, sequence.usage.accepted_tokens - accepted_before);
  if (schedule.state == SequenceState::kRunning) parts_.scheduler.DropRefused(schedule);
}

// The text is read: its row is there until the next pass.
void Stepper::FinishPooled(Sequence& sequence) {
  const std::span<const float> row = parts_.decoder.Pooled(sequence.schedule.slot);
  Pooled pooled;
  pooled.values = std::make_shared<const std::vector<float>>(row.begin(), row.end());
  pooled.tokens = sequence.usage.prompt_tokens;
  pooled.cached = sequence.usage.cached_tokens;
  pooled.cut = sequence.cut;
  parts_.requests.Finish(sequence, std::move(pooled));
}

void Stepper::DecodeMedia(const Shares& shares) {
  std::vector<MediaSpan> spans;
  for (const Scheduler::Share& share : shares) {
    const PromptCursor& cursor = share.sequence->cursor;
    spans.push_back({share.sequence->slot, cursor.chunk_position(), &cursor.CurrentMedia(), cursor.chunk_done(),
                     share.n_tokens, cursor.LogitsOf(share.n_tokens),
                     parts_.requests.Of(*share.sequence).adapters.shares()});
  }
  Guard(shares);
  const bool copies = CopiesLogits(shares, spans);
  if (!Succeeded(parts_.decoder.DecodeMedia(spans, copies), shares)) return;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    Sequence& sequence = parts_.requests.Of(*shares[i].sequence);
    const bool draws = AdvancePrompt(sequence, i, shares[i].n_tokens);
    parts_.scheduler.Commit(sequence.schedule);
    if (draws) Continue(sequence, i, 0, copies);
  }
}

template <typename Span>
bool Stepper::CopiesLogits(const Shares& shares, const std::vector<Span>& spans) const {
  if (parts_.decoder.pools()) return false;
  if (!parts_.decoder.finds_likeliest()) return true;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    if (spans[i].logits == 0) continue;
    const Sequence& sequence = parts_.requests.Of(*shares[i].sequence);
    if (sequence.scores || sequence.schedule.cursor.wants_logits() || !sequence.schedule.siblings.empty() ||
        sequence.generation->needs_logits())
      return true;
  }
  return false;
}

void Stepper::Guard(const Shares& shares) {
  parts_.guard.pass.clear();
  for (const Scheduler::Share& share : shares) {
    parts_.guard.pass.push_back(parts_.requests.Of(*share.sequence).cancelled);
  }
}

bool Stepper::Succeeded(DecodeOutcome outcome, const Shares& shares) {
  ++counters_.steps;
  switch (outcome) {
    case DecodeOutcome::kOk:
      return true;
    case DecodeOutcome::kAborted:
      return false;  // the command that asked for it is dealt with when the inbox is drained
    case DecodeOutcome::kNoRoom:
      // The scheduler's account covers plain attention; caches with rules of their own (sliding windows, recurrent
      // states) can still be short.
      if (!parts_.scheduler.PreemptLast()) {
        parts_.requests.Fail(parts_.requests.Of(*shares.front().sequence),
                             {Code::kContextFull, "the model's cache has no room for the request: raise nCtx"});
      }
      return false;
    case DecodeOutcome::kFailed: {
      const std::string& damage = parts_.decoder.failure();
      const Status failed =
          damage.empty()
              ? Status(Code::kBackendLost, "the compute backend failed: try again; if it repeats, load the engine anew")
              : DamagedModel(damage);
      for (const Scheduler::Share& share : shares) parts_.requests.Fail(parts_.requests.Of(*share.sequence), failed);
      return false;
    }
  }
  return false;
}

// Whether a token is drawn behind them.
bool Stepper::AdvancePrompt(Sequence& sequence, std::size_t span, std::uint32_t n_tokens) {
  PromptCursor& cursor = sequence.schedule.cursor;
  if (cursor.wants_logits()) EmitPromptLogprobs(sequence, span, n_tokens);
  cursor.Advance(n_tokens);
  counters_.prompt_tokens += n_tokens;
  // A text to embed has nobody who follows it.
  if (!parts_.decoder.pools()) parts_.outbox.Emit(sequence.unsent, Prefill{cursor.done(), cursor.n_tokens()});
  if (cursor.reading()) return false;
  if (!sequence.clock.prompt_read) sequence.clock.prompt_read = Clock::now();
  return true;
}

// Those of the tokens that follow the next `n_tokens`, each behind one of them, as far as they are text. A sequence
// that was preempted reads again what it has reported, and says it once.
void Stepper::EmitPromptLogprobs(Sequence& sequence, std::size_t span, std::uint32_t n_tokens) {
  PromptCursor& cursor = sequence.schedule.cursor;
  const auto emit = [&](std::int32_t token, std::optional<std::uint32_t> before_last) {
    PromptLogprob entry;
    entry.token = token;
    if (token >= 0) entry.bytes = TokenPiece(parts_.model.vocab(), token, /*special=*/true);
    if (before_last) {
      entry.logprob = TopLogprobs(parts_.decoder.Logits(span, *before_last), token, *sequence.prompt_probs, entry.top);
      for (TokenLogprob& each : entry.top) each.bytes = TokenPiece(parts_.model.vocab(), each.token, /*special=*/true);
    }
    parts_.outbox.Emit(sequence.unsent, std::move(entry));
  };
  const std::uint32_t rows = cursor.LogitsOf(n_tokens);
  const TextChunk* behind = cursor.TextBehind();
  if (const auto* text = std::get_if<TextChunk>(&cursor.chunk())) {
    if (cursor.done() == 0 && cursor.logits_from() == 0) emit(text->front(), std::nullopt);
    const std::size_t end = cursor.chunk_done() + n_tokens;
    for (std::uint32_t left = rows; left > 0; --left) {
      if (end - left + 1 < text->size()) emit((*text)[end - left + 1], left - 1);
    }
  } else if (n_tokens == cursor.chunk_left() && cursor.logits_from() < cursor.done() + n_tokens) {
    for (std::uint32_t i = 0; i < cursor.CurrentMedia().n_tokens; ++i) emit(-1, std::nullopt);
    if (behind != nullptr) emit(behind->front(), 0);
  }
  const bool whole = std::holds_alternative<TextChunk>(cursor.chunk()) || n_tokens == cursor.chunk_left();
  if (whole) cursor.TakeLogits(n_tokens);
}

// Draws after a pass: for the siblings, too, where it has ended their prompt.
void Stepper::Continue(Sequence& sequence, std::size_t span, std::uint32_t before_last, bool has_logits) {
  if (!has_logits) return Enter(sequence, parts_.decoder.Likeliest(span, before_last));
  const std::span<float> logits = parts_.decoder.Logits(span, before_last);
  if (sequence.scores) return Score(sequence, logits);
  if (!sequence.schedule.siblings.empty()) BeginSiblings(sequence, logits);
  Draw(sequence, logits);
}

// Enters a token of the candidate, and of all candidates the first where the pass has ended their prompt.
void Stepper::Score(Sequence& sequence, std::span<const float> logits) {
  const double normalizer = LogNormalizer(logits);
  if (!sequence.schedule.siblings.empty()) {
    PassOnPrompt(sequence);
    // What ends here needs no cells.
    for (ScheduledSequence* each : std::vector(sequence.schedule.siblings)) {
      Sequence& sibling = parts_.requests.Of(*each);
      if (!sibling.scoring->takes_one_row()) continue;
      BeginBeside(sequence, sibling);
      Score(sibling, logits, normalizer);
    }
    while (ScheduledSequence* begun = parts_.scheduler.BeginSibling(sequence.schedule)) {
      Sequence& sibling = parts_.requests.Of(*begun);
      BeginBeside(sequence, sibling);
      Score(sibling, logits, normalizer);
    }
  }
  Score(sequence, logits, normalizer);
}

void Stepper::Score(Sequence& sequence, std::span<const float> logits, double normalizer) {
  RequestClock& clock = sequence.clock;
  clock.last_token = Clock::now();
  if (!clock.first_token) clock.first_token = clock.last_token;
  const std::int32_t token = sequence.scoring->Enter(logits, normalizer);
  if (sequence.scoring->done()) return parts_.requests.Finish(sequence, sequence.scoring->Take());
  sequence.schedule.pending = token;
  sequence.schedule.drawn.push_back(token);
}

// What siblings know of the prompt that `first` has read.
void Stepper::PassOnPrompt(const Sequence& first) {
  for (ScheduledSequence* each : first.schedule.siblings) {
    Sequence& sibling = parts_.requests.Of(*each);
    sibling.usage = first.usage;
    sibling.usage.cached_tokens = 0;
    sibling.clock.prepared = first.clock.prepared;
  }
}

void Stepper::BeginBeside(const Sequence& first, Sequence& sibling) {
  if (parts_.draft_heads != nullptr && sibling.schedule.slot >= 0) {
    parts_.draft_heads->Fork(first.schedule.slot, sibling.schedule.slot);
  }
  sibling.usage.cached_tokens = sibling.usage.prompt_tokens;
  sibling.clock.admitted = first.clock.admitted;
  sibling.clock.prompt_read = first.clock.prompt_read;
}

// `logits` are those of the prompt's last token.
void Stepper::BeginSiblings(Sequence& first, std::span<const float> logits) {
  PassOnPrompt(first);
  std::vector<float> own;
  while (ScheduledSequence* begun = parts_.scheduler.BeginSibling(first.schedule)) {
    Sequence& sibling = parts_.requests.Of(*begun);
    BeginBeside(first, sibling);
    own.assign(logits.begin(), logits.end());
    Draw(sibling, own);
  }
}

void Stepper::Draw(Sequence& sequence, std::span<float> logits) {
  Generation& generation = *sequence.generation;
  if (generation.wants_nothing()) return parts_.requests.Finish(sequence, FinishReason::kLength);
  Generation::Drawn drawn = generation.Draw(logits);
  if (drawn.token < 0) {
    if (generation.complete()) return parts_.requests.Finish(sequence, FinishReason::kEos);
    return parts_.requests.Fail(sequence, generation.WhyNothing());
  }
  if (generation.emits_logprobs()) EmitLogprobs(sequence, std::move(drawn.logprobs));
  Enter(sequence, drawn.token);
}

void Stepper::EmitLogprobs(Sequence& sequence, TokenLogprobs logprobs) {
  const auto bytes = [this](std::int32_t token) { return TokenPiece(parts_.model.vocab(), token, /*special=*/true); };
  logprobs.bytes = bytes(logprobs.token);
  for (TokenLogprob& each : logprobs.top_before) each.bytes = bytes(each.token);
  for (TokenLogprob& each : logprobs.top_after) each.bytes = bytes(each.token);
  parts_.outbox.Emit(sequence.unsent, std::move(logprobs));
}

// What follows from a token that was drawn.
void Stepper::Enter(Sequence& sequence, std::int32_t token) {
  RequestClock& clock = sequence.clock;
  clock.last_token = Clock::now();
  if (!clock.first_token) clock.first_token = clock.last_token;
  if (const auto reason = sequence.generation->EndsWith(token)) {
    return parts_.requests.Finish(sequence, *reason, *reason == FinishReason::kStop ? token : -1);
  }
  ++counters_.generated_tokens;
  ++sequence.usage.completion_tokens;
  if (token == sequence.expected) {
    ++counters_.accepted_tokens;
    ++sequence.usage.accepted_tokens;
  }
  sequence.schedule.pending = token;
  sequence.schedule.drawn.push_back(token);
  drafts_.Learn(sequence, token);
  parts_.outbox.EmitTexts(sequence.unsent, sequence.generation->Accept(token));
  if (const auto reason = sequence.generation->FinishAfter(sequence.usage)) parts_.requests.Finish(sequence, *reason);
}

}  // namespace medinfer
