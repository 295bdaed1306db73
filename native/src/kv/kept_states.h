// What requests have left for others to go on from: page tables without a sequence, and what their cells hold.
//
// A state is a shortcut, never the only copy: a request that goes on from one has the whole prompt, and what the state
// lacks is computed. So a state may lose its table at any time; its whole pages are mostly in the prefix cache all the
// same. Not thread-safe: belongs to the engine thread. Its pool must outlive it. Knows no llama.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kv/cell_key.h"
#include "kv/page_table.h"
#include "medinfer/ids.h"

namespace medinfer {

class KeptStates {
 public:
  struct State {
    PageTable table;                                   // empty where it was given up
    std::shared_ptr<const std::vector<CellKey>> keys;  // of at least the cells of the table; forks share them
    std::string salt;
    std::uint64_t used = 0;  // larger is later
  };

  void Keep(StateId id, PageTable table, std::vector<CellKey> keys, std::string salt);

  // `to` holds what `from` holds. Allocates no page and copies no key. Nothing where there is no `from`.
  void Fork(StateId from, StateId to);

  void Drop(StateId id) { states_.erase(id); }

  // Null where there is none; otherwise it is the one used latest. Valid until the next change.
  const State* Find(StateId id);

  // Gives up the tables of these salts.
  void Forget(const std::function<bool(std::string_view salt)>& drops);

  // Gives up the table that was used least lately, to `take`. False where none has one.
  bool GiveUpOne(const std::function<void(const State& state)>& take);

 private:
  std::unordered_map<StateId, State> states_;
  std::uint64_t clock_ = 0;
};

}  // namespace medinfer
