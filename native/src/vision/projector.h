// RAII over libmtmd's context: the model file that turns images into embeddings ("mmproj").
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ggml-backend.h"
#include "medinfer/model_info.h"
#include "medinfer/status.h"
#include "model/thread_governor.h"

struct ggml_tensor;
struct llama_model;
struct mtmd_context;

namespace medinfer {

class CpuShare;

// For what libmtmd asserts or throws over a projector while it is used; `what`: its text.
Status DamagedProjector(const std::string& what);

class Projector {
 public:
  // Most output tokens of one pass over several images; a single image may have more.
  static constexpr std::int32_t kBatchTokens = 1024;

  // What encoding has of the CPU.
  struct Cpu {
    std::shared_ptr<CpuShare> share;  // with the decoder
    bool adapts = false;              // to a busy host, where all of that is its own
  };

  // Called on the loading thread with 0..1; false aborts the load.
  using ProgressFn = std::function<bool(float)>;

  // Fails with kModelNotFound, kBadMmproj, kOutOfMemory or kAborted. libmtmd trusts its files and ends the process
  // over a bad one, so the file's structure and sizes are checked first. `model` has to outlive the projector.
  // `gpu`: null for the CPU.  REQUIRES: InitBackends succeeded.
  static Result<std::unique_ptr<Projector>> Load(const std::string& path, const llama_model* model, const Cpu& cpu,
                                                 ggml_backend_dev_t gpu, const ProgressFn& progress);
  // What it takes of its device's memory in bytes, with buffers for the image that libmtmd would warm up with; from the
  // file's metadata alone. Fails like Load.
  static Result<std::uint64_t> MeasureMemory(const std::string& path, ggml_backend_dev_t gpu);
  ~Projector();
  Projector(const Projector&) = delete;
  Projector& operator=(const Projector&) = delete;

  mtmd_context* context() const { return context_; }
  // Floats per token of an embedding.
  std::uint32_t width() const { return width_; }
  ProjectorInfo Describe() const;
  // Whether it scales images to numbers of tokens, which have limits.
  bool limits_tokens() const;
  // What an image is encoded to depends on its place in the prompt (DeepSeek V4 pads to a multiple of four).
  bool depends_on_position() const { return depends_on_position_; }

  // Says when a running encode is to be given up; asked on the encoding thread between graph nodes (CPU; on GPU a pass
  // is never interrupted). REQUIRES: no encode is running.
  void SetInterrupt(std::function<bool()> interrupt);
  // Whether the latest encode was given up: then its output is garbage. Encoding thread.
  bool interrupted() const { return interrupted_; }
  // Around an encode, of which so many tokens came. Encoding thread.
  void BeginPass();
  void EndPass(std::uint32_t n_tokens, double ms);

 private:
  Projector() = default;

  static bool IsGivenUp(void* self);
  // libmtmd's callback: asks of every node whether it ends a piece, and comes again behind that.
  static bool OnNode(ggml_tensor* node, bool ask, void* self);
  void TakeThreads();

  std::shared_ptr<CpuShare> share_;         // null: it encodes on a GPU
  std::optional<ThreadGovernor> governor_;  // of passes that have all cores; nothing: they take them
  bool alone_ = false;                      // whether the pass has had them so far
  std::uint32_t n_nodes_ = 0;               // of the piece
  std::uint32_t piece_ = 8;                 // nodes that make one
  std::chrono::steady_clock::time_point piece_begin_;

  mtmd_context* context_ = nullptr;
  std::string kind_;
  std::uint32_t width_ = 0;
  bool depends_on_position_ = false;
  std::function<bool()> interrupt_;
  bool interrupted_ = false;
};

}  // namespace medinfer
