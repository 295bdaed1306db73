// The adapters that requests may use, by id. Any thread.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "adapters/adapter_set.h"
#include "medinfer/adapter.h"
#include "medinfer/mutex.h"
#include "medinfer/status.h"

namespace medinfer {

class AdapterTable {
 public:
  void Add(AdapterId id, std::shared_ptr<const Adapter> adapter);
  // Null where there is none. Requests that use it go on.
  std::shared_ptr<const Adapter> Remove(AdapterId id);

  void Clear();

  // Fails with kInvalidArgument where one is not there.
  Result<AdapterSet> Resolve(const std::vector<AdapterUse>& uses) const;

 private:
  mutable Mutex mutex_;
  std::unordered_map<AdapterId, std::shared_ptr<const Adapter>> adapters_ MEDINFER_GUARDED_BY(mutex_);
};

}  // namespace medinfer
