// The reference of embeddings: one text at a time, in a pass of its own, with llama.cpp's own tokenizer and framing,
// and none of our code. It reads a text per line and answers each with one line of JSON.
//
//   plain_embed MODEL [--pooling mean|cls|last|rank] [--threads N]
//
// A text is text=… or, for a reranker, query=… text=…, percent-encoded. The answer: its tokens and its row, not
// normalised. On start a line tells that it is ready.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "command_line.h"
#include "ggml-backend.h"
#include "llama.h"

namespace medinfer::tools {
namespace {

struct Deleter {
  void operator()(llama_model* model) const { llama_model_free(model); }
  void operator()(llama_context* context) const { llama_free(context); }
};
template <typename T>
using Owned = std::unique_ptr<T, Deleter>;

using Tokens = std::vector<llama_token>;

std::string Decoded(const std::string& text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
    } else {
      decoded += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    }
  }
  return decoded;
}

Tokens Tokenize(const llama_vocab* vocab, const std::string& text, bool add_special, bool parse_special) {
  Tokens tokens(text.size() + 16);
  const auto size = static_cast<std::int32_t>(text.size());
  const std::int32_t n = llama_tokenize(vocab, text.data(), size, tokens.data(),
                                        static_cast<std::int32_t>(tokens.size()), add_special, parse_special);
  if (n < 0) throw std::runtime_error("too many tokens");
  tokens.resize(static_cast<std::size_t>(n));
  return tokens;
}

void Replace(std::string& text, const std::string& place, const std::string& with) {
  for (std::size_t at = text.find(place); at != std::string::npos; at = text.find(place, at + with.size())) {
    text.replace(at, place.size(), with);
  }
}

// As llama-server writes a query and a document.
Tokens TokenizePair(const llama_model* model, const std::string& query, const std::string& document) {
  const llama_vocab* vocab = llama_model_get_vocab(model);
  if (const char* form = llama_model_chat_template(model, "rerank")) {
    std::string prompt = form;
    Replace(prompt, "{query}", query);
    Replace(prompt, "{document}", document);
    return Tokenize(vocab, prompt, false, true);
  }
  const llama_token eos = llama_vocab_eos(vocab) != LLAMA_TOKEN_NULL ? llama_vocab_eos(vocab) : llama_vocab_sep(vocab);
  Tokens tokens;
  const auto append = [&](const std::string& text) {
    const Tokens more = Tokenize(vocab, text, false, false);
    tokens.insert(tokens.end(), more.begin(), more.end());
  };
  if (llama_vocab_get_add_bos(vocab)) tokens.push_back(llama_vocab_bos(vocab));
  append(query);
  if (llama_vocab_get_add_eos(vocab)) tokens.push_back(eos);
  if (llama_vocab_get_add_sep(vocab)) tokens.push_back(llama_vocab_sep(vocab));
  append(document);
  if (llama_vocab_get_add_eos(vocab)) tokens.push_back(eos);
  return tokens;
}

std::vector<float> Embed(llama_context* context, const Tokens& tokens) {
  llama_memory_clear(llama_get_memory(context), true);
  const auto n = static_cast<std::int32_t>(tokens.size());
  llama_batch batch = llama_batch_init(n, 0, 1);
  batch.n_tokens = n;
  for (std::int32_t i = 0; i < n; ++i) {
    batch.token[i] = tokens[static_cast<std::size_t>(i)];
    batch.pos[i] = i;
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = 0;
    batch.logits[i] = 1;
  }
  const std::int32_t rc = llama_decode(context, batch);
  llama_batch_free(batch);
  if (rc != 0) throw std::runtime_error("llama_decode failed");
  const llama_model* model = llama_get_model(context);
  const bool ranks = llama_pooling_type(context) == LLAMA_POOLING_TYPE_RANK;
  const auto width = static_cast<std::size_t>(ranks ? llama_model_n_cls_out(model)
                                                    : static_cast<std::uint32_t>(llama_model_n_embd_out(model)));
  const float* row = llama_get_embeddings_seq(context, 0);
  return {row, row + width};
}

int Run(int argc, char** argv) {
  CommandLine options(argc, argv);
  if (options.words().size() != 1) throw std::runtime_error("usage: plain_embed MODEL [--option value]…");
  const std::string pooling = options.Text("pooling", "");
  const auto threads = static_cast<std::int32_t>(options.Int("threads", 1));
  options.CheckAllUsed();
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  ggml_backend_load_all_from_path(MEDINFER_BACKEND_DIR);
  llama_model_params model_params = llama_model_default_params();
  model_params.n_gpu_layers = 0;
  const Owned<llama_model> model(llama_model_load_from_file(options.words()[0].c_str(), model_params));
  if (!model) throw std::runtime_error("the model cannot be loaded");
  llama_context_params params = llama_context_default_params();
  params.n_ctx = static_cast<std::uint32_t>(llama_model_n_ctx_train(model.get()));
  params.n_batch = params.n_ctx;
  params.n_ubatch = params.n_ctx;
  params.n_seq_max = 1;
  params.embeddings = true;
  params.n_threads = threads;
  params.n_threads_batch = threads;
  params.type_k = GGML_TYPE_F32;
  params.type_v = GGML_TYPE_F32;
  if (pooling == "mean") params.pooling_type = LLAMA_POOLING_TYPE_MEAN;
  if (pooling == "cls") params.pooling_type = LLAMA_POOLING_TYPE_CLS;
  if (pooling == "last") params.pooling_type = LLAMA_POOLING_TYPE_LAST;
  if (pooling == "rank") params.pooling_type = LLAMA_POOLING_TYPE_RANK;
  const Owned<llama_context> context(llama_init_from_model(model.get(), params));
  if (!context) throw std::runtime_error("no context");
  std::printf("{}\n");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    std::optional<std::string> query;
    std::string text;
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      if (word.rfind("query=", 0) == 0) query = Decoded(word.substr(6));
      if (word.rfind("text=", 0) == 0) text = Decoded(word.substr(5));
    }
    const Tokens tokens = query ? TokenizePair(model.get(), *query, text)
                                : Tokenize(llama_model_get_vocab(model.get()), text, true, false);
    std::printf("{\"tokens\":%zu,\"row\":[", tokens.size());
    const char* comma = "";
    for (const float value : Embed(context.get(), tokens)) {
      std::printf("%s%.9g", comma, static_cast<double>(value));
      comma = ",";
    }
    std::printf("]}\n");
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace medinfer::tools

int main(int argc, char** argv) {
  try {
    return medinfer::tools::Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "plain_embed: %s\n", error.what());
    return 1;
  }
}
