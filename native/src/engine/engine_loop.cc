#include "engine/engine_loop.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "device/assertion_guard.h"
#include "device/cpu_share.h"
#include "llama.h"

namespace medinfer {
namespace {

// The request whose prompt is looked at; 0: none.
RequestId Concerns(const Command& command) {
  if (const auto* prepared = std::get_if<PreparedCommand>(&command)) return prepared->id;
  const auto* encoded = std::get_if<EncodedCommand>(&command);
  return encoded == nullptr ? 0 : encoded->id;
}

}  // namespace

EngineLoop::EngineLoop(const Parts& parts, const Limits& limits, const std::function<void(RequestId)>& on_end)
    : parts_(parts),
      cpus_(limits.cpus),
      outbox_(parts.sink),
      draft_heads_(parts.head == nullptr ? nullptr
                                         : std::make_unique<DraftHeads>(*parts.head, parts.pool, limits.step_budget,
                                                                        llama_vocab_n_tokens(parts.model.vocab()))),
      joined_cells_(parts.head == nullptr
                        ? nullptr
                        : std::make_unique<JoinedCells>(parts.decoder, *draft_heads_, parts.pool.page_size())),
      cache_(parts.pool, parts.head == nullptr ? static_cast<CellStore&>(parts.decoder) : *joined_cells_,
             limits.swap_bytes, limits.host_bytes, parts.disk),
      scheduler_(cache_, limits.step_budget),
      requests_(scheduler_, outbox_, on_end),
      sessions_({cache_, scheduler_, parts.files, parts.inbox, parts.identity, outbox_}, on_end),
      adapters_({parts.model, parts.decoder, cache_, parts.adapters, parts.files, parts.inbox, outbox_}, on_end),
      draft_model_(parts.draft == nullptr ? nullptr
                                          : std::make_unique<DraftModel>(*parts.draft, limits.step_budget,
                                                                         llama_vocab_n_tokens(parts.model.vocab()))),
      stepper_({parts.model, parts.decoder, scheduler_, requests_, outbox_, parts.guard, draft_model_.get(),
                draft_heads_.get(), limits.draft_token_cost}) {
  Publish();
}

void EngineLoop::Run() {
  while (!parts_.inbox.closed()) {
    // Before waiting: the latest step may have made room.
    Admit();
    parts_.pacer.SetPressing(StreamsNeedEveryCpu());
    if (parts_.cpu_share != nullptr) parts_.cpu_share->SetDecoding(scheduler_.HasRunnable());
    for (Command& command : parts_.inbox.Drain(/*wait=*/!scheduler_.HasRunnable())) {
      const RequestId id = Concerns(command);
      if (const auto failed = Attempt([&] { std::visit([this](auto& c) { Handle(std::move(c)); }, command); })) {
        FailOver(*failed, id);
      }
    }
    if (scheduler_.HasRunnable()) {
      if (const auto failed = Attempt([this] { stepper_.Step(); })) FailOver(*failed, 0);
    }
    Publish();
  }
  parts_.pacer.SetPressing(false);
  const Status closed(Code::kClosed, "the engine was closed");
  // What was submitted before the closing gets its answer too.
  for (Command& command : parts_.inbox.Drain(/*wait=*/false)) {
    if (auto* submit = std::get_if<SubmitCommand>(&command)) Handle(std::move(*submit));
    if (const auto* save = std::get_if<SaveCommand>(&command)) sessions_.Refuse(save->id, closed);
    if (const auto* restore = std::get_if<RestoreCommand>(&command)) sessions_.Refuse(restore->id, closed);
    if (const auto* load = std::get_if<LoadAdapterCommand>(&command)) adapters_.Refuse(load->id, closed);
    if (auto* unload = std::get_if<UnloadAdapterCommand>(&command)) adapters_.Unload(std::move(*unload));
  }
  while (!requests_.all().empty()) requests_.Fail(*requests_.all().begin()->second, closed);
  sessions_.CancelAll(closed);
  adapters_.CancelAll(closed);
  Publish();
}

// Data of a model's file may show no earlier than here that it is damaged. Ends the request or, without one, all that
// are running: whichever of them it was, the others share its model.
void EngineLoop::FailOver(const std::string& damage, RequestId id) {
  std::vector<RequestId> ids;
  if (id != 0) {
    ids.push_back(id);
  } else {
    for (const ScheduledSequence* sequence : scheduler_.running()) ids.push_back(sequence->id);
  }
  for (const RequestId each : ids) {
    Sequence* sequence = requests_.Find(each);  // some end with others
    if (sequence != nullptr) requests_.Fail(*sequence, DamagedModel(damage));
  }
}

void EngineLoop::Handle(SubmitCommand command) {
  Sequence* first = nullptr;
  for (std::size_t i = 0; i < command.cancelled.size(); ++i) {
    auto sequence = std::make_unique<Sequence>();
    ScheduledSequence& schedule = sequence->schedule;
    schedule.id = command.id + i;
    schedule.priority = command.priority;
    schedule.arrival = arrivals_++;
    schedule.salt = command.salt;
    schedule.base = command.base;
    sequence->unsent.id = schedule.id;
    sequence->unsent.streamed = command.streamed;
    sequence->clock.submitted = command.submitted;
    sequence->adapters = command.adapters;
    sequence->cancelled = std::move(command.cancelled[i]);
    sequence->encodes = command.images && i == 0;
    sequence->embed_only = command.embed_only;
    sequence->scores = command.scores;
    if (i == 0) sequence->prompt_probs = command.prompt_probs;
    sequence->keep = command.keep;
    schedule.whole = command.whole;
    Sequence& added = requests_.Add(std::move(sequence));
    if (first == nullptr) {
      first = &added;
    } else {
      scheduler_.AddSibling(first->schedule, added.schedule);
    }
  }
}

void EngineLoop::Handle(PreparedCommand command) {
  Sequence* first = requests_.Find(command.id);
  if (first == nullptr) return;  // cancelled meanwhile, and its siblings with it
  if (!command.prompt.ok()) return requests_.Fail(*first, command.prompt.status());
  requests_.EndEncoding(*first);
  PreparedPrompt& prompt = command.prompt.value();
  if (first->embed_only) return requests_.Finish(*first, JoinEmbeddings(prompt));
  for (std::size_t i = 0; i < command.generations.size(); ++i) {
    Sequence* each = requests_.Find(command.id + i);  // may be cancelled by itself
    if (each != nullptr) each->generation = std::move(command.generations[i]);
  }
  for (std::size_t i = 0; i < command.scorings.size(); ++i) {
    Sequence* each = requests_.Find(command.id + i);
    if (each != nullptr) each->scoring = std::move(command.scorings[i]);
  }
  first->cut = command.cut;
  first->usage.prompt_tokens = prompt.n_tokens;
  first->usage.image_tokens = prompt.n_media_tokens;
  first->usage.images_cached = prompt.n_images_cached;
  first->schedule.cursor = PromptCursor(std::move(prompt));
  if (first->prompt_probs) first->schedule.cursor.WantLogits();
  Enqueue(*first);
}

// Its prompt is there. Images that were left out of it are encoded first, where their cells are not in the cache.
void EngineLoop::Enqueue(Sequence& sequence) {
  if (!scheduler_.Enqueue(sequence.schedule)) return Encode(sequence);
  const PreparedPrompt& prompt = sequence.schedule.cursor.prompt();
  if (sequence.clock.prepared) return;  // it was in the queue before: all else is known of it
  images_left_out_ += prompt.n_images_left;
  sequence.clock.prepared = prompt.n_images > 0 ? Clock::now() : sequence.clock.submitted;
  if (prompt.n_images > 0) {
    WeighImages();
    outbox_.Emit(sequence.unsent, Encoded{prompt.n_images, sequence.usage.images_cached, prompt.images});
  }
}

// Tells the cache what the encoder takes, measured beside what prompts of text take.
void EngineLoop::WeighImages() {
  if (parts_.encoder == nullptr) return;  // the images came with their embeddings
  const ImageEncoderStats images = parts_.encoder->stats();
  const Stepper::Counters& text = stepper_.counters();
  if (images.tokens == 0 || text.read_ms <= 0) return;
  const double ms_per_text_token = text.read_ms / static_cast<double>(text.read_tokens);
  cache_.SetImageCost(images.pass_ms / static_cast<double>(images.tokens) / ms_per_text_token);
}

void EngineLoop::Encode(Sequence& sequence) {
  requests_.BeginEncoding(sequence);
  EncodeJob job;
  job.id = sequence.id();
  job.prompt = *sequence.schedule.cursor.prompt().source;
  job.add_special = false;  // it is there
  job.wanted = EncodeJob::Wanted::kLeftOut;
  job.cancelled = sequence.cancelled;
  parts_.encoder->Enqueue(std::move(job));
}

void EngineLoop::Handle(const EncodedCommand& command) {
  Sequence* sequence = requests_.Find(command.id);
  if (sequence == nullptr) return;  // cancelled meanwhile
  if (!command.images.ok()) return requests_.Fail(*sequence, command.images.status());
  requests_.EndEncoding(*sequence);
  const std::uint32_t n_left = sequence->schedule.cursor.prompt().n_images_left;
  sequence->usage.images_cached -= n_left;
  if (sequence->clock.prepared) images_left_out_ -= n_left;
  sequence->schedule.cursor.TakeEmbeddings(command.images.value());
  Enqueue(*sequence);
}

Embedded EngineLoop::JoinEmbeddings(const PreparedPrompt& prompt) const {
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
  return embedded;
}

void EngineLoop::Handle(const CancelCommand& command) {
  const Status aborted(Code::kAborted, "the request was aborted");
  if (Sequence* sequence = requests_.Find(command.id)) requests_.Fail(*sequence, aborted);
  sessions_.Cancel(command.id, aborted);
  adapters_.Cancel(command.id, aborted);
}

void EngineLoop::Handle(const FinishCommand& command) {
  Sequence* sequence = requests_.Find(command.id);
  if (sequence == nullptr) return;
  if (sequence->embed_only || sequence->scores || parts_.decoder.pools()) return Handle(CancelCommand{command.id});
  requests_.Finish(*sequence, FinishReason::kStop);
}

void EngineLoop::Handle(const PauseCommand& command) {
  if (Sequence* sequence = requests_.Find(command.id)) sequence->schedule.paused = command.paused;
}

void EngineLoop::Handle(const StreamCommand& command) {
  if (Sequence* sequence = requests_.Find(command.id)) outbox_.Stream(sequence->unsent);
}

void EngineLoop::Admit() {
  for (const ScheduledSequence* each : scheduler_.Admit()) {
    Sequence& sequence = requests_.Of(*each);
    if (sequence.clock.admitted) continue;  // it was preempted
    sequence.clock.admitted = Clock::now();
    sequence.usage.cached_tokens = *each->cached_cells;
  }
  for (const ScheduledSequence* each : scheduler_.TakeUnreadable()) Encode(requests_.Of(*each));
}

bool EngineLoop::StreamsNeedEveryCpu() const {
  return cpus_ > 0 && parts_.decoder.threads() >= cpus_ && scheduler_.IsDecoding();
}

Stats EngineLoop::Count() const {
  Stats now;
  now.encoding = requests_.n_encoding();
  now.running = static_cast<std::uint32_t>(scheduler_.running().size());
  now.queued = static_cast<std::uint32_t>(requests_.all().size()) - now.encoding - now.running;
  now.paused = static_cast<std::uint32_t>(scheduler_.n_paused());
  now.completed = requests_.outcomes().completed;
  now.failed = requests_.outcomes().failed;
  now.aborted = requests_.outcomes().aborted;
  now.steps = stepper_.counters().steps;
  now.prompt_tokens = stepper_.counters().prompt_tokens;
  now.generated_tokens = stepper_.counters().generated_tokens;
  now.draft_tokens = stepper_.counters().draft_tokens;
  now.accepted_tokens = stepper_.counters().accepted_tokens;
  now.preemptions = scheduler_.preemptions();
  now.kv_cells = cache_.cells();
  now.kv_cells_used = static_cast<std::uint32_t>(cache_.cells_held());
  now.kv = cache_.stats();
  now.image_cache_hits = images_left_out_;
  now.step_ms = parts_.decoder.forward_ms();
  now.graphs_reused = parts_.decoder.graphs_reused();
  now.threads = parts_.decoder.threads();
  return now;
}

void EngineLoop::Publish() {
  // Before what is told of it can be asked about.
  requests_.FreeEnded();
  adapters_.FreeUnused();
  Stats now = Count();
  {
    const MutexLock lock(stats_mutex_);
    published_ = now;
  }
  outbox_.Deliver(/*idle=*/!scheduler_.HasRunnable());
}

Stats EngineLoop::stats() const {
  const MutexLock lock(stats_mutex_);
  return published_;
}

}  // namespace medinfer
