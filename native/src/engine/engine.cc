// The engine as its callers see it: any thread asks, the inboxes of the engine's own threads take it from there.
//
// Threads: the callers'; the preparing thread (Preparer, TokenCounter); the encode thread (ImageEncoder); the engine
// thread (EngineLoop); the file thread (SessionStore); ggml's.
#include "medinfer/engine.h"

#include <array>
#include <atomic>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/inbox.h"
#include "base/pacer.h"
#include "base/task_thread.h"
#include "device/assertion_guard.h"
#include "device/available_cpus.h"
#include "engine/adapter_table.h"
#include "engine/engine_loop.h"
#include "engine/preparer.h"
#include "engine/token_counter.h"
#include "engine/validate_request.h"
#include "loading/load_parts.h"
#include "loading/validate_load_options.h"
#include "medinfer/mutex.h"
#include "text/prompt_parts.h"
#include "vision/image_encoder.h"

namespace medinfer {
namespace {

// What `use` makes of the model, or that it is damaged.
template <typename T, typename Fn>
Result<T> Use(const Fn& use) {
  std::optional<Result<T>> result;
  const std::optional<std::string> damage = Attempt([&] { result.emplace(use()); });
  return damage ? Result<T>(DamagedModel(*damage)) : std::move(*result);
}

class EngineImpl final : public Engine {
 public:
  EngineImpl(const LoadOptions& options, std::shared_ptr<EventSink> sink) : options_(options), sink_(std::move(sink)) {}
  ~EngineImpl() override { EngineImpl::Close(); }

  Status Load(const ProgressFn& progress);

  Result<RequestId> Submit(Request request) override {
    if (options_.task != Task::kGenerate) return WrongTaskStatus("generate");
    if (Status status = ValidateRequest(request, info_.vision, info_.n_vocab); !status.ok()) return status;
    return Push(std::move(request), /*embed_only=*/false);
  }

  Result<RequestId> EmbedImage(ImageFile image) override {
    Request request;
    request.prompt.push_back({"", true, std::move(image)});
    if (Status status = ValidateRequest(request, info_.vision, info_.n_vocab); !status.ok()) return status;
    return Push(std::move(request), /*embed_only=*/true);
  }

  Result<RequestId> Embed(EmbedRequest request) override {
    if (request.query.has_value() != (options_.task == Task::kRerank) || options_.task == Task::kGenerate) {
      return WrongTaskStatus(request.query ? "rerank" : "embed");
    }
    if (Status status = ValidateEmbedRequest(request); !status.ok()) return status;
    SubmitCommand command;
    command.priority = request.priority;
    command.streamed = false;
    command.whole = whole_;
    command.cancelled.push_back(std::make_shared<std::atomic<bool>>(false));
    Preparer::Job job;
    job.cancelled = command.cancelled;
    job.request.cache_salt = request.cache_salt;
    job.embed = std::move(request);
    return Enqueue(std::move(command), std::move(job));
  }

  Result<RequestId> CountTokens(std::vector<PromptPart> prompt, bool add_special) override {
    Request request;
    request.prompt = std::move(prompt);
    if (Status status = ValidateRequest(request, info_.vision, info_.n_vocab); !status.ok()) return status;
    const MutexLock lock(mutex_);
    if (inbox_.closed()) return ClosedStatus();
    const RequestId id = next_id_++;
    counter_->Count(id, std::move(request.prompt), add_special);
    return id;
  }

  void Cancel(RequestId id) override {
    if (GiveUpPass(id)) inbox_.Push(CancelCommand{id});
  }

  void Finish(RequestId id) override {
    if (GiveUpPass(id)) inbox_.Push(FinishCommand{id});
  }

  void Stream(RequestId id) override { inbox_.Push(StreamCommand{id}); }
  void Pause(RequestId id) override { inbox_.Push(PauseCommand{id, true}); }
  void Resume(RequestId id) override { inbox_.Push(PauseCommand{id, false}); }

  Result<StateId> ForkState(StateId state) override {
    const MutexLock lock(mutex_);
    if (inbox_.closed()) return ClosedStatus();
    const StateId fork = next_id_++;
    inbox_.Push(ForkStateCommand{state, fork});
    return fork;
  }

  void DropState(StateId state) override { inbox_.Push(DropStateCommand{state}); }

