// The tokens of every vocabulary that llama.cpp ships: those of its own cases, those that its release makes of random
// texts, and those of any text in time and without recursion.
#include <gtest/gtest.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/pacer.h"
#include "llama.h"
#include "medinfer/backends.h"
#include "support/places.h"
#include "support/small_stack.h"
#include "tools/random_text.h"
#include "tools/token_hash.h"

namespace medinfer {
namespace {

using tools::TokensOf;

struct Deleter {
  void operator()(llama_model* model) const { llama_model_free(model); }
};
using ModelPtr = std::unique_ptr<llama_model, Deleter>;

const std::filesystem::path kVocabularies = places::kLlamaModels;

// Installs RegexSplitter on the way.
void InstallAll() { ASSERT_TRUE(InitBackends(places::kBackends).ok()); }

// `pre`: another pre-tokeniser than the file's, or empty.
ModelPtr LoadVocabulary(const std::string& name, const std::string& pre = "") {
  llama_model_params params = llama_model_default_params();
  params.vocab_only = true;
  llama_model_kv_override overrides[2] = {};
  if (!pre.empty()) {
    overrides[0].tag = LLAMA_KV_OVERRIDE_TYPE_STR;
    std::snprintf(overrides[0].key, sizeof(overrides[0].key), "tokenizer.ggml.pre");
    std::snprintf(overrides[0].val_str, sizeof(overrides[0].val_str), "%s", pre.c_str());
    params.kv_overrides = overrides;
  }
  return ModelPtr(llama_model_load_from_file((kVocabularies / ("ggml-vocab-" + name + ".gguf")).c_str(), params));
}

// That this thread has computed: a busy machine is no slow tokeniser.
double CpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::vector<std::string> VocabularyNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kVocabularies)) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() == ".gguf" && stem.starts_with("ggml-vocab-")) names.push_back(stem.substr(11));
  }
  std::ranges::sort(names);
  return names;
}

std::string Read(const std::filesystem::path& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

class Vocabulary : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    InstallAll();
    model_ = LoadVocabulary(GetParam());
    ASSERT_NE(model_, nullptr);
    vocab_ = llama_model_get_vocab(model_.get());
  }

  ModelPtr model_;
  const llama_vocab* vocab_ = nullptr;
};

// Texts divided by a line, and their tokens on a line each.
TEST_P(Vocabulary, GivesTheTokensOfLlamaCppsCases) {
  const std::string input = Read(kVocabularies / ("ggml-vocab-" + GetParam() + ".gguf.inp"));
  if (input.empty()) GTEST_SKIP() << "it ships no cases";
  std::istringstream output(Read(kVocabularies / ("ggml-vocab-" + GetParam() + ".gguf.out")));
  const std::string border = "\n__ggml_vocab_test__\n";
  std::size_t begin = 0;
  int cases = 0;
  for (std::string line; std::getline(output, line); ++cases) {
    const std::size_t end = std::min(input.find(border, begin), input.size());  // Gemma's has none at the end
    std::istringstream numbers(line);
    const std::vector<llama_token> expected{std::istream_iterator<llama_token>(numbers), {}};
    const std::string text = input.substr(begin, end - begin);
    EXPECT_EQ(TokensOf(vocab_, text, /*add_special=*/false, /*parse_special=*/false), expected) << text;
    begin = std::min(end + border.size(), input.size());
  }
  EXPECT_EQ(begin, input.size());
  EXPECT_GT(cases, 40);
}

