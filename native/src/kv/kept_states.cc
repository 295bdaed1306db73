#include "kv/kept_states.h"

#include <utility>

namespace medinfer {

void KeptStates::Keep(StateId id, PageTable table, std::vector<CellKey> keys, std::string salt) {
  auto shared = std::make_shared<const std::vector<CellKey>>(std::move(keys));
  states_.insert_or_assign(id, State{std::move(table), std::move(shared), std::move(salt), ++clock_});
}

void KeptStates::Fork(StateId from, StateId to) {
  const State* state = Find(from);
  if (state == nullptr) return;
  State fork{state->table.Fork(), state->keys, state->salt, ++clock_};
  states_.insert_or_assign(to, std::move(fork));
}

const KeptStates::State* KeptStates::Find(StateId id) {
  const auto found = states_.find(id);
  if (found == states_.end()) return nullptr;
  found->second.used = ++clock_;
  return &found->second;
}

void KeptStates::Forget(const std::function<bool(std::string_view salt)>& drops) {
  for (auto& [id, state] : states_) {
    if (drops(state.salt)) state.table.Clear();
  }
}

bool KeptStates::GiveUpOne(const std::function<void(const State& state)>& take) {
  State* oldest = nullptr;
  for (auto& [id, state] : states_) {
    if (!state.table.empty() && (oldest == nullptr || state.used < oldest->used)) oldest = &state;
  }
  if (oldest == nullptr) return false;
  take(*oldest);
  oldest->table.Clear();
  return true;
}

}  // namespace medinfer
