#include "loading/load_parts.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <system_error>
#include <utility>

#include "base/excerpt.h"
#include "device/assertion_guard.h"
#include "device/available_cpus.h"
#include "device/registry.h"
#include "kv/spill_file.h"
#include "llama.h"
#include "loading/load_heads.h"
#include "loading/model_identity.h"
#include "loading/place_model.h"
#include "vision/projector_choice.h"

namespace medinfer {
namespace {

constexpr float kModelShare = 0.9F;  // of the load's progress, where a projector follows

// One attempt. The parts are only there where it succeeds.
class Loader {
 public:
  // `warning`: why the options do not ask for a GPU any more; empty where they are the caller's own.
  Loader(LoadOptions options, const ProgressFn& progress, const Decoder::AbortFn& should_abort, std::string warning)
      : options_(std::move(options)), progress_(progress), should_abort_(should_abort) {
    parts_.info.warning = std::move(warning);
  }

  Status Load() {
    Status loaded;
    const std::optional<std::string> damage = Attempt([&] { loaded = LoadAll(); });
    return damage ? DamagedModel(*damage) : loaded;
  }

  bool placed_on_gpu() const { return !placement_.devices.empty(); }
  LoadedParts TakeParts() { return std::move(parts_); }

 private:
  Status LoadAll();
  Status Place();
  Status LoadModel();
  Status LoadProjector();
  // REQUIRES: the decoder pools.
  void DescribePooling();
  // Makes one of the candidates the projector, if one fits. `model` is loaded, or an outline.
  void ChooseAmongCandidates(const Model& model);
  bool may_see() const { return !options_.mmproj_path.empty() || !options_.mmproj_candidates.empty(); }
  std::uint64_t SwapBytes() const;
  Status OpenDisk();

