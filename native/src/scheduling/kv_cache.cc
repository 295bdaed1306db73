#include "scheduling/kv_cache.h"

#include <algorithm>
#include <new>
#include <ranges>
#include <utility>

namespace medinfer {
namespace {

// How many cells of a rest, from its first on, hold what these keys say.
std::uint32_t CommonCells(const PageCopy& rest, std::span<const CellKey> keys) {
  return static_cast<std::uint32_t>(std::ranges::mismatch(rest.keys, keys).in1 - rest.keys.begin());
}

}  // namespace

KvCache::KvCache(KvPool& pool, CellStore& store, std::uint64_t swap_bytes, std::uint64_t host_bytes, DiskPages* disk)
    : pool_(pool),
      store_(store),
      swap_(swap_bytes),
      cold_(store.paged() ? host_bytes : 0, store.paged() ? disk : nullptr) {
  if (!cold_.keeps()) return;
  pool_.SetEvictor([this](PageId page, const PagePath& path, std::string_view salt, std::uint32_t media) {
    if (cold_.Touch(path)) return;
    try {
      cold_.Keep({path, std::string(salt), store_.ReadPage(page), {}, CostOf(pool_.page_size(), media)});
    } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): computing it again takes no memory
    }
  });
}

KvCache::~KvCache() { pool_.SetEvictor(nullptr); }

PageTable KvCache::Find(const ScheduledSequence& sequence) {
  const std::uint32_t page = pool_.page_size();
  PageTable found = pool_.FindPrefix(sequence.keys, sequence.salt);
  std::uint32_t cells = sequence.cursor.MostOfMatch(found.size(), page);
  const std::uint32_t usable = sequence.cursor.UsableMatch(cells, page);
  // They may end inside an image of which the rest is elsewhere.
  if (usable < cells && LookBehind(sequence, cells).reach < cells) cells = usable;
  found.Truncate(cells);
  if (std::optional<PageTable> base = ForkBase(sequence, found.size())) return std::move(*base);
  return found;
}

bool KvCache::HasUnreadable(const ScheduledSequence& sequence) {
  const std::uint32_t needed = sequence.cursor.n_unreadable();
  if (needed == 0) return true;
  const std::uint32_t found = Find(sequence).size();
  return found >= needed || LookBehind(sequence, found).reach >= needed;
}

void KvCache::ReadAhead(const ScheduledSequence& sequence) const {
  if (cold_.disk() == nullptr || cold_.disk()->pages() == 0) return;
  const std::uint32_t page = pool_.page_size();
  const std::span<const CellKey> keys(sequence.keys);
  PagePath path = RootPath(sequence.salt);
  for (std::uint32_t end = page; end <= keys.size(); end += page) {
    path = PathBelow(path, keys.subspan(end - page, page));
    cold_.ReadAhead(path);
  }
}

// The cells of the state that the sequence begins from, where they are more than `found`. A state that the prompt does
// not go on from as it is, is shared in whole pages: then what follows can be cached.
std::optional<PageTable> KvCache::ForkBase(const ScheduledSequence& sequence, std::uint32_t found) {
  const KeptStates::State* base = sequence.base == 0 ? nullptr : states_.Find(sequence.base);
  if (base == nullptr || base->salt != sequence.salt) return std::nullopt;
  const auto end = base->keys->begin() + static_cast<std::ptrdiff_t>(base->table.size());
  const auto [theirs, mine] = std::mismatch(base->keys->begin(), end, sequence.keys.begin(), sequence.keys.end());
  const auto common = static_cast<std::uint32_t>(theirs - base->keys->begin());
  std::uint32_t usable = sequence.cursor.UsableMatch(common, 1);
  if (usable < base->table.size()) usable = sequence.cursor.UsableMatch(common, pool_.page_size());
  if (usable <= found) return std::nullopt;
  PageTable table = base->table.Fork();
  table.Truncate(usable);
  return table;
}

