// An engine without a model: what decides over cells is run against a store that knows what each cell was computed on.
//
// A cell holds a hash over all that its sequence has read up to it, and the next token is drawn from the hash of the
// last cell. So a sequence that sees one wrong cell draws other tokens than the same request computed alone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "kv/cell_store.h"
#include "kv/kv_pool.h"
#include "scheduling/kv_cache.h"
#include "scheduling/scheduler.h"

namespace medinfer::testing {

using CellValue = std::uint64_t;

// Of a first cell: nothing was read before it.
CellValue FirstValue(const std::string& salt);
// Of a cell whose sequence reads `value` behind a cell that holds `before`.
CellValue NextValue(CellValue before, std::uint64_t value);
// What completion `seed` draws behind a cell.
std::int32_t DrawnToken(CellValue last, std::uint32_t seed);

class FakeStore final : public CellStore {
 public:
  FakeStore(const KvPool& pool, bool paged) : pool_(pool), paged_(paged), cells_(pool.cells()) {}

  bool paged() const override { return paged_; }
  void Attach(SequenceId sequence, std::uint32_t cells, std::int32_t position) override;
  void Forget(SequenceId sequence) override;
  std::uint64_t BytesPerCell() const override { return sizeof(CellValue); }
  std::vector<std::uint8_t> ReadCells(const PageTable& table, std::uint32_t cells) const override;
  void WriteCells(const PageTable& table, std::uint32_t begin, std::uint32_t end, std::uint32_t total,
                  std::span<const std::uint8_t> bytes) override;

  // A forward pass: the sequence reads `value`, which takes its next cell, at this position.
  void Read(SequenceId sequence, const std::string& salt, std::uint64_t value, std::int32_t position);
  // What the sequence's last cell holds.
  CellValue Last(SequenceId sequence) const;

 private:
  struct Attached {
    std::uint32_t cells = 0;
    std::int32_t position = -1;
    std::vector<CellValue> own;  // of a store that is not paged
  };

  const KvPool& pool_;
  bool paged_;
  std::vector<CellValue> cells_;
  std::map<SequenceId, Attached> attached_;
};

// One completion, and what it has drawn.
struct FakeRequest {
  ScheduledSequence schedule;
  PreparedPrompt prompt;
  std::uint32_t seed = 0;
  std::uint32_t n_predict = 0;
  bool keep = false;
  std::vector<std::int32_t> answer;
};

// The same request computed alone, with no cache.
std::vector<std::int32_t> Answer(const FakeRequest& request);

// A chunk of media: the embedding's first value names what is on it. `named`: it has an origin, and can be shared.
MediaChunk FakeMedia(std::uint32_t picture, std::uint32_t n_tokens, std::int32_t n_pos, bool named, bool whole);

class FakeEngine {
 public:
  FakeEngine(const KvPool::Options& options, std::uint32_t budget, std::uint64_t swap_cells, bool paged = true);
  ~FakeEngine();

  // Submits `n` completions of one prompt; the first id.
  RequestId Submit(PreparedPrompt prompt, std::uint32_t n_predict, std::int32_t priority = 0, std::uint32_t n = 1,
                   const std::string& salt = "", StateId base = 0, bool keep = false);
  // Admits, plans and applies one step; `room`: whether the store finds room for it. Checks every promise of the
  // scheduler. False where nothing could be computed.
  bool Step(bool room = true);
  void RunToEnd();
  void Cancel(RequestId id);
  // Ends a request well, with what it has drawn so far.
  void Finish(RequestId id);

  FakeRequest* Find(RequestId id);

  KvPool pool;
  FakeStore store;
  KvCache cache;
  Scheduler scheduler;
  std::map<RequestId, std::unique_ptr<FakeRequest>> live;
  std::map<RequestId, std::unique_ptr<FakeRequest>> ended;  // those that were not cancelled
  std::set<StateId> states;

 private:
  void CheckAdmission(const std::vector<ScheduledSequence*>& admitted) const;
  void Apply(const Scheduler::Share& share);
  void Draw(FakeRequest& request);
  void End(FakeRequest& request, bool cancelled);

  std::uint64_t arrivals_ = 0;
  RequestId next_id_ = 1;
};

}  // namespace medinfer::testing