TEST_P(Vocabulary, TakesTextOfAnyShapeInTime) {
  constexpr std::size_t kBytes = 1'000'000;
  constexpr double kLimit = 2;  // seconds
  double slowest = 0;
  const std::map<std::string, std::string> shapes = {
      {"one word", "a"},
      {"words without end", "abcdefgh"},
      {"capitals", "ABC"},
      {"blanks", " "},
      {"line ends", "\n"},
      {"line ends of Windows", "\r\n"},
      {"blanks and a word at the end", "  "},
      {"digits", "7"},
      {"points", "."},
      {"signs", "$+<=>"},
      {"brackets", "<"},
      {"apostrophes", "'s"},
      {"CJK", "药"},
      {"different CJK", "患者每日服用阿司匹林两次"},
      {"marks", "\u0301"},
      {"marked letters", "e\u0301"},
      {"alternating", "a1"},
      {"words and blanks", "a "},
      {"blanks before signs", " ."},
      {"escaped blanks", "▁"},
      {"emoji", "👩‍⚕️"},
      {"nothing", std::string(1, '\0')},
      {"no UTF-8", "\xFF"},
      {"half characters", "\xE2\x82"},
  };
  testing::RunWithSmallStack([&] {
    const auto expect_quick = [&](const std::string& shape, const std::string& text, bool parse_special) {
      const double start = CpuSeconds();
      TokensOf(vocab_, text, /*add_special=*/false, parse_special);
      const double took = CpuSeconds() - start;
      EXPECT_LT(took, kLimit) << shape;
      if (took > slowest) {
        slowest = took;
        RecordProperty("slowest", shape + ": " + std::to_string(took) + " s");
      }
    };
    const auto repeat = [](const std::string& piece) {
      std::string text;
      while (text.size() + piece.size() <= kBytes) text += piece;
      return text;
    };
    for (const auto& [shape, piece] : shapes) {
      expect_quick(shape, repeat(piece) + (shape.ends_with("end") ? "x" : ""), false);
    }
    std::string all;
    for (const std::string& special : tools::SpecialTexts(vocab_)) {
      if (all.empty()) expect_quick("of " + special, repeat(special), true);
      all += special;
    }
    if (!all.empty()) {
      expect_quick("special tokens", repeat(all), true);
      expect_quick("special tokens as text", repeat(all), false);
      expect_quick("beginnings of special tokens", repeat(all.substr(0, 2)), true);
    }
  });
}

// As often as a thread that gives way needs them, whether text is cut into words or not.
TEST_P(Vocabulary, PassesYieldPointsInAnyText) {
  constexpr std::size_t kBytes = 100'000;
  constexpr std::size_t kBytesPerPoint = 256;
  constexpr std::size_t kPointsPerReading = 16;
  for (const std::string piece : {"the patient reports pain, worse at night. ", "abcdefgh", "患者", " ", "7"}) {
    std::string text;
    while (text.size() < kBytes) text += piece;
    std::size_t readings = 0;
    Pacer::Time now{};
    Pacer pacer([&] { return now += Pacer::kPiece; }, [&](Pacer::Duration) { ++readings; });
    pacer.SetPressing(true);
    const Pacer::Scope scope(&pacer);
    TokensOf(vocab_, text, /*add_special=*/false, /*parse_special=*/false);
    EXPECT_GE(readings, kBytes / kBytesPerPoint / kPointsPerReading) << piece;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Vocabulary, ::testing::ValuesIn(VocabularyNames()), [](const auto& param) {
  std::string name = param.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

struct StoredHashes {
  std::string vocabulary;
  std::string pre;                  // "-": the file's own
  std::vector<std::string> hashes;  // of 1,000 texts each
};

std::vector<StoredHashes> ReadStoredHashes() {
  std::istringstream lines(Read(std::filesystem::path(places::kSources) / "test/native/stored/token-hashes.txt"));
  std::vector<StoredHashes> stored;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    StoredHashes entry;
    words >> entry.vocabulary >> entry.pre;
    for (std::string hash; words >> hash;) entry.hashes.push_back(hash);
    stored.push_back(entry);
  }
  return stored;
}

class RandomTexts : public ::testing::TestWithParam<StoredHashes> {};

TEST_P(RandomTexts, GiveTheTokensOfTheRelease) {
  InstallAll();
  const StoredHashes& stored = GetParam();
  const ModelPtr model = LoadVocabulary(stored.vocabulary, stored.pre == "-" ? "" : stored.pre);
  ASSERT_NE(model, nullptr);
  const llama_vocab* vocab = llama_model_get_vocab(model.get());
  tools::RandomText texts(1, tools::SpecialTexts(vocab));
  std::vector<std::string> hashes;
  while (hashes.size() < stored.hashes.size()) {
    char hash[17] = {};
    std::snprintf(hash, sizeof(hash), "%016" PRIx64, tools::HashOfTexts(vocab, texts, 1000));
    hashes.emplace_back(hash);
  }
  EXPECT_EQ(hashes, stored.hashes);
}

INSTANTIATE_TEST_SUITE_P(Stored, RandomTexts, ::testing::ValuesIn(ReadStoredHashes()), [](const auto& param) {
  std::string name = param.param.vocabulary + (param.param.pre == "-" ? "" : "_as_" + param.param.pre);
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
});

}  // namespace
}  // namespace medinfer
