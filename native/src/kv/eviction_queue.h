// Which of many copies goes first where there is no room for all: the one that saves the least work for its size, but
// for what was used lately. Of equal worth, the one used least recently.
//
// A copy's place is its worth above that of the copy that went last, so that what is worth a lot stays long, and not
// for ever: GreedyDual-Size (Cao and Irani, Cost-Aware WWW Proxy Caching Algorithms, USITS 1997). Belongs to its
// owner's thread.
#pragma once

#include <map>

#include "kv/page_copy.h"

namespace medinfer {

class EvictionQueue {
 public:
  using Place = std::multimap<double, PagePath>::iterator;

  // As used now. `worth`: of the work that it saves, per byte.
  Place Enter(const PagePath& path, double worth) { return order_.emplace(gone_ + worth, path); }
  // It is used now. Returns its place from here on.
  Place Use(Place place, double worth);
  void Leave(Place place) { order_.erase(place); }
  // The one that goes first; it has no place any more. REQUIRES: there is one.
  PagePath TakeFirst();

 private:
  std::multimap<double, PagePath> order_;
  double gone_ = 0;  // the place of the one that went last
};

}  // namespace medinfer
