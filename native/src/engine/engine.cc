#include "medinfer/engine.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/inbox.h"
#include "device/assertion_guard.h"
#include "device/available_cpus.h"
#include "device/registry.h"
#include "engine/engine_loop.h"
#include "engine/token_counter.h"
#include "engine/validate_request.h"
#include "grammar/reasoning_gate.h"
#include "loading/model_identity.h"
#include "loading/place_model.h"
#include "loading/validate_load_options.h"
#include "model/decoder.h"
#include "model/model.h"
#include "vision/image_encoder.h"
#include "vision/projector.h"
#include "vision/projector_choice.h"

namespace medinfer {
namespace {

constexpr float kModelShare = 0.9F;  // of the load's progress, where a projector follows

std::uint32_t EncoderThreads(const LoadOptions& options) {
  return options.n_threads > 0 ? options.n_threads : AvailableCpus();
}

// What `use` makes of the model, or that it is damaged.
template <typename T, typename Fn>
Result<T> Use(const Fn& use) {
  std::optional<Result<T>> result;
  const std::optional<std::string> damage = Attempt([&] { result.emplace(use()); });
  return damage ? Result<T>(DamagedModel(*damage)) : std::move(*result);
}

// Of a request's grammar. REQUIRES: it has one.
Result<std::unique_ptr<TokenConstraint>> MakeConstraint(const llama_vocab* vocab, Request& request) {
  const bool blanks = request.reasoning && request.reasoning->blanks;
  auto grammar = GrammarConstraint::Create(vocab, request.grammar, blanks ? kMaxBlanks : 0);
  if (!grammar.ok()) return grammar.status();
  if (!request.reasoning) return std::unique_ptr<TokenConstraint>(std::move(grammar.value()));
  return std::unique_ptr<TokenConstraint>(std::make_unique<ReasoningGate>(
      vocab, TokenTexts(vocab, request.control_texts), std::move(*request.reasoning), std::move(grammar.value())));
}

class EngineImpl final : public Engine {
 public:
  // `warning`: why the options do not ask for a GPU any more; empty where they are the caller's own.
  EngineImpl(const LoadOptions& options, std::shared_ptr<EventSink> sink, std::string warning)
      : options_(options), sink_(std::move(sink)) {
    info_.warning = std::move(warning);
  }
  ~EngineImpl() override { EngineImpl::Close(); }

  Status Load(const ProgressFn& progress);
  bool placed_on_gpu() const { return !placement_.devices.empty(); }

  Result<RequestId> Submit(Request request) override {
    if (Status status = ValidateRequest(request, info_.vision, info_.n_vocab); !status.ok()) return status;
    std::unique_ptr<TokenConstraint> constraint;
    if (!request.grammar.empty()) {
      const std::lock_guard lock(close_mutex_);
      if (model_ == nullptr) return ClosedStatus();
      auto made = Use<std::unique_ptr<TokenConstraint>>([&] { return MakeConstraint(model_->vocab(), request); });
      if (!made.ok()) return made.status();
      constraint = std::move(made.value());
      request.grammar.clear();
    }
    return Push(std::move(request), /*embed_only=*/false, std::move(constraint));
  }

  Result<RequestId> EmbedImage(ImageFile image) override {
    Request request;
    request.prompt.push_back({"", true, std::move(image)});
    if (Status status = ValidateRequest(request, info_.vision, info_.n_vocab); !status.ok()) return status;
    return Push(std::move(request), /*embed_only=*/true);
  }

