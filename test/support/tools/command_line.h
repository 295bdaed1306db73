// Options of the test tools: "--name value" pairs after the positional words.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace medinfer::tools {

class CommandLine {
 public:
  CommandLine(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
      const std::string word = argv[i];
      if (word.rfind("--", 0) != 0) {
        words_.push_back(word);
      } else if (i + 1 < argc) {
        options_[word.substr(2)] = argv[++i];
      } else {
        throw std::runtime_error(word + " needs a value");
      }
    }
  }

  const std::vector<std::string>& words() const { return words_; }

  std::string Text(const std::string& name, const std::string& fallback) {
    const auto found = options_.find(name);
    if (found == options_.end()) return fallback;
    std::string value = found->second;
    options_.erase(found);
    return value;
  }
  // One of `allowed`; the first where none is given.
  std::string OneOf(const std::string& name, std::initializer_list<std::string> allowed) {
    const std::string value = Text(name, *allowed.begin());
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
      throw std::runtime_error("--" + name + " cannot be " + value);
    }
    return value;
  }
  std::int64_t Int(const std::string& name, std::int64_t fallback) {
    const std::string value = Text(name, "");
    return value.empty() ? fallback : std::stoll(value);
  }
  double Real(const std::string& name, double fallback) {
    const std::string value = Text(name, "");
    return value.empty() ? fallback : std::stod(value);
  }

  // Throws where an option was given that nobody asked for: a mistyped name must not pass in silence.
  void CheckAllUsed() const {
    if (!options_.empty()) throw std::runtime_error("unknown option --" + options_.begin()->first);
  }

 private:
  std::vector<std::string> words_;
  std::map<std::string, std::string> options_;
};

}  // namespace medinfer::tools
