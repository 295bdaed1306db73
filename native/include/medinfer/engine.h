// One loaded model and the thread that runs it: requests go in, events come out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "medinfer/events.h"
#include "medinfer/request.h"
#include "medinfer/stats.h"
#include "medinfer/status.h"

namespace medinfer {

enum class KvType : std::uint8_t { kF32, kF16, kQ8_0, kQ4_0 };
enum class Device : std::uint8_t { kAuto, kCpu, kCuda };
enum class SplitMode : std::uint8_t { kNone, kLayer, kRow, kTensor };

constexpr std::int32_t kAutoLayers = -1;
constexpr std::int64_t kAutoBytes = -1;

struct LoadOptions {
  std::string model_path;
  std::string mmproj_path;  // empty: that of the candidates which fits, or no images
  std::vector<std::string> mmproj_candidates;
  bool only_model = false;        // no other model lies beside it: a projector without a name can be this one's
  Device device = Device::kAuto;  // kAuto: CUDA where it works, else the CPU and a warning in ModelInfo
  std::string cuda_backend;       // path of libggml-cuda.so; empty: it is not installed
  std::string cuda_problem;       // why it is not, and what to do; empty: nobody has looked
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
  std::uint32_t max_queue = 1024;           // most requests that wait
  std::uint64_t max_image_bytes = 64ULL << 20U;
  std::uint64_t max_image_pixels = 64ULL * 1000 * 1000;
  std::uint64_t image_cache_bytes = 256ULL << 20U;
};

class Engine {
 public:
  // Called on the loading thread with 0..1; false aborts the load (Code::kAborted).
  using ProgressFn = std::function<bool(float)>;

  // Blocks for as long as loading takes: call it on a thread of its own. Afterwards `sink` receives events until
  // Close returns. REQUIRES: InitBackends succeeded (backends.h).
  static Result<std::unique_ptr<Engine>> Load(const LoadOptions& options, const ProgressFn& progress,
                                              std::shared_ptr<EventSink> sink);

  virtual ~Engine() = default;  // closes
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // The methods below may be called from any thread and return at once.

  // Queues a request. On success its events follow; on failure there are none. Completion i of a request of n is told
  // under the returned id + i, each with a terminal event of its own; until the prompt is read, they end together.
  virtual Result<RequestId> Submit(Request request) = 0;
  // Queues an image for the encoder alone; ends with Embedded.
  virtual Result<RequestId> EmbedImage(ImageFile image) = 0;
  // Counts the tokens that the model would read of a prompt, its images laid out and not encoded; ends with Counted.
  // Waits for no forward pass, and with images for at most the encoder's running one. It can not be cancelled.
  virtual Result<RequestId> CountTokens(std::vector<PromptPart> prompt, bool add_special) = 0;
  // Ends a request with Failed(kAborted) within one forward pass. Unknown and finished ids are ignored.
  virtual void Cancel(RequestId id) = 0;
  // Ends a request with Done(kStop), and no stop string, within one forward pass: who reads it has seen enough. An
  // image for the encoder alone has no such end, and is cancelled. Unknown and finished ids are ignored.
  virtual void Finish(RequestId id) = 0;
  // Delivers the events of a request from now on as it goes, after those that it kept back. What nobody reads costs no
  // wake-up of the reader's thread.
  virtual void Follow(RequestId id) = 0;
  // A paused request keeps its KV cells and generates nothing. Other requests go on.
  virtual void Pause(RequestId id) = 0;
  virtual void Resume(RequestId id) = 0;

  // A second state of the same tokens: metadata alone. Of an unknown state, one that holds nothing.
  virtual Result<StateId> ForkState(StateId state) = 0;
  // Unknown ids are ignored. A request that has begun from the state goes on.
  virtual void DropState(StateId state) = 0;
  // Writes a state and a note of the caller's to a file, which is then that of a session; ends with Saved. `path` holds
  // the old file or the new one, never a part. Mode 0600: it holds what a patient said.
  virtual Result<RequestId> SaveState(StateId state, std::string path, std::string note) = 0;
  // Reads such a file; ends with Restored, or with Failed(kBadSession) whatever bytes the file has.
  virtual Result<RequestId> RestoreState(std::string path) = 0;

  virtual const ModelInfo& info() const = 0;
  virtual Stats stats() const = 0;

  virtual Result<std::vector<std::int32_t>> Tokenize(std::string_view text, bool add_special,
                                                     bool parse_special) const = 0;
  // `special`: whether control tokens are written out.
  virtual Result<std::string> Detokenize(const std::vector<std::int32_t>& tokens, bool special) const = 0;

  // Refuses new requests, ends all others with Failed(kClosed), joins the threads, frees the model. Blocks for at most
  // one graph node on CPU, one forward pass on GPU. Idempotent. After it returns, the sink is not called any more.
  virtual void Close() = 0;

 protected:
  Engine() = default;
};

// llama.cpp's built-in chat templates, applied without a model.
struct ChatMessage {
  std::string role;
  std::string content;
};
std::vector<std::string> BuiltinChatTemplates();
Result<std::string> ApplyBuiltinChatTemplate(const std::string& name, const std::vector<ChatMessage>& messages,
                                             bool add_generation_prompt);

}  // namespace medinfer
