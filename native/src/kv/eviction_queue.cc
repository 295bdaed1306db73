#include "kv/eviction_queue.h"

namespace medinfer {

EvictionQueue::Place EvictionQueue::Use(Place place, double worth) {
  const PagePath path = place->second;
  order_.erase(place);
  return Enter(path, worth);  // behind its equals
}

PagePath EvictionQueue::TakeFirst() {
  const auto first = order_.begin();
  gone_ = first->first;
  const PagePath path = first->second;
  order_.erase(first);
  return path;
}

}  // namespace medinfer
