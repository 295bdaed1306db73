#include "vision/projector.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/excerpt.h"
#include "base/log_capture.h"
#include "device/assertion_guard.h"
#include "device/cpu_share.h"
#include "ggml-backend.h"
#include "llama.h"
#include "mtmd.h"
#include "vision/projector_file.h"

namespace medinfer {
namespace {

// A piece of an encoder's graph, whose nodes are computed by as many threads: what is decoded beside it begins and ends
// meanwhile. Nodes take microseconds or tens of milliseconds.
constexpr std::uint32_t kMostNodes = 64;
constexpr std::chrono::milliseconds kShort{2};
constexpr std::chrono::milliseconds kLong{8};

ggml_backend_dev_t DeviceOr(ggml_backend_dev_t gpu) {
  return gpu != nullptr ? gpu : ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
}

// libmtmd ends the process where the weights cannot be allocated.
bool CanAllocate(ggml_backend_dev_t device, std::uint64_t bytes) {
  ggml_backend_buffer_t buffer = ggml_backend_buft_alloc_buffer(ggml_backend_dev_buffer_type(device), bytes);
  if (buffer == nullptr) return false;
  ggml_backend_buffer_free(buffer);
  return true;
}

struct LoadProgress {
  const Projector::ProgressFn& report;
  bool aborted = false;
};

bool OnProgress(float fraction, void* user_data) {
  auto* progress = static_cast<LoadProgress*>(user_data);
  progress->aborted = progress->aborted || (progress->report && !progress->report(fraction));
  return !progress->aborted;
}

}  // namespace

Status DamagedProjector(const std::string& what) {
  constexpr std::size_t kMost = 300;  // bytes; it may quote the file
  return {Code::kBadMmproj,
          "the projector cannot be used (" + what.substr(0, kMost) + "): download it again, or choose another"};
}

Result<std::unique_ptr<Projector>> Projector::Load(const std::string& path, const llama_model* model, const Cpu& cpu,
                                                   ggml_backend_dev_t gpu, const ProgressFn& report) {
  const LogCapture log;
  const Result<ProjectorFile> inspected = InspectProjectorFile(path);
  if (!inspected.ok()) return inspected.status();
  const ProjectorFile& file = inspected.value();
  const auto width = static_cast<std::uint32_t>(llama_model_n_embd_inp(model));
  if (file.output_width != 0 && file.output_width != width) {
    return Status(Code::kBadMmproj, "the projector " + ExcerptPath(path) + " was made for another model: it gives " +
                                        std::to_string(file.output_width) + " values per token, the model takes " +
                                        std::to_string(width) +
                                        "; name the mmproj file that was published with the model");
  }
  ggml_backend_dev_t device = DeviceOr(gpu);
  if (device == nullptr) return Status(Code::kInternal, "no compute backend is loaded");
  if (!CanAllocate(device, file.tensor_bytes)) {
    return Status(Code::kOutOfMemory, "the projector's " + std::to_string(file.tensor_bytes >> 20U) +
                                          " MB do not fit into the memory of " + ggml_backend_dev_name(device) +
                                          ": offload fewer layers of the model, or take a smaller projector");
  }

  std::unique_ptr<Projector> projector(new Projector());
  LoadProgress progress{report};
  mtmd_context_params params = mtmd_context_params_default();
  params.use_gpu = gpu != nullptr;
  params.device = gpu;
  params.print_timings = false;
  params.n_threads = static_cast<std::int32_t>(cpu.share->cores());
  // Would reserve memory for the largest image now; the first image reserves what it needs.
  params.warmup = false;
  params.batch_max_tokens = kBatchTokens;
  params.progress_callback = OnProgress;
  params.progress_callback_user_data = &progress;
  params.abort_callback = IsGivenUp;
  params.abort_callback_data = projector.get();
  if (gpu == nullptr) {
    params.cb_eval = OnNode;
    params.cb_eval_user_data = projector.get();
  }
  const std::optional<std::string> assertion =
      Attempt([&] { projector->context_ = mtmd_init_from_file(path.c_str(), model, params); });
  if (projector->context_ == nullptr) {
    if (progress.aborted) return Status(Code::kAborted, "the load was aborted");
    return Status(Code::kBadMmproj, "the projector " + ExcerptPath(path) + " cannot be loaded (" +
                                        assertion.value_or(log.errors()) +
                                        "): download it again, or check that it belongs to this model");
  }
  if (!mtmd_support_vision(projector->context_)) {
    return Status(Code::kBadMmproj,
                  "the projector " + ExcerptPath(path) + " does not read images: name a projector for images");
  }
  if (gpu == nullptr) {
    projector->share_ = cpu.share;
    if (cpu.adapts) projector->governor_.emplace(cpu.share->cores());
  }
  projector->kind_ = file.type;
  projector->width_ = width;
  projector->depends_on_position_ = file.type == "deepseek4v";
  return projector;
}

Result<std::uint64_t> Projector::MeasureMemory(const std::string& path, ggml_backend_dev_t gpu) {
  const LogCapture log;
  if (const auto inspected = InspectProjectorFile(path); !inspected.ok()) return inspected.status();
  mtmd_context_params params = mtmd_context_params_default();
  params.use_gpu = gpu != nullptr;
  params.device = gpu;
  params.print_timings = false;
  std::uint64_t bytes = 0;
  const std::optional<std::string> assertion = Attempt([&] {
    for (const auto& [device, size] : mtmd_get_memory_usage(path.c_str(), params)) {
      if (device == DeviceOr(gpu)) bytes += size;
    }
  });
  if (assertion) return DamagedProjector(*assertion);
  return bytes;
}

bool Projector::limits_tokens() const { return mtmd_support_image_token_limits(context_); }

ProjectorInfo Projector::Describe() const {
  ProjectorInfo info;
  info.kind = kind_;
  const char* layers = mtmd_get_llava_layers(context_, &info.layers_run, &info.layers_stored);
  if (layers != nullptr) info.layers = layers;
  return info;
}

Projector::~Projector() { mtmd_free(context_); }

void Projector::SetInterrupt(std::function<bool()> interrupt) { interrupt_ = std::move(interrupt); }

void Projector::BeginPass() {
  interrupted_ = false;
  if (share_ == nullptr) return;
  alone_ = true;
  n_nodes_ = 0;
  piece_begin_ = std::chrono::steady_clock::now();
  TakeThreads();
}

void Projector::TakeThreads() {
  const std::uint32_t cores = share_->ForEncoding();
  alone_ = alone_ && cores == share_->cores();
  const std::uint32_t n = governor_ && alone_ ? governor_->threads() : cores;
  mtmd_set_n_threads(context_, static_cast<std::int32_t>(n));
}

bool Projector::OnNode(ggml_tensor* /*node*/, bool ask, void* self) {
  auto* projector = static_cast<Projector*>(self);
  if (ask) return ++projector->n_nodes_ >= projector->piece_;
  const auto now = std::chrono::steady_clock::now();
  const auto took = now - projector->piece_begin_;
  if (took > kLong) projector->piece_ = std::max(1U, projector->piece_ / 2);
  if (took < kShort) projector->piece_ = std::min(kMostNodes, projector->piece_ * 2);
  projector->n_nodes_ = 0;
  projector->piece_begin_ = now;
  projector->TakeThreads();
  return true;
}

void Projector::EndPass(std::uint32_t n_tokens, double ms) {
  if (share_ == nullptr) return;
  share_->EndEncoding();
  if (governor_ && alone_ && n_tokens > 0) governor_->Report(n_tokens, ms);
}

bool Projector::IsGivenUp(void* self) {
  auto* projector = static_cast<Projector*>(self);
  projector->interrupted_ = projector->interrupted_ || (projector->interrupt_ && projector->interrupt_());
  return projector->interrupted_;
}

}  // namespace medinfer
