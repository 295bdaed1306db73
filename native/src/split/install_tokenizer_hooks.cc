#include "split/install_tokenizer_hooks.h"

#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/pacer.h"
#include "split/digit_groups.h"
#include "split/regex_parser.h"
#include "split/regex_splitter.h"
#include "unicode.h"

namespace medinfer {
namespace {

std::unique_ptr<const RegexSplitter> MakeSplitter(const std::u32string& regex) {
  try {
    return std::make_unique<const RegexSplitter>(regex);
  } catch (const UnsupportedRegex& error) {
    throw std::runtime_error(std::string("the vocabulary splits text by a regular expression that is not served: ") +
                             error.what());
  }
}

const RegexSplitter& SplitterOf(const std::u32string& regex) {
  static std::mutex mutex;
  using Splitters = std::map<std::u32string, std::unique_ptr<const RegexSplitter>>;
  // Never destroyed: threads may still tokenise while the process ends.
  static Splitters& splitters = *std::make_unique<Splitters>().release();
  const std::lock_guard lock(mutex);
  std::unique_ptr<const RegexSplitter>& splitter = splitters[regex];
  if (splitter == nullptr) splitter = MakeSplitter(regex);
  return *splitter;
}

std::vector<std::size_t> SplitText(const std::u32string& regex, const std::u32string& text,
                                   const std::vector<std::size_t>& lengths) {
  if (regex == kDigitGroupsRegex) return SplitDigitGroups(text, lengths);
  return SplitterOf(regex).Split(text, lengths);
}

}  // namespace

void InstallTokenizerHooks() {
  unicode_set_regex_splitter(SplitText);
  unicode_set_yield_point(YieldPoint);
}

}  // namespace medinfer