  Result<RequestId> SaveState(StateId state, std::string path, std::string note) override {
    return PushFile(SaveCommand{0, state, std::move(path), std::move(note)});
  }

  Result<RequestId> RestoreState(std::string path) override { return PushFile(RestoreCommand{0, std::move(path)}); }

  Result<RequestId> LoadAdapter(std::string path) override {
    if (options_.split_mode == SplitMode::kTensor && info_.n_gpu_layers > 0) {
      return Status(Code::kInvalidArgument,
                    "a model that is divided by splitMode \"tensor\" takes no adapters: load it with \"layer\"");
    }
    return PushFile(LoadAdapterCommand{0, std::move(path)});
  }

  Result<RequestId> UnloadAdapter(AdapterId adapter) override {
    const MutexLock lock(mutex_);  // a Push that uses it is wholly before, or refused
    if (inbox_.closed()) return ClosedStatus();
    UnloadAdapterCommand command{next_id_, adapters_.Remove(adapter)};
    if (command.adapter == nullptr) return Status(Code::kInvalidArgument, "this adapter is not loaded");
    const RequestId id = next_id_++;
    Enter(id, std::make_shared<std::atomic<bool>>(false));
    inbox_.Push(std::move(command));
    return id;
  }

  const ModelInfo& info() const override { return info_; }

  Stats stats() const override {
    const MutexLock lock(close_mutex_);
    if (loop_ == nullptr) return last_stats_;
    return CollectStats();
  }

  Result<std::vector<std::int32_t>> Tokenize(std::string_view text, bool add_special,
                                             bool parse_special) const override {
    const MutexLock lock(close_mutex_);
    if (loop_ == nullptr) return ClosedStatus();
    return Use<std::vector<std::int32_t>>([&] {
      const PromptTokenizer& tokenizer = parts_->model->tokenizer();
      auto tokens = tokenizer.Tokenize({{text, parse_special}});
      if (tokens.ok() && add_special) {
        tokenizer.AddBos(tokens.value());
        tokenizer.AddEnd(tokens.value());
      }
      return tokens;
    });
  }

  Result<std::string> Detokenize(const std::vector<std::int32_t>& tokens, bool special) const override {
    const MutexLock lock(close_mutex_);
    if (loop_ == nullptr) return ClosedStatus();
    for (const std::int32_t token : tokens) {
      if (token < 0 || static_cast<std::uint32_t>(token) >= info_.n_vocab) {
        return Status(Code::kInvalidArgument, "token " + std::to_string(token) + " is not in the vocabulary of " +
                                                  std::to_string(info_.n_vocab));
      }
    }
    return Use<std::string>([&] { return parts_->model->tokenizer().Detokenize(tokens, special); });
  }

  void Close() override;

 private:
  Status WrongTaskStatus(const char* wanted) const {
    constexpr std::array kNames = {"generate", "embed", "rerank"};
    return {Code::kWrongTask, std::string("the engine was loaded with task \"") +
                                  kNames.at(static_cast<std::size_t>(options_.task)) + "\": load one with task \"" +
                                  wanted + "\""};
  }
  static Status ClosedStatus() { return {Code::kClosed, "the engine is closed: load a new one"}; }

  struct Live {
    CancelFlag cancelled;
    bool takes_place = true;
  };

  void Enter(RequestId id, CancelFlag cancelled, bool takes_place = true) MEDINFER_REQUIRES(mutex_) {
    if (takes_place) ++places_;
    live_.emplace(id, Live{std::move(cancelled), takes_place});
  }
  void Leave(RequestId id) {
    const MutexLock lock(mutex_);
    const auto found = live_.find(id);
    if (found == live_.end()) return;
    if (found->second.takes_place) --places_;
    live_.erase(found);
  }

  // A forward pass that works for this request alone may be left in the middle. False where the request has ended.
  bool GiveUpPass(RequestId id);
  Result<RequestId> Push(Request request, bool embed_only);
  // Gives out ids, one for each of the command's flags.
  Result<RequestId> Enqueue(SubmitCommand command, Preparer::Job job);
  template <typename FileCommand>
  Result<RequestId> PushFile(FileCommand command) {
    const MutexLock lock(mutex_);
    if (inbox_.closed()) return ClosedStatus();
    command.id = next_id_++;
    const RequestId id = command.id;
    const auto cancelled = std::make_shared<std::atomic<bool>>(false);
    Enter(id, cancelled);
    if constexpr (requires { command.cancelled; }) command.cancelled = cancelled;
    inbox_.Push(std::move(command));
    return id;
  }