  Result<RequestId> CountTokens(std::vector<PromptPart> prompt, bool add_special) override {
    Request request;
    request.prompt = std::move(prompt);
    if (Status status = ValidateRequest(request, info_.vision, info_.n_vocab); !status.ok()) return status;
    const std::lock_guard lock(mutex_);
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

  void Follow(RequestId id) override { inbox_.Push(FollowCommand{id}); }
  void Pause(RequestId id) override { inbox_.Push(PauseCommand{id, true}); }
  void Resume(RequestId id) override { inbox_.Push(PauseCommand{id, false}); }

  Result<StateId> ForkState(StateId state) override {
    const std::lock_guard lock(mutex_);
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

  const ModelInfo& info() const override { return info_; }

  Stats stats() const override {
    const std::lock_guard lock(close_mutex_);
    if (loop_ == nullptr) return last_stats_;
    return CollectStats();
  }

  Result<std::vector<std::int32_t>> Tokenize(std::string_view text, bool add_special,
                                             bool parse_special) const override {
    const std::lock_guard lock(close_mutex_);
    if (model_ == nullptr) return ClosedStatus();
    return Use<std::vector<std::int32_t>>([&] {
      const PromptTokenizer& tokenizer = model_->tokenizer();
      auto tokens = tokenizer.Tokenize({{text, parse_special}});
      if (tokens.ok() && add_special) {
        tokenizer.AddBos(tokens.value());
        tokenizer.AddEnd(tokens.value());
      }
      return tokens;
    });
  }

  Result<std::string> Detokenize(const std::vector<std::int32_t>& tokens, bool special) const override {
    const std::lock_guard lock(close_mutex_);
    if (model_ == nullptr) return ClosedStatus();
    for (const std::int32_t token : tokens) {
      if (token < 0 || static_cast<std::uint32_t>(token) >= info_.n_vocab) {
        return Status(Code::kInvalidArgument, "token " + std::to_string(token) + " is not in the vocabulary of " +
                                                  std::to_string(info_.n_vocab));
      }
    }
    return Use<std::string>([&] { return model_->tokenizer().Detokenize(tokens, special); });
  }

  void Close() override;

 private:
  static Status ClosedStatus() { return {Code::kClosed, "the engine is closed: load a new one"}; }

  // A forward pass that works for this request alone may be left in the middle. False where the request has ended.
  bool GiveUpPass(RequestId id);
  Result<RequestId> Push(Request request, bool embed_only, std::unique_ptr<TokenConstraint> constraint = nullptr);
  template <typename FileCommand>
  Result<RequestId> PushFile(FileCommand command) {
    const std::lock_guard lock(mutex_);
    if (inbox_.closed()) return ClosedStatus();
    command.id = next_id_++;
    const RequestId id = command.id;
    live_.emplace(id, std::make_shared<std::atomic<bool>>(false));
    inbox_.Push(std::move(command));
    return id;
  }

  // Makes one of the candidates the projector, if one fits. `model` is loaded, or an outline.
  void ChooseAmongCandidates(const Model& model);
  Stats CollectStats() const;

  void Take(EncodeOutcome outcome) {
    if (outcome.wanted == EncodeJob::Wanted::kCount) {
      counter_->Take(outcome);
    } else {
      inbox_.Push(std::move(outcome));
    }
  }

  // Budget of the swap space. REQUIRES: the decoder is there.
  std::uint64_t SwapBytes() const {
    if (options_.kv_swap_bytes != kAutoBytes) return static_cast<std::uint64_t>(options_.kv_swap_bytes);
    return decoder_->paged() ? decoder_->BytesPerCell() * options_.n_ctx : 0;
  }

  LoadOptions options_;  // constant once a projector is chosen
  const std::shared_ptr<EventSink> sink_;
  Placement placement_;
  ModelInfo info_;

  std::mutex mutex_;
  std::unordered_map<RequestId, CancelFlag> live_;  // requests without a terminal event; guarded by mutex_
  RequestId next_id_ = 1;                           // guarded by mutex_

  Inbox<Command> inbox_;
  PassGuard guard_;

  // Guards the parts below against Close while another thread asks for facts. The engine thread never takes it.
  mutable std::mutex close_mutex_;
  Stats last_stats_;  // of a closed engine
  // In the order of their making; each uses those before it. Close destroys them in reverse.
  std::unique_ptr<Model> model_;
  std::unique_ptr<KvPool> pool_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<Projector> projector_;
  std::unique_ptr<ImageEncoder> encoder_;
  ModelIdentity identity_{};
  std::unique_ptr<TaskThread> files_;
  std::unique_ptr<TokenCounter> counter_;
  std::unique_ptr<EngineLoop> loop_;
  std::thread thread_;
};

void EngineImpl::ChooseAmongCandidates(const Model& model) {
  if (options_.mmproj_candidates.empty()) return;
  ProjectorChoice choice = ChooseProjector(model, options_.model_path, options_.mmproj_candidates, options_.only_model);
  options_.mmproj_path = std::move(choice.path);
  options_.mmproj_candidates.clear();
  info_.projector_warning = std::move(choice.warning);
}

Status EngineImpl::Load(const ProgressFn& progress) {
  const bool may_offload = options_.device != Device::kCpu && !options_.cuda_backend.empty();
  if (may_offload && !options_.mmproj_candidates.empty()) {
    // How much room the projector takes decides what of the model goes to the GPU.
    const std::shared_lock lock(RegistryMutex());
    const auto outline = Model::Outline(options_, Placement{});
    if (!outline.ok()) return outline.status();
    ChooseAmongCandidates(*outline.value());
  }
  auto placed = PlaceModel(options_, [&] { return progress(0.0F); });
  if (!placed.ok()) return placed.status();
  placement_ = std::move(placed.value());
  // Devices that are made one for SplitMode::kTensor are entered into a table of ggml's without a lock.
  std::shared_lock registry(RegistryMutex(), std::defer_lock);
  std::unique_lock alone(RegistryMutex(), std::defer_lock);
  if (placed_on_gpu() && options_.split_mode == SplitMode::kTensor) {
    alone.lock();
  } else {
    registry.lock();
  }

  const bool may_see = !options_.mmproj_path.empty() || !options_.mmproj_candidates.empty();
  const float share = may_see ? kModelShare : 1.0F;
  auto model = Model::Load(options_, placement_, [&](float fraction) { return progress(fraction * share); });
  if (!model.ok()) return model.status();
  model_ = std::move(model.value());

  std::string warning = placement_.warning.empty() ? std::move(info_.warning) : placement_.warning;
  std::string projector_warning = std::move(info_.projector_warning);
  info_ = model_->Describe();
  info_.warning = std::move(warning);
  info_.projector_warning = std::move(projector_warning);
  ChooseAmongCandidates(*model_);
  const bool vision = !options_.mmproj_path.empty();
  pool_ = std::make_unique<KvPool>(PoolOptions(options_));
  info_.n_ctx = options_.n_ctx;
  info_.n_ctx_per_request = ContextPerRequest(options_, info_.n_ctx_train);
  auto decoder =
      Decoder::Create(*model_, options_, info_.n_ctx_per_request, *pool_, [this] { return guard_.ShouldAbort(); });
  if (!decoder.ok()) return decoder.status();
  decoder_ = std::move(decoder.value());
  if (!decoder_->paged()) pool_->DisableCache();
  info_.memory = decoder_->Memory(placement_.devices);

  if (vision) {
    ggml_backend_dev_t gpu = placed_on_gpu() ? placement_.devices[placement_.main] : nullptr;
    auto projector =
        Projector::Load(options_.mmproj_path, model_->get(), static_cast<std::int32_t>(EncoderThreads(options_)), gpu,
                        [&](float fraction) { return progress(share + fraction * (1 - share)); });
    if (!projector.ok()) return projector.status();
    projector_ = std::move(projector.value());
    info_.projector = projector_->Describe();
    if (const auto bytes = Projector::MeasureMemory(options_.mmproj_path, gpu); bytes.ok()) {
      (gpu == nullptr ? info_.memory.back() : info_.memory[placement_.main]).projector = bytes.value();
    }
    const ImageLimits limits{options_.max_image_bytes, options_.max_image_pixels};
    encoder_ = std::make_unique<ImageEncoder>(*projector_, limits, options_.image_cache_bytes,
                                              [this](EncodeOutcome outcome) { Take(std::move(outcome)); });
  }

  info_.batch_size = options_.batch_size;
  info_.n_ubatch = decoder_->n_ubatch();
  info_.vision = vision;
  // llama.cpp takes a number above the model's as all of them.
  const std::int32_t all = static_cast<std::int32_t>(info_.n_layer) + 1;
  info_.n_gpu_layers = placement_.n_gpu_layers < 0 ? all : std::min(placement_.n_gpu_layers, all);

  EngineLoop::Limits limits;
  limits.n_ctx_per_request = info_.n_ctx_per_request;
  limits.batch_size = options_.batch_size;
  limits.swap_bytes = SwapBytes();
  limits.step_budget = options_.n_batch > 0 ? options_.n_batch : options_.n_ubatch;
  guard_.inbox = &inbox_;
  identity_ = IdentifyModel(*model_, options_);
  files_ = std::make_unique<TaskThread>();
  counter_ = std::make_unique<TokenCounter>(*model_, encoder_.get(), *sink_);
  loop_ = std::make_unique<EngineLoop>(
      EngineLoop::Parts{*model_, *decoder_, *pool_, encoder_.get(), guard_, inbox_, *sink_, *files_, identity_}, limits,
      [this](RequestId id) {
        const std::lock_guard lock(mutex_);
        live_.erase(id);
      });
  thread_ = std::thread([this] { loop_->Run(); });
  progress(1.0F);
  return {};
}

bool EngineImpl::GiveUpPass(RequestId id) {
  const std::lock_guard lock(mutex_);
  const auto found = live_.find(id);
  if (found == live_.end()) return false;
  found->second->store(true);
  return true;
}

Result<RequestId> EngineImpl::Push(Request request, bool embed_only, std::unique_ptr<TokenConstraint> constraint) {
  SubmitCommand command;
  command.request = std::move(request);
  command.constraint = std::move(constraint);
  command.embed_only = embed_only;
  command.submitted = Clock::now();
  const std::uint32_t n = command.request.n;
  for (std::uint32_t i = 0; i < n; ++i) command.cancelled.push_back(std::make_shared<std::atomic<bool>>(false));
  const std::lock_guard lock(mutex_);
  if (inbox_.closed()) return ClosedStatus();
  if (live_.size() + n > std::size_t{options_.batch_size} + options_.max_queue) {
    return Status(Code::kQueueFull, "no more than " + std::to_string(options_.max_queue) +
                                        " requests may wait: try again later, or raise maxQueue");
  }
  const RequestId id = next_id_;
  command.id = id;
  next_id_ += n;
  for (std::uint32_t i = 0; i < n; ++i) live_.emplace(id + i, command.cancelled[i]);
  // Under the lock, so that requests reach the loop in the order of their ids.
  inbox_.Push(std::move(command));
  return id;
}

Stats EngineImpl::CollectStats() const {
  Stats stats = loop_->stats();
  if (encoder_ != nullptr) {
    const ImageEncoderStats images = encoder_->stats();
    stats.images_encoded = images.images_encoded;
    stats.image_cache_hits = images.cache_hits;
    stats.image_batches = images.batches;
    stats.image_cache_bytes = images.cache_bytes;
  }
  return stats;
}

void EngineImpl::Close() {
  {
    const std::lock_guard lock(mutex_);  // a Push is wholly before the closing, and then answered, or refused
    inbox_.Close();
  }
  const std::lock_guard lock(close_mutex_);
  if (files_ != nullptr) files_->Close();
  if (thread_.joinable()) thread_.join();
  if (loop_ != nullptr) last_stats_ = CollectStats();
  loop_.reset();
  files_.reset();
  if (counter_ != nullptr) counter_->Stop();  // it gives the encoder work
  encoder_.reset();
  counter_.reset();
  projector_.reset();
  decoder_.reset();
  pool_.reset();
  model_.reset();
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::Load(const LoadOptions& options, const ProgressFn& progress,
                                             std::shared_ptr<EventSink> sink) {
  if (Status status = ValidateLoadOptions(options); !status.ok()) return status;
  auto engine = std::make_unique<EngineImpl>(options, sink, std::string());
  const auto load = [&progress](EngineImpl& one) {
    Status loaded;
    const std::optional<std::string> damage = Attempt([&] { loaded = one.Load(progress); });
    return damage ? DamagedModel(*damage) : loaded;
  };
  Status status = load(*engine);
  if (status.code() == Code::kOutOfMemory && options.device == Device::kAuto && engine->placed_on_gpu()) {
    // It was free when it was measured. Somebody else has taken it.
    LoadOptions on_cpu(options);
    on_cpu.device = Device::kCpu;
    engine = std::make_unique<EngineImpl>(on_cpu, std::move(sink), status.message());
    status = load(*engine);
  }
  if (!status.ok()) return status;
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace medinfer
