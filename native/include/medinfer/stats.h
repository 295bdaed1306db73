// Counters and facts of one engine. A snapshot: plain numbers, no text of any request.
#pragma once

#include <cstdint>
#include <string>

namespace medinfer {

// What the loaded files say about themselves.
struct ModelInfo {
  std::string description;    // e.g. "llama 7B Q4_K - Medium"
  std::string name;           // general.name, may be empty
  std::string chat_template;  // the model's own Jinja template, may be empty
  std::string bos_token;      // text of the BOS token, may be empty
  std::string eos_token;
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
  std::uint64_t steps = 0;  // forward passes
  std::uint64_t prompt_tokens = 0;
  std::uint64_t generated_tokens = 0;
  std::uint64_t preemptions = 0;  // sequences put back into the queue to free KV cells
  std::uint64_t images_encoded = 0;
  std::uint64_t image_cache_hits = 0;
  std::uint64_t image_batches = 0;  // encoder passes; fewer than images_encoded where images shared one
  // Resources, now.
  std::uint32_t kv_cells = 0;  // size of the pool, tokens
  std::uint32_t kv_cells_used = 0;
  std::uint64_t image_cache_bytes = 0;
  std::uint32_t threads = 0;  // CPU threads used by the latest step
};

}  // namespace medinfer
