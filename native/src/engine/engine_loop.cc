#include "engine/engine_loop.h"

#include <algorithm>
#include <string>
#include <utility>

#include "device/assertion_guard.h"
#include "llama.h"
#include "text/prompt_parts.h"

namespace medinfer {
namespace {

// One page of so many stays free for sequences that grow: 2 %.
constexpr std::uint32_t kWatermarkShare = 50;

// Whether a running sequence is on its way to so many cells of its prompt.
bool Computes(const Sequence& sequence, std::uint32_t cells) {
  return !sequence.paused && sequence.reading_prompt() && sequence.prompt_done < cells;
}

// The request whose prompt is looked at; 0: none.
RequestId Concerns(const Command& command) {
  if (const auto* submit = std::get_if<SubmitCommand>(&command)) return submit->id;
  if (const auto* outcome = std::get_if<EncodeOutcome>(&command)) return outcome->id;
  return 0;
}

}  // namespace

bool PassGuard::ShouldAbort() const {
  if (inbox->closed()) return true;
  return !pass.empty() && std::all_of(pass.begin(), pass.end(), [](const CancelFlag& flag) { return flag->load(); });
}

EngineLoop::EngineLoop(const Parts& parts, const Limits& limits, std::function<void(RequestId)> on_end)
    : parts_(parts), limits_(limits), on_end_(std::move(on_end)), swap_(limits.swap_bytes), outbox_(parts.sink) {
  Publish();
}

void EngineLoop::Run() {
  while (!parts_.inbox.closed()) {
    // Before waiting: the latest step may have made room for somebody.
    Admit();
    for (Command& command : parts_.inbox.Drain(/*wait=*/!HasRunnable())) {
      const RequestId id = Concerns(command);
      if (const auto failed = Attempt([&] { std::visit([this](auto& c) { Handle(std::move(c)); }, command); })) {
        FailOver(*failed, id);
      }
    }
    if (HasRunnable()) {
      if (const auto failed = Attempt([this] { Step(); })) FailOver(*failed, 0);
    }
    Publish();
  }
  // What was submitted before the closing gets its answer too.
  for (Command& command : parts_.inbox.Drain(/*wait=*/false)) {
    if (auto* submit = std::get_if<SubmitCommand>(&command)) AddSequences(*submit);
    if (const auto* save = std::get_if<SaveCommand>(&command)) files_.insert(save->id);
    if (const auto* restore = std::get_if<RestoreCommand>(&command)) files_.insert(restore->id);
  }
  const Status closed(Code::kClosed, "the engine was closed");
  while (!sequences_.empty()) Fail(*sequences_.begin()->second, closed);
  while (!files_.empty()) {
    const RequestId id = *files_.begin();
    EndFile(id, {id, Failed{closed}});
  }
  Publish();
}

// Data of a model's file may show no earlier than here that it is damaged. Ends the request or, without one, all that
// are running: whichever of them it was, the others share its model.
void EngineLoop::FailOver(const std::string& damage, RequestId id) {
  std::vector<RequestId> ids;
  if (id != 0) {
    ids.push_back(id);
  } else {
    for (const Sequence* sequence : running_) ids.push_back(sequence->id);
  }
  for (const RequestId each : ids) {
    const auto found = sequences_.find(each);  // some end with others
    if (found != sequences_.end()) Fail(*found->second, DamagedModel(damage));
  }
}

void EngineLoop::Handle(SubmitCommand command) {
  Sequence& sequence = AddSequences(command);
  auto tokenized =
      TokenizeParts(parts_.model.tokenizer(), std::exchange(sequence.request.prompt, {}), sequence.request.add_special);
  if (!tokenized.ok()) {
    Fail(sequence, tokenized.status());
    return;
  }
  std::vector<PromptPart>& parts = tokenized.value();
  if (std::none_of(parts.begin(), parts.end(), [](const PromptPart& part) { return part.image != nullptr; })) {
    PreparedPrompt prompt;
    if (!parts.empty()) prompt.chunks.emplace_back(std::move(parts.front().tokens));
    if (!parts.empty()) prompt.n_tokens = static_cast<std::uint32_t>(std::get<TextChunk>(prompt.chunks[0]).size());
    Enqueue(sequence, std::move(prompt));
    return;
  }
  sequence.state = SequenceState::kEncoding;
  EncodeJob job;
  job.id = sequence.id;
  job.prompt = std::move(parts);
  job.add_special = false;  // it is there
  if (sequence.embed_only) job.wanted = EncodeJob::Wanted::kEmbeddings;
  job.cancelled = sequence.cancelled;
  parts_.encoder->Enqueue(std::move(job));
}

void EngineLoop::Handle(const CancelCommand& command) {
  const auto found = sequences_.find(command.id);
  if (found != sequences_.end()) Fail(*found->second, {Code::kAborted, "the request was aborted"});
  if (files_.contains(command.id)) {
    EndFile(command.id, {command.id, Failed{{Code::kAborted, "the request was aborted"}}});
  }
}

void EngineLoop::Handle(const FinishCommand& command) {
  const auto found = sequences_.find(command.id);
  if (found == sequences_.end()) return;
  if (found->second->embed_only) {
    Handle(CancelCommand{command.id});
  } else {
    Finish(*found->second, FinishReason::kStop);
  }
}

void EngineLoop::Handle(const PauseCommand& command) {
  const auto found = sequences_.find(command.id);
  if (found != sequences_.end()) found->second->paused = command.paused;
}

void EngineLoop::Handle(const FollowCommand& command) {
  const auto found = sequences_.find(command.id);
  if (found != sequences_.end()) outbox_.Follow(*found->second);
}

void EngineLoop::Handle(EncodeOutcome outcome) {
  const auto found = sequences_.find(outcome.id);
  if (found == sequences_.end()) return;  // cancelled meanwhile
  Sequence& sequence = *found->second;
  if (!outcome.prompt.ok()) {
    Fail(sequence, outcome.prompt.status());
    return;
  }
  PreparedPrompt& prompt = outcome.prompt.value();
  if (sequence.embed_only) {
    Embedded embedded;
    embedded.tokens = prompt.n_media_tokens;
    embedded.width = static_cast<std::uint32_t>(llama_model_n_embd_inp(parts_.model.get()));
    embedded.cached = prompt.n_images_cached > 0;
    auto values = std::make_shared<std::vector<float>>();
    for (const PromptChunk& chunk : prompt.chunks) {
      const auto& slice = std::get<MediaChunk>(chunk).embedding;
      values->insert(values->end(), slice->begin(), slice->end());
    }
    embedded.values = std::move(values);
    ++totals_.completed;
    End(sequence, {sequence.id, std::move(embedded)});
    return;
  }
  outbox_.Tell(sequence, Encoded{prompt.n_images, prompt.n_images_cached});
  Enqueue(sequence, std::move(prompt));
}

void EngineLoop::Enqueue(Sequence& sequence, PreparedPrompt prompt) {
  sequence.prepared = prompt.n_images > 0 ? Clock::now() : sequence.submitted;
  sequence.prompt = std::move(prompt);
  const PreparedPrompt& p = sequence.prompt;
  if (p.n_tokens == 0) {
    Fail(sequence, {Code::kInvalidArgument, "the prompt has no tokens: give it some text"});
    return;
  }
  if (p.n_tokens >= limits_.n_ctx_per_request) {
    Fail(sequence, {Code::kContextFull, "the prompt has " + std::to_string(p.n_tokens) +
                                            " tokens and the context of a request holds " +
                                            std::to_string(limits_.n_ctx_per_request) +
                                            ": shorten the prompt, raise nCtx and nCtxPerRequest, or let a "
                                            "conversation drop old turns (onContextFull)"});
    return;
  }
  for (const PromptChunk& chunk : p.chunks) {
    const auto* media = std::get_if<MediaChunk>(&chunk);
    if (media != nullptr && media->non_causal && media->n_tokens > parts_.decoder.n_ubatch()) {
      Fail(sequence,
           {Code::kInvalidArgument, "this model reads an image in one piece of " + std::to_string(media->n_tokens) +
                                        " tokens: load it with nUbatch of at least that many"});
      return;
    }
  }
  PrepareSampling(sequence);
  sequence.usage.prompt_tokens = p.n_tokens;
  sequence.usage.image_tokens = p.n_media_tokens;
  sequence.usage.images_cached = p.n_images_cached;
  sequence.NameCells(unique_media_);
  sequence.state = SequenceState::kQueued;
  InsertByPrecedence(queued_, &sequence);
}

void EngineLoop::Admit() {
  for (std::size_t i = 0; i < queued_.size();) {
    Sequence& sequence = *queued_[i];
    const Admission admission = sequence.paused ? Admission::kLater : TryAdmit(sequence);
    if (admission == Admission::kAdmitted) {
      queued_.erase(queued_.begin() + static_cast<std::ptrdiff_t>(i));
      InsertByPrecedence(running_, &sequence);
    } else if (admission == Admission::kLater) {
      ++i;
    } else {
      // A consumer that does not read must not keep others out.
      const auto idle = std::find_if(running_.rbegin(), running_.rend(), [](const Sequence* s) { return s->paused; });
      if (idle == running_.rend()) return;  // in order: nothing that fits may overtake, or large prompts would starve
      Preempt(**idle);
      i = 0;
    }
  }
}

// What the prefix cache has of the prompt is not computed again.
EngineLoop::Admission EngineLoop::TryAdmit(Sequence& sequence) {
  // Asked of everybody who waits, at every step: what costs a look at the whole prompt comes last.
  if (StillAwaits(sequence)) return Admission::kLater;
  KvPool& pool = parts_.pool;
  if (!pool.has_free_id()) return Admission::kNoRoom;
  const std::uint32_t n_tokens = sequence.prompt.n_tokens;
  PageTable prefix = pool.FindPrefix(sequence.keys, sequence.request.cache_salt);
  std::uint32_t found = sequence.UsableMatch(prefix.size(), pool.page_size());
  prefix.Truncate(found);
  if (std::optional<PageTable> base = ForkBase(sequence, found)) {
    prefix = std::move(*base);
    found = prefix.size();
  }
  if (IsComputedElsewhere(sequence, found)) return Admission::kLater;
  // A page beside the prompt for every running sequence, or admitting would preempt at once. Alone it may have all.
  const auto beside = static_cast<std::uint32_t>(running_.size());
  const std::uint32_t headroom = beside == 0 ? 0 : beside + pool.pages().total() / kWatermarkShare;
  const std::optional<SequenceId> slot = Acquire(prefix, n_tokens - found, headroom);
  if (!slot && sequence.request.base != 0 && running_.empty()) {
    // A fork's pages need not be full, so it may take more of them than the whole prompt does.
    sequence.request.base = 0;
    prefix.Clear();
    return TryAdmit(sequence);
  }
  if (!slot) return Admission::kNoRoom;
  sequence.slot = *slot;
  sequence.state = SequenceState::kRunning;
  sequence.committed = found;
  totals_.kv.tokens_saved += found;
  if (found > 0) ++totals_.kv.prefix_hits;
  const std::uint32_t written = SwapIn(sequence, found);
  sequence.Skip(written);
  parts_.decoder.Attach(*slot, written, sequence.NextTextPosition() - 1);
  if (written > found) Commit(sequence);
  if (!sequence.admitted) {
    sequence.admitted = Clock::now();
    sequence.usage.cached_tokens = found;
  }
  return Admission::kAdmitted;
}

// Whether the sequence that computes a prefix of this one is still at it.
bool EngineLoop::StillAwaits(Sequence& sequence) {
  if (sequence.awaited == 0) return false;
  const auto other = sequences_.find(sequence.awaited);
  const bool still = other != sequences_.end() && other->second->state == SequenceState::kRunning &&
                     Computes(*other->second, sequence.awaited_cells);
  if (!still) sequence.awaited = 0;
  return still;
}

// Whether a running sequence is about to compute more of this prompt than was found: then it is worth waiting for.
bool EngineLoop::IsComputedElsewhere(Sequence& sequence, std::uint32_t found) {
  if (!parts_.decoder.paged()) return false;
  const std::uint32_t page = parts_.pool.page_size();
  for (const Sequence* other : running_) {
    if (!other->reading_prompt() || other->request.cache_salt != sequence.request.cache_salt) continue;
    const auto [mine, theirs] =
        std::mismatch(sequence.keys.begin(), sequence.keys.end(), other->keys.begin(), other->keys.end());
    const auto common = static_cast<std::uint32_t>(mine - sequence.keys.begin());
    const std::uint32_t cells = sequence.UsableMatch(common, page);
    if (cells > found && Computes(*other, cells)) {
      sequence.awaited = other->id;
      sequence.awaited_cells = cells;
      return true;
    }
  }
  return false;
}

void EngineLoop::Commit(Sequence& sequence) {
  const std::uint32_t page = parts_.pool.page_size();
  const std::uint32_t whole = sequence.written() / page * page;
  if (whole <= sequence.committed) return;
  sequence.committed = whole;
  parts_.pool.Commit(sequence.slot, std::span(sequence.keys).first(whole), sequence.request.cache_salt);
}

bool EngineLoop::HasRunnable() const {
  return std::any_of(running_.begin(), running_.end(),
                     [](const Sequence* s) { return !s->paused && s->View(0).available > 0; });
}

// Puts a running sequence back into the queue. What it drew is kept and read again as a part of its prompt.
void EngineLoop::Preempt(Sequence& sequence) {
  std::erase(running_, &sequence);
  SwapOut(sequence);
  parts_.decoder.Forget(sequence.slot);
  parts_.pool.Release(sequence.slot);
  sequence.Rewind();
  sequence.request.base = 0;  // see TryAdmit
  sequence.NameCells(unique_media_);
  InsertByPrecedence(queued_, &sequence);
  ++totals_.preemptions;
}

void EngineLoop::Finish(Sequence& sequence, FinishReason reason) {
  EndSiblings(sequence, [&](Sequence& sibling) { Finish(sibling, reason); });
  Done done;
  done.reason = reason;
  if (sequence.stops) {  // none while its images are encoded
    StopMatcher& stops = *sequence.stops;
    if (!stops.stopped()) TellTexts(sequence, stops.Flush());
    if (stops.stopped()) {
      done.reason = FinishReason::kStop;
      done.stop_string = stops.match();
    }
  }
  done.usage = sequence.usage;
  done.timings = sequence.FinalTimings(Clock::now());
  done.logprob_sum = sequence.logprob_sum;
  done.n_drawn = sequence.n_drawn;
  done.state = Keep(sequence);
  ++totals_.completed;
  End(sequence, {sequence.id, std::move(done)});
}

void EngineLoop::Fail(Sequence& sequence, Status status) {
  EndSiblings(sequence, [&](Sequence& sibling) { Fail(sibling, status); });
  const bool aborted = status.code() == Code::kAborted || status.code() == Code::kClosed;
  ++(aborted ? totals_.aborted : totals_.failed);
  End(sequence, {sequence.id, Failed{std::move(status)}});
}

void EngineLoop::End(Sequence& sequence, Event event) {
  if (sequence.state == SequenceState::kRunning) {
    std::erase(running_, &sequence);
    parts_.decoder.Forget(sequence.slot);
    parts_.pool.Release(sequence.slot);
  } else if (sequence.state == SequenceState::kQueued) {
    std::erase(queued_, &sequence);
    swap_.Take(sequence.id);
  } else if (sequence.state == SequenceState::kSibling) {
    std::erase(sequence.first->siblings, &sequence);
    --siblings_;
  }
  on_end_(sequence.id);
  outbox_.End(sequence, std::move(event));
  const auto found = sequences_.find(sequence.id);
  ended_.push_back(std::move(found->second));
  sequences_.erase(found);
}

void EngineLoop::DescribePool(KvStats& kv) const {
  const KvPool& pool = parts_.pool;
  const PagePool& pages = pool.pages();
  kv.paged = parts_.decoder.paged();
  kv.page_size = pool.page_size();
  kv.pages = pages.total();
  kv.pages_free = pages.free();
  kv.pages_cached = pool.cache().evictable();
  kv.pages_used = pages.used() - kv.pages_cached;
  kv.pages_shared = pages.shared();
  kv.pages_evicted = pool.cache().stats().evicted;
  kv.fragmentation = pool.Fragmentation();
  kv.swap_bytes = swap_.used();
}

void EngineLoop::Publish() {
  Stats now = totals_;
  now.queued = static_cast<std::uint32_t>(queued_.size() + siblings_);
  now.running = static_cast<std::uint32_t>(running_.size());
  now.encoding = static_cast<std::uint32_t>(sequences_.size() - now.queued - running_.size());
  now.paused = static_cast<std::uint32_t>(
      std::count_if(running_.begin(), running_.end(), [](const Sequence* s) { return s->paused; }));
  now.kv_cells = parts_.pool.cells();
  now.kv_cells_used = static_cast<std::uint32_t>(parts_.pool.cells_held());
  DescribePool(now.kv);
  now.graphs_reused = parts_.decoder.graphs_reused();
  now.threads = parts_.decoder.threads();
  {
    const std::lock_guard lock(stats_mutex_);
    published_ = now;
  }
  ended_.clear();
  outbox_.Deliver(/*idle=*/!HasRunnable());
}

Stats EngineLoop::stats() const {
  const std::lock_guard lock(stats_mutex_);
  return published_;
}

}  // namespace medinfer
