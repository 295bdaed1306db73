// Tokenises with one vocabulary, by llama.cpp as it was released or, built with MEDINFER_OURS, as the addon has it.
//
//   tokenize VOCABULARY [--pre NAME] --random COUNT [--seed N]   hashes of random texts, a line for each 1,000 of them
//   tokenize VOCABULARY [--pre NAME] --file TEXT [--repeat N]    milliseconds for the whole text, as JSON, and a hash
//
// --pre: another pre-tokeniser than the vocabulary's.
#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "command_line.h"
#include "llama.h"
#include "random_text.h"
#include "token_hash.h"
#ifdef MEDINFER_OURS
#include "split/install_tokenizer_hooks.h"
#endif

namespace medinfer::tools {
namespace {

using Clock = std::chrono::steady_clock;

struct Deleter {
  void operator()(llama_model* model) const { llama_model_free(model); }
};

std::unique_ptr<llama_model, Deleter> LoadVocabulary(const std::string& path, const std::string& pre) {
  llama_model_params params = llama_model_default_params();
  params.vocab_only = true;
  llama_model_kv_override overrides[2] = {};
  if (!pre.empty()) {
    overrides[0].tag = LLAMA_KV_OVERRIDE_TYPE_STR;
    std::snprintf(overrides[0].key, sizeof(overrides[0].key), "tokenizer.ggml.pre");
    std::snprintf(overrides[0].val_str, sizeof(overrides[0].val_str), "%s", pre.c_str());
    params.kv_overrides = overrides;
  }
  std::unique_ptr<llama_model, Deleter> model(llama_model_load_from_file(path.c_str(), params));
  if (!model) throw std::runtime_error("cannot load " + path);
  return model;
}

void PrintHashes(const llama_vocab* vocab, std::int64_t count, std::uint32_t seed) {
  constexpr int kBlock = 1000;
  RandomText texts(seed, SpecialTexts(vocab));
  for (std::int64_t done = 0; done < count; done += kBlock) {
    const auto n = static_cast<int>(std::min<std::int64_t>(kBlock, count - done));
    std::printf("%016" PRIx64 "\n", HashOfTexts(vocab, texts, n));
  }
}

void PrintTimes(const llama_vocab* vocab, const std::string& path, std::int64_t repeat) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  const std::string text = content.str();
  if (text.empty()) throw std::runtime_error("no text in " + path);
  std::vector<llama_token> tokens;
  std::printf("{\"ms\":[");
  for (std::int64_t i = 0; i < repeat; ++i) {
    const Clock::time_point start = Clock::now();
    tokens = TokensOf(vocab, text, /*add_special=*/false, /*parse_special=*/false);
    std::printf("%s%.3f", i > 0 ? "," : "", std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  TokenHash hash;
  hash.Add(tokens);
  std::printf("],\"tokens\":%zu,\"hash\":\"%016" PRIx64 "\"}\n", tokens.size(), hash.value());
}

int Run(int argc, char** argv) {
  CommandLine options(argc, argv);
  if (options.words().size() != 1) throw std::runtime_error("usage: tokenize VOCABULARY [--option value]…");
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
#ifdef MEDINFER_OURS
  InstallTokenizerHooks();
#endif
  const auto model = LoadVocabulary(options.words()[0], options.Text("pre", ""));
  const llama_vocab* vocab = llama_model_get_vocab(model.get());
  const std::int64_t random = options.Int("random", 0);
  const auto seed = static_cast<std::uint32_t>(options.Int("seed", 1));
  const std::string file = options.Text("file", "");
  const std::int64_t repeat = options.Int("repeat", 1);
  options.CheckAllUsed();
  if (random > 0) PrintHashes(vocab, random, seed);
  if (!file.empty()) PrintTimes(vocab, file, repeat);
  return 0;
}

}  // namespace
}  // namespace medinfer::tools

int main(int argc, char** argv) {
  try {
    return medinfer::tools::Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tokenize: %s\n", error.what());
    return 1;
  }
}