bool KvCache::Admit(ScheduledSequence& sequence, PageTable& found, std::uint32_t headroom) {
  const std::uint32_t n_found = found.size();
  const std::uint32_t more = has_cells() ? sequence.cursor.n_tokens() - n_found : 0;
  std::optional<SequenceId> slot;
  while (!(slot = pool_.Acquire(found, more, headroom))) {
    if (!pool_.has_free_id() || !GiveUpState()) return false;
  }
  sequence.slot = *slot;
  sequence.committed = n_found;
  const std::uint32_t n_cached = Restore(sequence, n_found);
  if (n_cached < n_found) {  // into shared pages nothing is written: without them
    pool_.Release(*slot);
    found = pool_.FindPrefix(std::span(sequence.keys).first(n_cached), sequence.salt);
    return Admit(sequence, found, headroom);
  }
  counters_.tokens_saved += n_cached;
  if (n_cached > 0) ++counters_.prefix_hits;
  if (!sequence.cached_cells) sequence.cached_cells = n_cached;
  const std::uint32_t written = SwapIn(sequence, n_cached);
  sequence.cursor.Skip(written);
  store_.Attach(*slot, written, sequence.cursor.next_position() - 1);
  if (written > n_found) Commit(sequence);
  return true;
}

bool KvCache::Fork(const ScheduledSequence& first, ScheduledSequence& second, std::uint32_t headroom) {
  if (!shares() || pool_.available() <= headroom) return false;
  const std::optional<SequenceId> slot = pool_.Fork(first.slot);
  if (!slot) return false;
  second.slot = *slot;
  second.cached_cells = second.cursor.n_tokens();
  store_.Attach(*slot, second.written(), second.cursor.next_position() - 1);
  return true;
}

bool KvCache::Grow(ScheduledSequence& sequence) {
  while (!pool_.Grow(sequence.slot, 1)) {
    if (!GiveUpState()) return false;
  }
  return true;
}

bool KvCache::ReserveDraft(const ScheduledSequence& sequence) {
  if (!shares()) return false;
  const std::uint32_t held = pool_.table(sequence.slot).size();
  const auto wanted = sequence.written() + 1 + static_cast<std::uint32_t>(sequence.draft.size());
  return wanted <= held || pool_.GrowIfFree(sequence.slot, wanted - held);
}

void KvCache::Shrink(const ScheduledSequence& sequence) {
  pool_.Shrink(sequence.slot, sequence.written());
  store_.Shrink(sequence.slot, sequence.written(), sequence.cursor.next_position() - 1);
}

void KvCache::Commit(ScheduledSequence& sequence) {
  if (!sequence.left_rest && !sequence.cursor.reading()) {
    sequence.left_rest = true;
    LeaveRest(sequence);
  }
  const std::uint32_t page = pool_.page_size();
  const std::uint32_t whole = sequence.written() / page * page;
  if (whole <= sequence.committed) return;
  sequence.committed = whole;
  pool_.Commit(sequence.slot, std::span(sequence.keys).first(whole), sequence.salt);
}

void KvCache::LeaveRest(const ScheduledSequence& sequence) {
  const std::uint32_t written = sequence.written();
  if (!cold_.keeps_rests(/*image=*/true) || written > sequence.keys.size()) return;
  store_.Settle(sequence.slot);
  LeaveRest(pool_.table(sequence.slot), std::span(sequence.keys).first(written), sequence.salt);
}

// Of the cells of these keys, which are written.
void KvCache::LeaveRest(const PageTable& table, std::span<const CellKey> keys, const std::string& salt) {
  const std::uint32_t page = pool_.page_size();
  const auto written = static_cast<std::uint32_t>(keys.size());
  if (!pool_.caches() || written == 0) return;
  // Of a prompt that ends with its page, all but the last token can be used.
  const std::uint32_t whole = (written - 1) / page * page;
  const std::uint32_t first = table.Cell(whole);
  // Else it goes on from a page that it shares in part, and its cells are of two.
  if (first % page != 0 || table.Cell(written - 1) - first != written - 1 - whole) return;
  const auto rest = keys.subspan(whole);
  const auto media = static_cast<std::size_t>(std::ranges::count_if(rest, IsMedia));
  if (!cold_.keeps_rests(/*image=*/media > 0)) return;
  try {
    cold_.Keep({PathBelow(PathOf(keys, salt, whole), {}),
                salt,
                store_.ReadPage(first / page),
                {rest.begin(), rest.end()},
                CostOf(rest.size(), media)});
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): computing it again takes no memory
  }
}

// Its whole pages are in the prefix cache; what is behind them would be nowhere.
bool KvCache::GiveUpState() {
  return states_.GiveUpOne([this](const KeptStates::State& state) {
    LeaveRest(state.table, std::span(*state.keys).first(state.table.size()), state.salt);
  });
}

