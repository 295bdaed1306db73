// Counters of one engine. A snapshot: plain numbers, no text of any request.
#pragma once

#include <cstdint>

namespace medinfer {

// The KV pool, now and since load. A page is kv_page_size cells.
struct KvStats {
  bool paged = false;  // false: a model with sliding windows, recurrent states or the like keeps llama.cpp's own memory
  std::uint32_t page_size = 0;
  std::uint32_t pages = 0;
  std::uint32_t pages_free = 0;    // hold nothing
  std::uint32_t pages_used = 0;    // held by running requests and kept states
  std::uint32_t pages_shared = 0;  // of the used, those that more than one holder has
  std::uint32_t pages_cached = 0;  // not held, and findable
  std::uint64_t pages_evicted = 0;
  double fragmentation = 0;           // share of the cells in used pages that no request holds, 0..1
  std::uint64_t prefix_hits = 0;      // requests that found a page or more
  std::uint64_t tokens_saved = 0;     // prompt tokens that were found and not computed
  std::uint64_t tokens_swapped = 0;   // of preempted requests, kept in host memory and not computed again
  std::uint64_t swap_bytes = 0;       // of host memory, now
  std::uint64_t host_pages = 0;       // kept in host memory since they left the pool, now
  std::uint64_t host_bytes = 0;       // of them
  std::uint64_t disk_pages = 0;       // on a disk, because host memory has no room for them, now
  std::uint64_t disk_bytes = 0;       // of them
  std::uint64_t disk_lost = 0;        // pages that the disk did not take, or gave back damaged
  std::uint64_t tokens_restored = 0;  // of those saved, copied back from there
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
  double step_ms = 0;               // they took, with the waits for the device
  std::uint64_t graphs_reused = 0;  // of them, those that ran the graph of the one before, which a GPU replays
  std::uint64_t prompt_tokens = 0;
  std::uint64_t generated_tokens = 0;
  std::uint64_t draft_tokens = 0;     // proposed ahead of the model
  std::uint64_t accepted_tokens = 0;  // of them, those that it drew
  std::uint64_t preemptions = 0;      // sequences put back into the queue to free KV cells
  std::uint64_t images_encoded = 0;
  std::uint64_t image_cache_hits = 0;
  std::uint64_t image_batches = 0;  // encoder passes; fewer than images_encoded where images shared one
  double image_ms = 0;              // they took, reading and scaling of pictures left out
  // Resources, now.
  std::uint32_t kv_cells = 0;  // size of the pool, tokens
  std::uint32_t kv_cells_used = 0;
  KvStats kv;
  std::uint64_t image_cache_bytes = 0;
  std::uint32_t threads = 0;  // CPU threads used by the latest step
};

}  // namespace medinfer
