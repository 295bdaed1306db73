// How a model is loaded. Plain data, validated by Engine::Load.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace medinfer {

enum class KvType : std::uint8_t { kF32, kF16, kQ8_0, kQ4_0 };
enum class Device : std::uint8_t { kAuto, kCpu, kCuda };
enum class SplitMode : std::uint8_t { kNone, kLayer, kRow, kTensor };
// What an engine is for: each has requests of its own, and refuses the others'.
enum class Task : std::uint8_t {
  kGenerate,  // Engine::Submit
  kEmbed,     // Engine::Embed: a row for a text
  kRerank,    // Engine::Embed: a score for a document under a query
};
// How the tokens' rows become one. kAuto: as the model's file says.
enum class Pooling : std::uint8_t { kAuto, kMean, kCls, kLast };

// Whether the model's own prediction heads guess how answers go on. kAuto: where it has some that can be used.
enum class Heads : std::uint8_t { kAuto, kOn, kOff };

constexpr std::int32_t kAutoLayers = -1;
constexpr std::int64_t kAutoBytes = -1;

struct LoadOptions {
  std::string model_path;
  std::string mmproj_path;  // empty: that of the candidates which fits, or no images
  std::vector<std::string> mmproj_candidates;
  Task task = Task::kGenerate;
  Pooling pooling = Pooling::kAuto;  // of kEmbed
  bool only_model = false;           // no other model lies beside it: a projector without a name can be this one's
  Device device = Device::kAuto;     // kAuto: CUDA where it works, else the CPU and a warning in ModelInfo
  std::string cuda_backend;          // path of libggml-cuda.so; empty: it is not installed
  std::string cuda_problem;          // why it is not, and what to do; empty: it was not looked for
  std::int32_t n_gpu_layers =
      kAutoLayers;             // kAutoLayers: as many as fit beside the KV pool, compute buffers and the projector
  std::uint32_t main_gpu = 0;  // the only one with SplitMode::kNone; otherwise the projector's
  SplitMode split_mode = SplitMode::kLayer;
  std::vector<float> tensor_split;      // share of each GPU, one for each; empty: by free memory
  std::uint32_t n_ctx = 4096;           // KV pool, tokens, shared by all sequences
  std::uint32_t n_ctx_per_request = 0;  // 0: n_ctx; always at most the context the model was trained for
  std::uint32_t batch_size = 4;         // most sequences at once, 1..256
  std::uint32_t n_batch = 0;            // token budget of one step; 0: n_ubatch
  std::uint32_t n_ubatch = 512;         // most tokens of one forward pass; bounds the time an abort takes
  std::uint32_t n_threads = 0;          // 0: adapts to how busy the host is
  KvType kv_type = KvType::kF16;
  std::uint32_t kv_page_size = 32;          // cells of a KV page: 16, 32, 64, 128 or 256
  bool kv_prefix_cache = true;              // prompts share what earlier ones have computed
  bool kv_gather = true;                    // attention gathers a sequence's own cells, where the backend can (CUDA)
  std::int64_t kv_swap_bytes = kAutoBytes;  // most host memory for the cells of preempted requests, which are computed
                                            // again where it has no room; kAutoBytes: as many as the pool has
  std::uint64_t kv_host_bytes = 0;          // most host memory for pages that leave the pool; 0: none
  bool kv_host_on_cpu_only = false;         // and none where the pool is on a GPU
  std::string draft_path;                   // of a smaller model with the same vocabulary; empty: none
  Heads heads = Heads::kAuto;               // kAuto: none beside a draft model; kOff: their weights are not loaded
  double draft_token_cost = 0;              // of a token more in a pass, in passes without any; 0: measured
  std::string kv_disk_folder;               // where a file without a name takes what has no room there; empty: none
  std::uint64_t kv_disk_bytes = 0;          // most bytes of it
  std::uint32_t max_queue = 1024;           // most requests that wait
  std::uint64_t max_image_bytes = 64ULL << 20U;
  std::uint64_t max_image_pixels = 64ULL * 1000 * 1000;
  std::uint64_t image_cache_bytes = 256ULL << 20U;
  std::uint64_t adapter_bytes = 0;  // of LoRA adapters that follow: kAutoLayers leaves room for them
};

// Called on the loading thread with the part that is done, 0..1; false aborts the load (Code::kAborted).
using ProgressFn = std::function<bool(float)>;

}  // namespace medinfer