void KvCache::Release(const ScheduledSequence& sequence) {
  if (pool_.caches()) store_.Settle(sequence.slot);
  store_.Forget(sequence.slot);
  pool_.Release(sequence.slot);
}

// What is in the prefix cache when the sequence runs again needs no copying, and what is in neither is computed again.
void KvCache::SwapOut(const ScheduledSequence& sequence) {
  SwapSpace::Cells cells{sequence.written(), {}};
  if (shares() && cells.count > 0 && swap_.HasRoom(store_.BytesPerCell() * cells.count)) {
    store_.Settle(sequence.slot);
    try {
      cells.bytes = store_.ReadCells(pool_.table(sequence.slot), cells.count);
      swap_.Keep(sequence.id, std::move(cells));
    } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): computing them again takes no memory
    }
  }
  Release(sequence);
}

// What is kept outside of the pool of the prompt behind the `found` cells, and how far it reaches.
KvCache::Behind KvCache::LookBehind(const ScheduledSequence& sequence, std::uint32_t found) {
  const std::uint32_t page = pool_.page_size();
  Behind behind;
  behind.reach = sequence.cursor.UsableMatch(found, 1);
  if (cold_.empty() || found % page != 0) return behind;
  const std::span<const CellKey> keys(sequence.keys);
  std::vector<PagePath>& paths = behind.pages;
  paths.push_back(PathOf(keys, sequence.salt, found));
  std::uint32_t end = found;
  while (end + page <= keys.size()) {
    const PagePath path = PathBelow(paths.back(), keys.subspan(end, page));
    if (!cold_.Touch(path)) break;
    paths.push_back(path);
    end += page;
  }
  const std::uint32_t whole = sequence.cursor.MostOfMatch(end, page);
  behind.reach = sequence.cursor.UsableMatch(whole, page);
  std::uint32_t copied = std::max(found, behind.reach);
  const PagePath rest_path = PathBelow(paths[(whole - found) / page], {});
  if (const PageCopy* rest = cold_.Find(rest_path); rest != nullptr) {
    const std::uint32_t usable = sequence.cursor.UsableMatch(whole + CommonCells(*rest, keys.subspan(whole)), 1);
    if (usable > whole) {
      behind.rest = rest_path;
      behind.reach = usable;
      copied = whole;
    }
  }
  paths.erase(paths.begin());
  TouchUpwards(paths);
  paths.resize((copied - found) / page);
  return behind;
}

// The first goes last: without it no other is found.
void KvCache::TouchUpwards(const std::vector<PagePath>& pages) {
  for (const PagePath& path : std::views::reverse(pages)) cold_.Touch(path);
}

// Copies it back. Returns how many cells are written then: fewer than `found` where these end inside an image and what
// they were to be followed by is not there any more. REQUIRES: the sequence holds its slot, with cells for the whole
// prompt.
std::uint32_t KvCache::Restore(const ScheduledSequence& sequence, std::uint32_t found) {
  const std::uint32_t page = pool_.page_size();
  const PageTable& table = pool_.table(sequence.slot);
  const Behind behind = LookBehind(sequence, found);
  std::uint32_t end = found;
  for (const PagePath& path : behind.pages) {
    const PageCopy* copy = cold_.Find(path);
    if (copy == nullptr) return sequence.cursor.UsableMatch(end, page);  // the disk has damaged it
    store_.WritePage(table.Cell(end) / page, copy->bytes);
    end += page;
  }
  if (behind.rest) {
    const PageCopy* rest = cold_.Find(*behind.rest);
    const std::uint32_t first = table.Cell(end);
    if (rest == nullptr || first % page != 0) return sequence.cursor.UsableMatch(end, page);
    store_.WritePage(first / page, rest->bytes);
  }
  TouchUpwards(behind.pages);
  if (behind.reach > found) counters_.tokens_restored += behind.reach - found;
  return behind.reach;
}

PagePath KvCache::PathOf(std::span<const CellKey> keys, std::string_view salt, std::uint32_t cells) const {
  const std::uint32_t page = pool_.page_size();
  PagePath path = RootPath(salt);
  for (std::uint32_t begin = 0; begin < cells; begin += page) path = PathBelow(path, keys.subspan(begin, page));
  return path;
}

