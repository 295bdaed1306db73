#include "engine/adapter_table.h"

#include <utility>

namespace medinfer {

void AdapterTable::Add(AdapterId id, std::shared_ptr<const Adapter> adapter) {
  const MutexLock lock(mutex_);
  adapters_.emplace(id, std::move(adapter));
}

std::shared_ptr<const Adapter> AdapterTable::Remove(AdapterId id) {
  const MutexLock lock(mutex_);
  const auto found = adapters_.find(id);
  if (found == adapters_.end()) return nullptr;
  std::shared_ptr<const Adapter> adapter = std::move(found->second);
  adapters_.erase(found);
  return adapter;
}

void AdapterTable::Clear() {
  const MutexLock lock(mutex_);
  adapters_.clear();
}

Result<AdapterSet> AdapterTable::Resolve(const std::vector<AdapterUse>& uses) const {
  AdapterSet set;
  const MutexLock lock(mutex_);
  for (const AdapterUse& use : uses) {
    const auto found = adapters_.find(use.adapter);
    if (found == adapters_.end()) {
      return Status(Code::kInvalidArgument, "an adapter of the request is not loaded: load it, or leave it out");
    }
    set.Add(found->second, use.scale);
  }
  return set;
}

}  // namespace medinfer
