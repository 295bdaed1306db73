// An engine without a model: what decides over cells is run against a store that knows what each cell was computed on.
//
// A cell holds a hash over all that its sequence has read up to it, and the next token is drawn from the hash of the
// last cell. So a sequence that sees one wrong cell draws other tokens than the same request computed alone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "kv/kv_pool.h"
#include "scheduling/kv_cache.h"
#include "scheduling/scheduler.h"
#include "support/fake_store.h"

namespace medinfer::testing {

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
  FakeEngine(const KvPool::Options& options, std::uint32_t budget, std::uint64_t swap_cells, bool paged = true,
             std::uint64_t host_cells = 0);
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
  // From here on sequences have drafts, which are right in part.
  std::optional<std::mt19937> drafts;
  std::uint64_t accepted = 0;  // tokens of drafts that were drawn
  // From here on named pictures are left out of prompts, and encoded where they have to be, some steps later.
  std::optional<std::mt19937> leave_out;
  std::uint64_t unread = 0;   // requests whose pictures were left out for good
  std::uint64_t encoded = 0;  // times that pictures had to be encoded all the same

 private:
  void Enqueue(ScheduledSequence& schedule);
  void Encode();
  void CheckAdmission(const std::vector<ScheduledSequence*>& admitted) const;
  void Propose();
  void Apply(const Scheduler::Share& share);
  void ApplyDecode(FakeRequest& request, std::uint32_t n_tokens);
  void Draw(FakeRequest& request);
  void End(FakeRequest& request, bool cancelled);

  std::set<RequestId> encoding_;
  std::uint64_t arrivals_ = 0;
  RequestId next_id_ = 1;
};

}  // namespace medinfer::testing
