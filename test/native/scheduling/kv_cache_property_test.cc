// Any order of calls on few prompts in a small pool, against a naive account: every cell that a sequence or a state has
// is what it would be computed alone, what was swapped out comes back, and nothing leaks.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "scheduling/kv_cache.h"
#include "scheduling/kv_world.h"

namespace medinfer::testing {
namespace {

class RandomCalls {
 public:
  explicit RandomCalls(std::uint32_t seed) : random_(seed) {
    KvWorld::Options options;
    options.pages = Pick(4, 24);
    options.ids = Pick(1, 5);
    options.swap_cells = Pick(0, 1) == 0 ? 0 : Pick(1, 60);
    options.host_pages = Pick(0, 1) == 0 ? 0 : Pick(1, 40);
    options.disk_pages = Pick(0, 1) == 0 ? 0 : Pick(1, 40);
    options.prefix_cache = Pick(0, 3) > 0;
    swap_cells_ = options.swap_cells;
    world_.emplace(options);
  }

  void Call() {
    switch (Pick(0, 11)) {
      case 0:
      case 1:
        return Begin();
      case 2:
      case 3:
        return Read();
      case 4:
      case 5:
        return Draw();
      case 6:
        return Preempt();
      case 7:
        return Fork();
      case 8:
        return End();
      case 9:
        return ChangeStates();
      case 10:
        return CopyState();
      default:
        if (auto* sequence = Any(running_)) world_->cache.Commit(**sequence);
    }
  }

  void Check() {
    std::uint64_t held = 0;
    for (const auto& sequence : running_) {
      world_->ExpectRight(*sequence);
      held += world_->pool.table(sequence->slot).size();
    }
    const KvStats kv = world_->cache.stats();
    EXPECT_EQ(world_->store.attached().size(), running_.size());
    EXPECT_EQ(world_->cache.cells_held(), held);
    EXPECT_EQ(kv.pages_free + kv.pages_used + kv.pages_cached, kv.pages);
    EXPECT_EQ(world_->cache.pages_available(), kv.pages_free + kv.pages_cached);
    std::uint64_t swapped = 0;
    for (const auto& [id, cells] : swapped_) swapped += cells;
    EXPECT_EQ(kv.swap_bytes, swapped * sizeof(CellValue));
  }

  void CheckStates() {
    for (const auto& [id, state] : states_) {
      const KvCache::StateCells read = world_->cache.ReadState(id);
      EXPECT_EQ(read.keys, state.keys);
      EXPECT_EQ(read.salt, state.salt);
      ASSERT_LE(read.cells, state.keys.size());
      std::vector<CellValue> values = ValuesOf(state.keys, state.salt);
      values.resize(read.cells);
      EXPECT_EQ(Unpacked(read.bytes), values);
    }
  }

  void EndAll() {
    for (const auto& sequence : running_) world_->cache.Release(*sequence);
    for (const auto& [id, state] : states_) world_->cache.DropState(id);
    for (const auto& [id, cells] : swapped_) world_->cache.DropSwapped(id);
    running_.clear();
    swapped_.clear();
    EXPECT_EQ(world_->used(), 0U);
    Check();
  }

 private:
  using Sequences = std::vector<std::unique_ptr<ScheduledSequence>>;
  struct State {
    std::vector<CellKey> keys;
    std::string salt;
  };

  std::uint32_t Pick(std::uint32_t low, std::uint32_t high) {
    return std::uniform_int_distribution<std::uint32_t>(low, high)(random_);
  }
  template <typename List>
  typename List::value_type* Any(List& list) {
    return list.empty() ? nullptr : &list[Pick(0, static_cast<std::uint32_t>(list.size()) - 1)];
  }
  StateId AnyState() {
    return states_.empty() ? 99'999
                           : std::next(states_.begin(), Pick(0, static_cast<std::uint32_t>(states_.size()) - 1))->first;
  }

  // A prompt of few beginnings, or what a state has said and more.
  void Begin() {
    std::unique_ptr<ScheduledSequence> sequence;
    if (!waiting_.empty() && Pick(0, 1) == 0) {
      sequence = std::move(waiting_.back());
      waiting_.pop_back();
    } else {
      Tokens tokens = Counting(static_cast<std::int32_t>(Pick(0, 1)), Pick(1, 24));
      std::string salt = Pick(0, 5) == 0 ? "other" : "";
      StateId base = 0;
      if (Pick(0, 1) == 0) {
        base = AnyState();
        if (states_.contains(base) && Pick(0, 3) > 0) {
          const State& state = states_.at(base);
          salt = state.salt;
          tokens.clear();
          const std::uint32_t all = static_cast<std::uint32_t>(state.keys.size());
          const std::uint32_t common = Pick(0, 2) > 0 ? all : Pick(0, all);
          for (std::uint32_t i = 0; i < common; ++i) tokens.push_back(static_cast<std::int32_t>(state.keys[i]));
          tokens = Joined(std::move(tokens), Counting(static_cast<std::int32_t>(Pick(0, 30)), Pick(1, 3)));
        }
      }
      sequence = std::make_unique<ScheduledSequence>(world_->Sequence(++last_id_, tokens, salt, base));
    }
    const std::uint32_t headroom = Pick(0, 2);
    PageTable found = world_->cache.Find(*sequence);
    const std::uint32_t n_found = found.size();
    EXPECT_LT(n_found, sequence->cursor.n_tokens());
    const KvStats before = world_->cache.stats();
    if (!world_->cache.Admit(*sequence, found, headroom)) {
      EXPECT_EQ(found.size(), n_found);
      // An insert at the front is a null pointer to GCC 12 beside ThreadSanitizer.
      waiting_.push_back(std::move(sequence));
      std::rotate(waiting_.begin(), waiting_.end() - 1, waiting_.end());
      return;
    }
    const KvStats after = world_->cache.stats();
    const auto restored = static_cast<std::uint32_t>(after.tokens_restored - before.tokens_restored);
    std::uint32_t expected = n_found + restored;
    if (const auto swapped = swapped_.find(sequence->id); swapped != swapped_.end()) {
      expected = std::max(expected, std::min(swapped->second, sequence->cursor.n_tokens() - 1));
      swapped_.erase(swapped);
    }
    EXPECT_EQ(sequence->cursor.done(), expected);
    EXPECT_EQ(after.tokens_saved - before.tokens_saved, n_found + restored);
    EXPECT_EQ(after.tokens_swapped - before.tokens_swapped, expected - n_found - restored);
    EXPECT_GE(world_->cache.pages_available(), headroom);
    running_.push_back(std::move(sequence));
  }