  Stats CollectStats() const;

  // Of the encoder. Encode thread.
  void Take(EncodeOutcome outcome) {
    if (outcome.wanted == EncodeJob::Wanted::kCount) {
      counter_->Take(outcome);
    } else if (outcome.wanted == EncodeJob::Wanted::kLeftOut) {
      inbox_.Push(EncodedCommand{outcome.id, std::move(outcome.prompt)});
    } else {
      preparer_->Take(std::move(outcome));
    }
  }

  const LoadOptions options_;
  const std::shared_ptr<EventSink> sink_;
  ModelInfo info_;
  bool whole_ = false;  // texts to embed are read in one pass

  Mutex mutex_;
  std::unordered_map<RequestId, Live> live_ MEDINFER_GUARDED_BY(mutex_);  // requests without a terminal event
  std::size_t places_ MEDINFER_GUARDED_BY(mutex_) = 0;                    // that they take in the queue
  RequestId next_id_ MEDINFER_GUARDED_BY(mutex_) = 1;

  Inbox<Command> inbox_;
  PassGuard guard_;
  Pacer pacer_;
  AdapterTable adapters_;

  // Guards the parts below against Close while another thread asks for facts. The engine thread never takes it.
  mutable Mutex close_mutex_;
  Stats last_stats_ MEDINFER_GUARDED_BY(close_mutex_);  // of a closed engine
  // In the order of their making; each uses those before it. Close destroys them in reverse, but for the threads that
  // have to stop first.
  std::optional<LoadedParts> parts_;
  std::unique_ptr<TaskThread> files_;
  std::unique_ptr<TaskThread> preparing_;
  std::unique_ptr<ImageEncoder> encoder_;
  std::unique_ptr<TokenCounter> counter_;
  std::unique_ptr<Preparer> preparer_;
  std::unique_ptr<EngineLoop> loop_;
  std::thread thread_;
};

Status EngineImpl::Load(const ProgressFn& progress) {
  guard_.inbox = &inbox_;
  auto loaded = LoadParts(options_, progress, [this] { return guard_.ShouldAbort(); });
  if (!loaded.ok()) return loaded.status();
  LoadedParts& parts = parts_.emplace(std::move(loaded.value()));
  info_ = parts.info;
  whole_ = parts.decoder->pools() && parts.decoder->reads_whole();
  files_ = std::make_unique<TaskThread>();
  // Those whose answers are under way come before those that begin.
  preparing_ = std::make_unique<TaskThread>(&pacer_);
  if (parts.projector != nullptr) {
    const ImageLimits limits{options_.max_image_bytes, options_.max_image_pixels};
    encoder_ = std::make_unique<ImageEncoder>(*parts.projector, limits, options_.image_cache_bytes,
                                              [this](EncodeOutcome outcome) { Take(std::move(outcome)); });
  }
  counter_ = std::make_unique<TokenCounter>(*parts.model, encoder_.get(), *preparing_, *sink_);
  const bool keeps_cells = parts.decoder->paged() && parts.pool->caches();
  const Preparer::Limits readable{info_.n_ctx_per_request, info_.n_ubatch, keeps_cells};
  preparer_ = std::make_unique<Preparer>(*parts.model, encoder_.get(), readable, *preparing_, inbox_);
  EngineLoop::Limits limits;
  limits.step_budget = options_.n_batch > 0 ? options_.n_batch : options_.n_ubatch;
  limits.swap_bytes = parts.swap_bytes;
  limits.host_bytes = parts.host_bytes;
  limits.draft_token_cost = options_.draft_token_cost;
  const bool whole_on_gpu = info_.n_gpu_layers > static_cast<std::int32_t>(info_.n_layer);
  limits.cpus = whole_on_gpu ? 0 : AvailableCpus();
  loop_ = std::make_unique<EngineLoop>(
      EngineLoop::Parts{*parts.model, *parts.decoder, *parts.pool, guard_, inbox_, *sink_, *files_, adapters_, pacer_,
                        parts.identity, parts.disk.get(), parts.draft.decoder == nullptr ? nullptr : &parts.draft,
                        encoder_.get(), parts.head.get(), parts.cpu_share.get()},
      limits, [this](RequestId id) { Leave(id); });
  thread_ = std::thread([this] { loop_->Run(); });
  progress(1.0F);
  return {};
}

bool EngineImpl::GiveUpPass(RequestId id) {
  const MutexLock lock(mutex_);
  const auto found = live_.find(id);
  if (found == live_.end()) return false;
  found->second.cancelled->store(true);
  return true;
}

Result<RequestId> EngineImpl::Push(Request request, bool embed_only) {
  const std::uint32_t n = request.n;
  SubmitCommand command;
  command.priority = request.priority;
  command.base = request.base;
  command.keep = request.keep;
  command.streamed = request.streamed;
  command.prompt_probs = request.prompt_probs;
  command.images = HasImages(request.prompt);
  command.embed_only = embed_only;
  command.scores = !request.candidates.empty();
  for (std::uint32_t i = 0; i < n; ++i) command.cancelled.push_back(std::make_shared<std::atomic<bool>>(false));
  Preparer::Job job{0, std::move(request), command.cancelled, embed_only, {}};
  return Enqueue(std::move(command), std::move(job));
}

Result<RequestId> EngineImpl::Enqueue(SubmitCommand command, Preparer::Job job) {
  command.submitted = Clock::now();
  const std::size_t n = command.cancelled.size();
  const MutexLock lock(mutex_);
  if (inbox_.closed()) return ClosedStatus();
  auto adapters = adapters_.Resolve(job.request.adapters);
  if (!adapters.ok()) return adapters.status();
  command.adapters = std::move(adapters.value());
  command.salt = command.adapters.Salt(job.request.cache_salt);
  // Of candidates, most take no more than a row of logits that is there.
  const std::size_t places = command.scores ? 1 : n;
  if (places_ + places > std::size_t{options_.batch_size} + options_.max_queue) {
    return Status(Code::kQueueFull, "no more than " + std::to_string(options_.max_queue) +
                                        " requests may wait: try again later, or raise maxQueue");
  }
  const RequestId id = next_id_;
  command.id = id;
  job.id = id;
  next_id_ += n;
  for (std::size_t i = 0; i < n; ++i) Enter(id + i, command.cancelled[i], i < places);
  // Under the lock, so that requests reach the loop in the order of their ids, and before what is prepared of them.
  inbox_.Push(std::move(command));
  preparer_->Prepare(std::move(job));
  return id;
}

Stats EngineImpl::CollectStats() const {
  Stats stats = loop_->stats();
  if (encoder_ != nullptr) {
    const ImageEncoderStats images = encoder_->stats();
    stats.images_encoded = images.images_encoded;
    stats.image_cache_hits += images.cache_hits;  // those that the loop left out
    stats.image_batches = images.batches;
    stats.image_ms = images.pass_ms;
    stats.image_cache_bytes = images.cache_bytes;
  }
  return stats;
}

void EngineImpl::Close() {
  {
    const MutexLock lock(mutex_);  // a Push is wholly before the closing, and then answered, or refused
    inbox_.Close();
  }
  const MutexLock lock(close_mutex_);
  if (loop_ == nullptr) return;
  files_->Close();
  if (thread_.joinable()) thread_.join();
  last_stats_ = CollectStats();
  loop_.reset();
  files_.reset();
  preparing_->Stop();  // it gives the encoder work
  encoder_.reset();    // and is given work by it, which is dropped now
  preparer_.reset();
  counter_.reset();
  preparing_.reset();
  adapters_.Clear();
  parts_.reset();
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::Load(const LoadOptions& options, const ProgressFn& progress,
                                             std::shared_ptr<EventSink> sink) {
  if (Status status = ValidateLoadOptions(options); !status.ok()) return status;
  auto engine = std::make_unique<EngineImpl>(options, std::move(sink));
  Status loaded;
  const std::optional<std::string> damage = Attempt([&] { loaded = engine->Load(progress); });
  if (damage) return DamagedModel(*damage);
  if (!loaded.ok()) return loaded;
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace medinfer