  LoadOptions options_;
  const ProgressFn& progress_;
  const Decoder::AbortFn& should_abort_;
  Placement placement_;
  float model_share_ = 1.0F;
  LoadedParts parts_;
};

void Loader::ChooseAmongCandidates(const Model& model) {
  if (options_.mmproj_candidates.empty()) return;
  ProjectorChoice choice = ChooseProjector(model, options_.model_path, options_.mmproj_candidates, options_.only_model);
  options_.mmproj_path = std::move(choice.path);
  options_.mmproj_candidates.clear();
  parts_.info.projector_warning = std::move(choice.warning);
}

Status Loader::Place() {
  const bool may_offload = options_.device != Device::kCpu && !options_.cuda_backend.empty();
  if (may_offload && !options_.mmproj_candidates.empty()) {
    // How much room the projector takes decides what of the model goes to the GPU.
    const std::shared_lock lock(RegistryMutex());
    const auto outline = Model::Outline(options_, Placement{});
    if (!outline.ok()) return outline.status();
    ChooseAmongCandidates(*outline.value());
  }
  auto placed = PlaceModel(options_, [&] { return progress_(0.0F); });
  if (!placed.ok()) return placed.status();
  placement_ = std::move(placed.value());
  return {};
}

Status Loader::LoadModel() {
  model_share_ = may_see() ? kModelShare : 1.0F;
  auto model = Model::Load(options_, placement_, [&](float fraction) { return progress_(fraction * model_share_); });
  if (!model.ok()) return model.status();
  parts_.model = std::move(model.value());

  ModelInfo& info = parts_.info;
  std::string warning = placement_.warning.empty() ? std::move(info.warning) : placement_.warning;
  std::string projector_warning = std::move(info.projector_warning);
  info = parts_.model->Describe();
  info.warning = std::move(warning);
  info.projector_warning = std::move(projector_warning);
  ChooseAmongCandidates(*parts_.model);
  parts_.pool = std::make_unique<KvPool>(PoolOptions(options_));
  info.n_ctx = options_.n_ctx;
  info.n_ctx_per_request = ContextPerRequest(options_, info.n_ctx_train);
  auto decoder = Decoder::Create(*parts_.model, options_, info.n_ctx_per_request, *parts_.pool, should_abort_);
  if (!decoder.ok()) return decoder.status();
  parts_.decoder = std::move(decoder.value());
  Decoder& made = *parts_.decoder;
  auto head = LoadHeads(options_, *parts_.model, info.n_ctx_per_request, *parts_.pool, made, should_abort_);
  if (!head.ok()) return head.status();
  parts_.head = std::move(head.value());
  info.heads = parts_.head != nullptr;
  if (!made.has_cells()) {
    // Nothing to keep, and nothing to count: what a pass can take is all that limits it.
    KvPool::Options none = PoolOptions(options_);
    none.cells = 0;
    parts_.pool = std::make_unique<KvPool>(none);
  }
  if (!made.paged() || (made.pools() && made.reads_whole())) parts_.pool->DisableCache();
  if (made.pools()) DescribePooling();
  info.memory = MemoryOf(made, parts_.head.get(), placement_.devices);
  return {};
}

void Loader::DescribePooling() {
  const llama_model& model = *parts_.model->get();
  ModelInfo& info = parts_.info;
  info.task = options_.task;
  info.pooling = parts_.decoder->pooling();
  info.n_row = parts_.decoder->row_width();
  if (options_.task != Task::kRerank) return;
  for (std::uint32_t i = 0; i < info.n_row; ++i) {
    const char* label = llama_model_cls_label(&model, i);
    if (label != nullptr) info.labels.emplace_back(label);
  }
}

Status Loader::LoadProjector() {
  const std::uint32_t threads = options_.n_threads > 0 ? options_.n_threads : AvailableCpus();
  ggml_backend_dev_t gpu = placed_on_gpu() ? placement_.devices[placement_.main] : nullptr;
  const Projector::Cpu cpu{std::make_shared<CpuShare>(threads), options_.n_threads == 0};
  auto projector = Projector::Load(options_.mmproj_path, parts_.model->get(), cpu, gpu, [&](float fraction) {
    return progress_(model_share_ + fraction * (1 - model_share_));
  });
  if (!projector.ok()) return projector.status();
  parts_.projector = std::move(projector.value());
  if (gpu == nullptr) {
    parts_.cpu_share = cpu.share;
    parts_.decoder->ShareCpuWith(cpu.share);
  }
  parts_.info.projector = parts_.projector->Describe();
  if (const auto bytes = Projector::MeasureMemory(options_.mmproj_path, gpu); bytes.ok()) {
    (gpu == nullptr ? parts_.info.memory.back() : parts_.info.memory[placement_.main]).projector = bytes.value();
  }
  return {};
}

std::uint64_t Loader::SwapBytes() const {
  if (options_.kv_swap_bytes != kAutoBytes) return static_cast<std::uint64_t>(options_.kv_swap_bytes);
  if (!parts_.decoder->paged()) return 0;
  const std::uint64_t head = parts_.head == nullptr ? 0 : parts_.head->BytesPerCell();
  return (parts_.decoder->BytesPerCell() + head) * options_.n_ctx;
}

Status Loader::LoadAll() {
  if (Status status = Place(); !status.ok()) return status;
  // Devices that are made one for SplitMode::kTensor are entered into a table of ggml's without a lock.
  std::shared_lock registry(RegistryMutex(), std::defer_lock);
  std::unique_lock alone(RegistryMutex(), std::defer_lock);
  if (placed_on_gpu() && options_.split_mode == SplitMode::kTensor) {
    alone.lock();
  } else {
    registry.lock();
  }
  if (Status status = LoadModel(); !status.ok()) return status;
  const bool vision = !options_.mmproj_path.empty();
  if (vision) {
    if (Status status = LoadProjector(); !status.ok()) return status;
  }
  ModelInfo& info = parts_.info;
  info.batch_size = options_.batch_size;
  info.n_ubatch = parts_.decoder->n_ubatch();
  info.vision = vision;
  // llama.cpp takes a number above the model's as all of them.
  const std::int32_t all = static_cast<std::int32_t>(info.n_layer) + 1;
  info.n_gpu_layers = placement_.n_gpu_layers < 0 ? all : std::min(placement_.n_gpu_layers, all);
  parts_.swap_bytes = SwapBytes();
  if (!options_.kv_host_on_cpu_only || !placed_on_gpu()) parts_.host_bytes = options_.kv_host_bytes;
  if (Status status = OpenDisk(); !status.ok()) return status;
  if (!options_.draft_path.empty()) {
    auto draft = LoadDraft(options_, placement_, *parts_.model);
    if (!draft.ok()) return draft.status();
    parts_.draft = std::move(draft.value());
    info.draft = parts_.draft.model->Describe().description;
  }
  parts_.identity = IdentifyModel(*parts_.model, options_, info.heads);
  return {};
}

Status Loader::OpenDisk() {
  if (options_.kv_disk_folder.empty()) return {};
  auto file = SpillFile::Create(options_.kv_disk_folder);
  if (!file.ok()) {
    return {file.status().code(), "kv.diskCacheFolder, " + ExcerptPath(options_.kv_disk_folder) + ": " +
                                      file.status().message() + "; name a folder that can be written to"};
  }
  try {
    parts_.disk = std::make_unique<DiskPages>(std::move(file.value()), options_.kv_disk_bytes);
  } catch (const std::system_error&) {
    return {Code::kOutOfMemory, "the system gives no thread to write the pages of kv.diskCacheFolder"};
  }
  return {};
}

}  // namespace

void LoadedParts::Free() {
  draft.decoder.reset();
  draft.pool.reset();
  draft.model.reset();
  projector.reset();
  head.reset();
  decoder.reset();
  pool.reset();
  disk.reset();
  model.reset();
}

Result<LoadedParts> LoadParts(const LoadOptions& options, const ProgressFn& progress,
                              const Decoder::AbortFn& should_abort) {
  Loader loader(options, progress, should_abort, std::string());
  const Status status = loader.Load();
  if (status.ok()) return loader.TakeParts();
  if (status.code() != Code::kOutOfMemory || options.device != Device::kAuto || !loader.placed_on_gpu()) return status;
  // It was free when it was measured. Another process has taken it.
  static_cast<void>(loader.TakeParts());  // freed before the second attempt
  LoadOptions on_cpu(options);
  on_cpu.device = Device::kCpu;
  Loader second(std::move(on_cpu), progress, should_abort, status.message());
  if (Status again = second.Load(); !again.ok()) return again;
  return second.TakeParts();
}

}  // namespace medinfer