// How many cells of the sequence are written, of which `found` were found. REQUIRES: it holds its slot, with cells for
// the whole prompt.
std::uint32_t KvCache::SwapIn(const ScheduledSequence& sequence, std::uint32_t found) {
  const std::optional<SwapSpace::Cells> cells = swap_.Take(sequence.id);
  if (!cells) return found;
  const std::uint32_t usable = sequence.cursor.UsableMatch(cells->count, 1);
  if (usable <= found) return found;
  store_.WriteCells(pool_.table(sequence.slot), found, usable, cells->count, cells->bytes);
  counters_.tokens_swapped += usable - found;
  return usable;
}

void KvCache::Keep(ScheduledSequence& sequence) {
  store_.Settle(sequence.slot);
  store_.Forget(sequence.slot);
  PageTable table = pool_.Detach(sequence.slot);
  table.Truncate(sequence.written());
  states_.Keep(sequence.id, std::move(table), std::move(sequence.keys), sequence.salt);
}

KvCache::StateCells KvCache::ReadState(StateId id) {
  const KeptStates::State* state = states_.Find(id);
  if (state == nullptr) return {};
  // Where the table was given up, what the prefix cache still has is as good.
  PageTable table = pool_.FindPrefix(*state->keys, state->salt);
  if (table.size() < state->table.size()) table = state->table.Fork();
  BringBack(table, *state->keys, state->salt);
  return {state->salt, *state->keys, table.size(), store_.ReadCells(table, table.size())};
}

// Appends what left the pool of the cells behind those of the table, as far as it is kept and pages can be had.
void KvCache::BringBack(PageTable& table, std::span<const CellKey> keys, std::string_view salt) {
  const std::uint32_t page = pool_.page_size();
  if (cold_.empty() || table.size() % page != 0) return;
  PagePath path = PathOf(keys, salt, table.size());
  const auto append = [&](const PagePath& from, std::uint32_t cells) {
    const std::uint32_t begin = table.size();
    if (!cold_.Touch(from) || !pool_.Extend(table, cells)) return false;
    const PageCopy* copy = cold_.Find(from);  // what makes room in the pool may have driven it out
    if (copy != nullptr) {
      store_.WritePage(table.Cell(begin) / page, copy->bytes);
    } else {
      table.Truncate(begin);
    }
    return copy != nullptr;
  };
  while (table.size() + page <= keys.size()) {
    const PagePath next = PathBelow(path, keys.subspan(table.size(), page));
    if (!append(next, page)) break;
    path = next;
  }
  const PagePath rest_path = PathBelow(path, {});
  const PageCopy* rest = cold_.Find(rest_path);
  if (rest == nullptr) return;
  const std::uint32_t common = CommonCells(*rest, keys.subspan(table.size()));
  if (common > 0) append(rest_path, common);
}

std::uint32_t KvCache::WriteState(StateId id, StateCells state, std::uint32_t beside) {
  PageTable table = pool_.FindPrefix(std::span(state.keys).first(state.cells), state.salt);
  const std::uint32_t begin = table.size();
  const auto room = [&] { return pool_.available() > beside ? (pool_.available() - beside) * pool_.page_size() : 0; };
  while (state.cells - begin > room() && GiveUpState()) continue;
  const std::uint32_t end = begin + std::min(state.cells - begin, room());
  if (end > begin && pool_.Extend(table, end - begin)) {
    store_.WriteCells(table, begin, end, state.cells, state.bytes);
    pool_.Commit(table, std::span(state.keys).first(end), state.salt);
  }
  const std::uint32_t cells = table.size();
  states_.Keep(id, std::move(table), std::move(state.keys), std::move(state.salt));
  return cells;
}

KvStats KvCache::stats() const {
  KvStats kv = counters_;
  const PagePool& pages = pool_.pages();
  kv.paged = store_.paged();
  kv.page_size = pool_.page_size();
  kv.pages = pages.total();
  kv.pages_free = pages.free();
  kv.pages_cached = pool_.cache().evictable();
  kv.pages_used = pages.used() - kv.pages_cached;
  kv.pages_shared = pages.shared();
  kv.pages_evicted = pool_.cache().stats().evicted;
  kv.fragmentation = pool_.Fragmentation();
  kv.swap_bytes = swap_.used();
  kv.host_pages = cold_.host_pages();
  kv.host_bytes = cold_.host_bytes();
  if (const DiskPages* disk = cold_.disk(); disk != nullptr) {
    kv.disk_pages = disk->pages();
    kv.disk_bytes = disk->bytes();
    kv.disk_lost = disk->lost();
  }
  return kv;
}

}  // namespace medinfer
