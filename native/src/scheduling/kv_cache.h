// The keys and values of everything that is not computed again: pairs the pool, which says where cells lie, with the
// store that has them, so that a sequence takes and gives up both in one call. On top of it what ended requests have
// left (kept states), and the cells of preempted ones in host memory (swap space).
//
// Belongs to the engine thread. Knows no llama.h.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kv/cell_store.h"
#include "kv/cold_pages.h"
#include "kv/kept_states.h"
#include "kv/kv_pool.h"
#include "kv/swap_space.h"
#include "medinfer/stats.h"
#include "scheduling/scheduled_sequence.h"

namespace medinfer {

class KvCache {
 public:
  // They outlive the cache. `swap_bytes`: most host memory for the cells of preempted sequences; `host_bytes`: for
  // pages that leave the pool; `disk`: for those that have no room there; null: none.
  KvCache(KvPool& pool, CellStore& store, std::uint64_t swap_bytes, std::uint64_t host_bytes = 0,
          DiskPages* disk = nullptr);
  ~KvCache();
  KvCache(const KvCache&) = delete;
  KvCache& operator=(const KvCache&) = delete;

  // Whether sequences share cells at all.
  bool shares() const { return store_.paged(); }
  // Whether sequences have cells: not those of a model that keeps nothing of what it has read.
  bool has_cells() const { return pool_.cells() > 0; }
  bool has_free_id() const { return pool_.has_free_id(); }
  std::uint32_t page_size() const { return pool_.page_size(); }
  std::uint32_t pages() const { return pool_.pages().total(); }
  std::uint32_t pages_available() const { return pool_.available(); }

  // The cells from the start of the prompt that are there, in the prefix cache or in the state that it begins from.
  // They stay while the table lives. They may end inside an image, if what is behind it is in other memory.
  PageTable Find(const ScheduledSequence& sequence);
  // The sequence will be admitted soon: what a disk has of its prompt may be read meanwhile.
  void ReadAhead(const ScheduledSequence& sequence) const;

  // Whether the cells of all images that were left out of its prompt are there, in whatever memory. Then they count as
  // used now.
  bool HasUnreadable(const ScheduledSequence& sequence);

  // Gives the sequence an id and cells for all of its prompt, of which `found` are written; what was swapped out, and
  // pages behind `found` that host memory has, come back. False, with `found` as it was, where ids are short, or where
  // fewer than `headroom` pages would be left: kept states give up their tables before.
  bool Admit(ScheduledSequence& sequence, PageTable& found, std::uint32_t headroom);
  // Gives a second sequence, of the same prompt read as far, the cells of the first. Metadata alone. False where ids
  // are short, or where not more than `headroom` pages are left. REQUIRES: the first is admitted.
  bool Fork(const ScheduledSequence& first, ScheduledSequence& second, std::uint32_t headroom);
  // A cell more. False, and no change, where pages are short. Kept states give up their tables before.
  bool Grow(ScheduledSequence& sequence);
  // Cells for the sequence's draft, behind that of its pending token. False, and no change, where no page is free.
  bool ReserveDraft(const ScheduledSequence& sequence);
  // Takes back the cells behind what is written of the sequence itself.
  void Shrink(const ScheduledSequence& sequence);
  // Offers the whole pages that the sequence has written to the prefix cache and, when its prompt is read, what that
  // has behind them to host memory.
  void Commit(ScheduledSequence& sequence);
  // Leaves a copy of what the sequence has written behind its last whole page in host memory, where there is room: a
  // prompt that goes on from it does not compute it again. Not needed of one that is kept. REQUIRES: the sequence is
  // admitted.
  void LeaveRest(const ScheduledSequence& sequence);

  // The id and the cells are free. REQUIRES, of these three: the sequence is admitted.
  void Release(const ScheduledSequence& sequence);
  // The same; the cells wait in host memory, where there is room, for the next admission.
  void SwapOut(const ScheduledSequence& sequence);
  // The id is free; the written cells stay, as a state under the sequence's id. Its keys go with them.
  void Keep(ScheduledSequence& sequence);
  // What SwapOut left is not needed any more.
  void DropSwapped(RequestId id) { swap_.Take(id); }

  // A second state of the same cells; nothing where there is no `from`.
  void ForkState(StateId from, StateId to) { states_.Fork(from, to); }
  void DropState(StateId id) { states_.Drop(id); }

  // What was computed under these salts is needed no more: it is found by none, and its pages are free, but for those
  // of sequences that run.
  void Forget(const std::function<bool(std::string_view salt)>& drops) {
    states_.Forget(drops);
    pool_.Forget(drops);
    cold_.Forget(drops);
  }

  // A state as it can be written to a file.
  struct StateCells {
    std::string salt;
    std::vector<CellKey> keys;
    std::uint32_t cells = 0;          // of the first keys, those whose keys and values are here
    std::vector<std::uint8_t> bytes;  // CellStore::ReadCells
  };
  // What left the pool comes back for it, where there is room. Empty where there is no such state. Throws
  // std::bad_alloc. REQUIRES: shares().
  StateCells ReadState(StateId id);
  // Makes a state of it, with the cells that there is room for beside `beside` pages. What the prefix cache has already
  // is not written. Returns how many cells the state has. REQUIRES: shares(), or the state has no cells.
  std::uint32_t WriteState(StateId id, StateCells state, std::uint32_t beside);

  // What encoding an image takes for each of its tokens, in tokens of text that could be read meanwhile: by it, what
  // leaves the pool and is dear to compute again is kept longer.
  void SetImageCost(double tokens) { image_cost_ = tokens; }

  std::uint64_t BytesPerCell() const { return store_.BytesPerCell(); }
  std::uint32_t cells() const { return pool_.cells(); }
  std::uint64_t cells_held() const { return pool_.cells_held(); }
  KvStats stats() const;

 private:
  std::optional<PageTable> ForkBase(const ScheduledSequence& sequence, std::uint32_t found);
  // What left the pool of a prompt, behind cells that did not.
  struct Behind {
    std::vector<PagePath> pages;   // to be copied back
    std::optional<PagePath> rest;  // and what was written in part behind them
    std::uint32_t reach = 0;       // cells of the prompt that are there with them, and can be used
  };
  Behind LookBehind(const ScheduledSequence& sequence, std::uint32_t found);
  void TouchUpwards(const std::vector<PagePath>& pages);
  std::uint32_t Restore(const ScheduledSequence& sequence, std::uint32_t found);
  bool GiveUpState();
  double CostOf(std::size_t cells, std::size_t media) const {
    return static_cast<double>(cells) + image_cost_ * static_cast<double>(media);
  }
  void LeaveRest(const PageTable& table, std::span<const CellKey> keys, const std::string& salt);
  void BringBack(PageTable& table, std::span<const CellKey> keys, std::string_view salt);
  // Of the first `cells`, whole pages.
  PagePath PathOf(std::span<const CellKey> keys, std::string_view salt, std::uint32_t cells) const;
  std::uint32_t SwapIn(const ScheduledSequence& sequence, std::uint32_t found);

  KvPool& pool_;
  CellStore& store_;
  KeptStates states_;
  SwapSpace swap_;
  ColdPages cold_;
  double image_cost_ = 0;
  KvStats counters_;  // since load
};

}  // namespace medinfer
