#include "speculation/answer_memory.h"

namespace medinfer {

NextTokens& AnswerMemory::Of(const std::string& key) {
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    return entries_.front().answers;
  }
  if (entries_.size() == kGrammars) {
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
  entries_.push_front({.key = key});
  by_key_.emplace(entries_.front().key, entries_.begin());
  return entries_.front().answers;
}

}  // namespace medinfer
