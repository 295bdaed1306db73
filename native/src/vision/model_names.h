// Whose file a GGUF is: what it and its metadata are called, as words that can be compared.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace medinfer {

// Words and numbers of a name in lower case, without those that name no model: "Qwen2.5-VL-7B-Instruct-Q4_K_M" is
// {"qwen2", "5", "vl", "7b"}. Empty: the name says nothing.
using NameWords = std::set<std::string>;
NameWords WordsOf(std::string_view name);

struct ModelNames {
  NameWords own;                 // general.name, or else general.basename
  std::vector<NameWords> bases;  // the models that it was made from: general.base_model.*
  NameWords file;                // the file's own name
};

// `metadata` gives the string under a key; empty: there is none.
ModelNames ReadModelNames(const std::string& path, const std::function<std::string(const std::string&)>& metadata);

// By what a projector is a model's own, the surest last.
enum class Kinship : std::uint8_t {
  kStranger,  // their names differ
  kUnnamed,   // one of them has no name
  kBase,      // the model was made from the one that the projector names
  kFile,      // their files are called alike
  kName,      // their metadata name the same model
};
Kinship Compare(const ModelNames& projector, const ModelNames& model);

}  // namespace medinfer
