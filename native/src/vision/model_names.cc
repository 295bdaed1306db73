#include "vision/model_names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

namespace medinfer {
namespace {

constexpr std::size_t kMostBases = 8;

// Of the file, its weights' precision, or how the model was trained to answer.
constexpr std::array<std::string_view, 36> kNoNames = {
    "mmproj", "model", "models", "projector", "gguf", "ggml", "text", "f16",      "f32", "bf16", "fp16", "fp32",
    "fp8",    "int4",  "int8",   "mxfp4",     "ud",   "imat", "i1",   "instruct", "it",  "chat", "hf",   "pt",
    "base",   "of",    "the",    "for",       "llm",  "lm",   "auto", "unsloth",  "k",   "m",    "s",    "awq"};

// A projector file is often called after its encoder, which many models share.
constexpr std::array<std::string_view, 7> kEncoders = {"clip",      "siglip", "siglip2", "vit",
                                                       "internvit", "eva02",  "radio"};
// What is left of "mmproj-vision-encoder.gguf" names no model either.
constexpr std::array<std::string_view, 4> kParts = {"vision", "visual", "image", "encoder"};

template <std::size_t N>
bool Has(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool IsQuantisation(std::string_view word) {  // q4, iq2, tq1
  const std::size_t q = word.find('q');
  return q <= 1 && word.size() == q + 2 && (q == 0 || word[0] == 'i' || word[0] == 't') &&
         std::isdigit(static_cast<unsigned char>(word.back())) != 0;
}

std::vector<std::string> Split(std::string_view name) {
  std::vector<std::string> words;
  bool inside = false;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    // Bytes of other scripts are letters.
    if (byte < 0x80 && std::isalnum(byte) == 0) {
      inside = false;
      continue;
    }
    if (!inside) words.emplace_back();
    inside = true;
    words.back() += static_cast<char>(byte < 0x80 ? std::tolower(byte) : byte);
  }
  return words;
}

// "-00001-of-00003" at the end of a part's name.
std::string_view WithoutPart(std::string_view name) {
  constexpr std::size_t kLength = 15;
  if (name.size() <= kLength) return name;
  const std::string_view end = name.substr(name.size() - kLength);
  return end[0] == '-' && end.substr(6, 4) == "-of-" ? name.substr(0, name.size() - kLength) : name;
}

bool Within(const NameWords& words, const NameWords& others) {
  return std::includes(others.begin(), others.end(), words.begin(), words.end());
}

}  // namespace

NameWords WordsOf(std::string_view name) {
  // "openai/clip-vit-large": the maker's name says nothing of the model.
  name = name.substr(name.find_last_of('/') + 1);
  NameWords words;
  bool quantised = false;
  for (const std::string& word : Split(name)) {
    // What follows Q4 in Q4_K_M and Q8_0.
    const bool suffix = quantised && (word == "0" || word == "1" || word == "l" || word == "xs" || word == "xxs" ||
                                      word == "xl" || word == "nl" || word == "k" || word == "m" || word == "s");
    if (suffix) continue;
    quantised = IsQuantisation(word);
    if (quantised || Has(kNoNames, word)) continue;
    const bool version = word.size() > 1 && word[0] == 'v' && std::isdigit(static_cast<unsigned char>(word[1])) != 0;
    words.insert(version ? word.substr(1) : word);  // "v1.5" is "1.5"
  }
  const bool of_encoder =
      std::any_of(words.begin(), words.end(), [](const auto& word) { return Has(kEncoders, word); });
  const bool of_part = std::all_of(words.begin(), words.end(), [](const auto& word) { return Has(kParts, word); });
  return of_encoder || of_part ? NameWords() : words;
}

ModelNames ReadModelNames(const std::string& path, const std::function<std::string(const std::string&)>& metadata) {
  ModelNames names;
  names.own = WordsOf(metadata("general.name"));
  if (names.own.empty()) names.own = WordsOf(metadata("general.basename"));
  for (std::size_t i = 0; i < kMostBases; ++i) {
    const std::string key = "general.base_model." + std::to_string(i);
    for (const char* part : {".name", ".repo_url"}) {
      NameWords base = WordsOf(metadata(key + part));
      if (!base.empty()) names.bases.push_back(std::move(base));
    }
  }
  names.file = WordsOf(WithoutPart(std::filesystem::path(path).stem().string()));
  return names;
}

Kinship Compare(const ModelNames& projector, const ModelNames& model) {
  // The projector's words have to stand in the model's name: one of more words is a model made from it, and one of
  // fewer is another, as Llama 3 is beside "LLaVA Llama 3".
  const NameWords& claimed = projector.own.empty() ? projector.file : projector.own;
  const bool named = !model.own.empty() || !model.file.empty() || !model.bases.empty();
  if (claimed.empty() || !named) return Kinship::kUnnamed;
  const auto in = [&](const NameWords& name) { return !name.empty() && Within(claimed, name); };
  if (!projector.own.empty() && in(model.own)) return Kinship::kName;
  if (in(model.own) || in(model.file)) return Kinship::kFile;
  return std::any_of(model.bases.begin(), model.bases.end(), in) ? Kinship::kBase : Kinship::kStranger;
}

}  // namespace medinfer