  void Read() {
    if (auto* any = Any(running_); any != nullptr && (*any)->cursor.reading()) {
      world_->Compute(**any, Pick(1, (*any)->cursor.chunk_left()));
    }
  }

  void Draw() {
    auto* any = Any(running_);
    if (any == nullptr || (*any)->cursor.reading()) return;
    const std::uint32_t size = world_->pool.table((*any)->slot).size();
    if (!world_->Decode(**any, static_cast<std::int32_t>(Pick(0, 30)))) {
      EXPECT_EQ(world_->pool.table((*any)->slot).size(), size);
      EXPECT_EQ(world_->cache.pages_available(), 0U);
    }
  }

  void Preempt() {
    auto* any = Any(running_);
    if (any == nullptr) return;
    ScheduledSequence& sequence = **any;
    std::uint64_t used = 0;
    for (const auto& [id, cells] : swapped_) used += cells;
    const std::uint32_t written = sequence.written();
    if (written > 0 && used + written <= swap_cells_) swapped_.emplace(sequence.id, written);
    world_->Preempt(sequence);
    waiting_.push_back(Take(*any));
  }

  void Fork() {
    auto* any = Any(running_);
    if (any == nullptr || (*any)->cursor.reading() || !(*any)->drawn.empty()) return;
    auto second = std::make_unique<ScheduledSequence>();
    second->id = ++last_id_;
    second->salt = (*any)->salt;
    second->TakePrompt(**any);
    const KvStats before = world_->cache.stats();
    const std::uint32_t headroom = Pick(0, 3);
    const bool room = world_->cache.has_free_id() && world_->cache.pages_available() > headroom;
    EXPECT_EQ(world_->cache.Fork(**any, *second, headroom), room);
    EXPECT_EQ(world_->cache.stats().pages_free, before.pages_free);
    if (room) running_.push_back(std::move(second));
  }

  void End() {
    auto* any = Any(running_);
    if (any == nullptr) return;
    const std::unique_ptr<ScheduledSequence> sequence = Take(*any);
    if (sequence->cursor.reading() || Pick(0, 1) == 0) return world_->cache.Release(*sequence);
    states_[sequence->id] = {sequence->keys, sequence->salt};
    world_->cache.Keep(*sequence);
  }

  void ChangeStates() {
    const StateId from = AnyState();
    if (Pick(0, 1) == 0) {
      world_->cache.DropState(from);
      states_.erase(from);
    } else {
      const StateId to = ++last_id_;
      world_->cache.ForkState(from, to);
      if (states_.contains(from)) states_[to] = states_.at(from);
    }
  }

  // As through a file, under another id.
  void CopyState() {
    const StateId from = AnyState();
    if (!states_.contains(from)) return;
    KvCache::StateCells read = world_->cache.ReadState(from);
    const std::uint32_t cells = read.cells;
    const StateId to = ++last_id_;
    states_[to] = states_.at(from);
    if (Pick(0, 1) == 0) {
      world_->cache.DropState(from);
      states_.erase(from);
    }
    const std::uint32_t beside = Pick(0, 3);
    const std::uint32_t found = world_->pool.FindPrefix(std::span(read.keys).first(cells), read.salt).size();
    const std::uint32_t written = world_->cache.WriteState(to, std::move(read), beside);
    EXPECT_GE(written, found);
    EXPECT_LE(written, cells);
    if (written > found) {
      EXPECT_GE(world_->cache.pages_available(), beside);
    }
  }

  std::unique_ptr<ScheduledSequence> Take(std::unique_ptr<ScheduledSequence>& any) {
    std::unique_ptr<ScheduledSequence> taken = std::move(any);
    std::erase(running_, nullptr);
    return taken;
  }

  std::mt19937 random_;
  std::uint64_t swap_cells_ = 0;
  std::optional<KvWorld> world_;
  Sequences running_;
  Sequences waiting_;
  std::map<RequestId, std::uint32_t> swapped_;  // cells
  std::map<StateId, State> states_;
  RequestId last_id_ = 0;
};

class KvCacheProperty : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(KvCacheProperty, EveryCellIsWhatItWouldBeAloneAndNothingLeaks) {
  for (std::uint32_t round = 0; round < 40; ++round) {
    SCOPED_TRACE(round);
    RandomCalls calls(GetParam() * 1000 + round);
    for (int step = 0; step < 300; ++step) {
      calls.Call();
      calls.Check();
      // Reading a state is a use of it, so not always.
      if (step % 16 == 15) calls.CheckStates();
      if (HasFailure()) return;
    }
    calls.EndAll();
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, KvCacheProperty, ::testing::Range(1U, 21U));

}  // namespace
}  // namespace medinfer::testing
