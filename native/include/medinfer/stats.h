// Counters and facts of one engine. A snapshot: plain numbers, no text of any request.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace medinfer {

// What a loaded model takes of one device's memory, in bytes.
struct DeviceMemory {
  std::string device;  // e.g. "CUDA0"; "CPU" is the host's
  std::uint64_t weights = 0;
  std::uint64_t kv = 0;
  std::uint64_t compute = 0;    // buffers of the largest forward pass
  std::uint64_t projector = 0;  // weights and buffers

  std::uint64_t total() const { return weights + kv + compute + projector; }
};

// What the loaded files say about themselves.
// A token that ends the model's turn, or looks as if it did.
struct EndToken {
  std::int32_t token = -1;
  std::string text;
  bool ends = false;  // false: it is ordinary text to the model's makers, and is read and written as such
};

// What reads images.
struct ProjectorInfo {
  std::string kind;  // as libmtmd names it, e.g. "qwen2vl_merger"
  // How the layers of a LLaVA tower's file are read, whose projector takes what goes into the tower's last layer.
  // "named": the file says which layer that is; "dropped": it does not, and lacks that last layer; "whole": it does
  // not, and has it. Empty: another kind.
  std::string layers;
  std::int32_t layers_run = 0;
  std::int32_t layers_stored = 0;
};

struct ModelInfo {
  std::string description;    // e.g. "llama 7B Q4_K - Medium"
  std::string name;           // general.name, may be empty
  std::string chat_template;  // the model's own Jinja template, may be empty
  std::string bos_token;      // text of the BOS token, may be empty
  std::string eos_token;
  std::vector<EndToken> end_tokens;  // by token
  std::uint64_t parameters = 0;
  std::uint64_t bytes = 0;  // size of the weights
  std::uint32_t n_vocab = 0;
  std::uint32_t n_embd = 0;
  std::uint32_t n_layer = 0;
  std::uint32_t n_ctx_train = 0;
  std::uint32_t n_ctx = 0;              // the KV pool, tokens
  std::uint32_t n_ctx_per_request = 0;  // most tokens of one request
  std::uint32_t batch_size = 0;         // most sequences at once
  std::uint32_t n_ubatch = 0;           // most tokens of one forward pass
  bool vision = false;
  ProjectorInfo projector;        // of a model that reads images
  std::string projector_warning;  // why none of LoadOptions::mmproj_candidates was taken; mostly empty
  std::int32_t n_gpu_layers = 0;  // on a GPU, the output counted as one
  std::vector<DeviceMemory> memory;
  std::string warning;  // why the model is on the CPU, where CUDA is installed and does not work; mostly empty
};

// The KV pool, now and since load. A page is kv_page_size cells.
struct KvStats {
  bool paged = false;  // false: a model with sliding windows, recurrent states or the like keeps llama.cpp's own memory
  std::uint32_t page_size = 0;
  std::uint32_t pages = 0;
  std::uint32_t pages_free = 0;    // hold nothing
  std::uint32_t pages_used = 0;    // held by running requests and kept states
  std::uint32_t pages_shared = 0;  // of the used, those that more than one holder has
  std::uint32_t pages_cached = 0;  // held by nobody, and findable
  std::uint64_t pages_evicted = 0;
  double fragmentation = 0;          // share of the cells in used pages that no request holds, 0..1
  std::uint64_t prefix_hits = 0;     // requests that found a page or more
  std::uint64_t tokens_saved = 0;    // prompt tokens that were found and not computed
  std::uint64_t tokens_swapped = 0;  // of preempted requests, kept in host memory and not computed again
  std::uint64_t swap_bytes = 0;      // of host memory, now
};

struct Stats {
  // Requests by state, now.
  std::uint32_t queued = 0;    // wait for a place in the batch
  std::uint32_t encoding = 0;  // wait for their images
  std::uint32_t running = 0;   // hold KV cells
  std::uint32_t paused = 0;    // of the running, those whose consumer does not read
  // Requests by outcome, since load.
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  std::uint64_t aborted = 0;
  // Work since load.
  std::uint64_t steps = 0;          // forward passes
  std::uint64_t graphs_reused = 0;  // of them, those that ran the graph of the one before, which a GPU replays
  std::uint64_t prompt_tokens = 0;
  std::uint64_t generated_tokens = 0;
  std::uint64_t preemptions = 0;  // sequences put back into the queue to free KV cells
  std::uint64_t images_encoded = 0;
  std::uint64_t image_cache_hits = 0;
  std::uint64_t image_batches = 0;  // encoder passes; fewer than images_encoded where images shared one
  // Resources, now.
  std::uint32_t kv_cells = 0;  // size of the pool, tokens
  std::uint32_t kv_cells_used = 0;
  KvStats kv;
  std::uint64_t image_cache_bytes = 0;
  std::uint32_t threads = 0;  // CPU threads used by the latest step
};

}  // namespace medinfer
