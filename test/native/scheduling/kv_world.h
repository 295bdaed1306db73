// The KV cache with no scheduler: what an engine does with its sequences, over a store that knows what every cell was
// computed on.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "scheduling/kv_cache.h"
#include "support/fake_store.h"

namespace medinfer::testing {

constexpr std::uint32_t kPage = 4;  // cells

using Tokens = std::vector<std::int32_t>;

// `n` tokens that count up from `first`.
Tokens Counting(std::int32_t first, std::uint32_t n);
Tokens Joined(Tokens tokens, const Tokens& more);
// What the cells of a sequence of text hold, computed alone.
std::vector<CellValue> ValuesOf(const std::vector<CellKey>& keys, const std::string& salt);
std::vector<CellValue> Unpacked(const std::vector<std::uint8_t>& bytes);
std::vector<std::uint8_t> Packed(const std::vector<CellValue>& values);

// The cache, and what the engine does with its sequences.
struct KvWorld {
  struct Options {
    std::uint32_t pages = 10;
    std::uint32_t ids = 4;
    std::uint64_t swap_cells = 0;
    std::uint64_t host_pages = 0;
    std::uint64_t disk_pages = 0;
    bool prefix_cache = true;
    bool paged = true;
  };

  explicit KvWorld(const Options& options)
      : pool({.cells = options.pages * kPage,
              .page_size = kPage,
              .max_sequences = options.ids,
              .prefix_cache = options.prefix_cache}),
        store(pool, options.paged),
        disk(DiskOf(options.disk_pages)),
        cache(pool, store, options.swap_cells * sizeof(CellValue), options.host_pages * kPage * sizeof(CellValue),
              disk.get()) {}

  // Null where there are none.
  static std::unique_ptr<DiskPages> DiskOf(std::uint64_t pages);

  ScheduledSequence Sequence(RequestId id, PreparedPrompt prompt, const std::string& salt = "", StateId base = 0);
  ScheduledSequence Sequence(RequestId id, const Tokens& tokens, const std::string& salt = "", StateId base = 0);

  // Finds and admits, as the scheduler does.
  bool Admit(ScheduledSequence& sequence, std::uint32_t headroom = 0);

  // Passes over the next `n` tokens of a prompt of text.
  void Compute(ScheduledSequence& sequence, std::uint32_t n);
  void ComputeAll(ScheduledSequence& sequence) { Compute(sequence, sequence.cursor.chunk_left()); }

  // Draws a token behind the prompt and reads it. False where it has no cell.
  bool Decode(ScheduledSequence& sequence, std::int32_t token);

  // A state of these tokens, all computed; `commit`: and offered to the prefix cache.
  void MakeState(StateId id, const Tokens& tokens, const std::string& salt = "", bool commit = false);

  // It gives way, and has all to read again at its next admission.
  void Preempt(ScheduledSequence& sequence);

  // A sequence of text that runs has the cells that it would have computed alone, and the store knows how many.
  void ExpectRight(const ScheduledSequence& sequence) const;

  // A state of text has so many cells, and they are right.
  void ExpectState(StateId id, const Tokens& tokens, std::uint32_t cells, const std::string& salt = "");

  std::uint32_t used() const { return cache.stats().pages_used; }
  std::uint32_t cached() const { return cache.stats().pages_cached; }

  KvPool pool;
  FakeStore store;
  std::unique_ptr<DiskPages> disk;
  KvCache cache;
  std::uint64_t unique_media = 0;
};

}  // namespace medinfer::testing
