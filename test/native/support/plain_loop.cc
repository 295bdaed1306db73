#include "support/plain_loop.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <variant>

namespace medinfer::testing {
namespace {

// A batch of one sequence, of tokens or embeddings, with logits of its last token.
class Batch {
 public:
  Batch(std::int32_t n, std::int32_t width, llama_pos first) : batch_(llama_batch_init(n, width, 1)) {
    batch_.n_tokens = n;
    for (std::int32_t i = 0; i < n; ++i) {
      batch_.pos[i] = first + i;
      batch_.n_seq_id[i] = 1;
      batch_.seq_id[i][0] = 0;
      batch_.logits[i] = i + 1 == n ? 1 : 0;
    }
  }
  ~Batch() { llama_batch_free(batch_); }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  llama_batch& get() { return batch_; }

 private:
  llama_batch batch_;
};

void Decode(llama_context* context, const llama_batch& batch) {
  if (llama_decode(context, batch) != 0) throw std::runtime_error("llama_decode failed");
}

// Return the next position.
llama_pos ReadText(llama_context* context, const TextChunk& tokens, llama_pos first) {
  const auto n = static_cast<std::int32_t>(tokens.size());
  Batch batch(n, 0, first);
  std::copy(tokens.begin(), tokens.end(), batch.get().token);
  Decode(context, batch.get());
  return first + n;
}

llama_pos ReadMedia(llama_context* context, const MediaChunk& media, llama_pos first) {
  const auto n = static_cast<std::int32_t>(media.n_tokens);
  Batch batch(n, static_cast<std::int32_t>(media.embedding->size()) / n, first);
  std::copy(media.embedding->begin(), media.embedding->end(), batch.get().embd);
  Decode(context, batch.get());
  return first + n;
}

std::int32_t Likeliest(const llama_vocab* vocab, const float* logits) {
  std::int32_t best = -1;
  for (std::int32_t token = 0; token < llama_vocab_n_tokens(vocab); ++token) {
    if (llama_vocab_is_eog(vocab, token)) continue;
    if (best < 0 || logits[token] > logits[best]) best = token;
  }
  return best;
}

}  // namespace

PlainLoop::PlainLoop(const std::string& model) : model_(LoadTextModel(model)) {}

PlainLoop::Context PlainLoop::Read(const PreparedPrompt& prompt, std::size_t n, llama_pos& position) const {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = prompt.n_tokens + static_cast<std::uint32_t>(n);
  params.n_batch = params.n_ctx;
  params.type_k = GGML_TYPE_F32;
  params.type_v = GGML_TYPE_F32;
  params.n_threads = 1;
  params.n_threads_batch = 1;
  Context context(llama_init_from_model(model_.get(), params));
  if (context == nullptr) throw std::runtime_error("no context");
  position = 0;
  for (const PromptChunk& chunk : prompt.chunks) {
    const auto* text = std::get_if<TextChunk>(&chunk);
    position = text != nullptr ? ReadText(context.get(), *text, position)
                               : ReadMedia(context.get(), std::get<MediaChunk>(chunk), position);
  }
  return context;
}

std::vector<std::int32_t> PlainLoop::Greedy(const PreparedPrompt& prompt, int n) const {
  llama_pos position = 0;
  const Context context = Read(prompt, static_cast<std::size_t>(n), position);
  std::vector<std::int32_t> drawn;
  while (drawn.size() < static_cast<std::size_t>(n)) {
    const float* logits = llama_get_logits_ith(context.get(), -1);
    drawn.push_back(Likeliest(llama_model_get_vocab(model_.get()), logits));
    position = ReadText(context.get(), {drawn.back()}, position);
  }
  return drawn;
}

std::vector<double> PlainLoop::Logprobs(const PreparedPrompt& prompt, const std::vector<std::int32_t>& tokens) const {
  llama_pos position = 0;
  const Context context = Read(prompt, tokens.size(), position);
  const std::int32_t n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(model_.get()));
  std::vector<double> logprobs;
  for (const std::int32_t token : tokens) {
    const float* logits = llama_get_logits_ith(context.get(), -1);
    double sum = 0;
    for (std::int32_t i = 0; i < n_vocab; ++i) sum += std::exp(static_cast<double>(logits[i]) - logits[0]);
    logprobs.push_back(static_cast<double>(logits[token]) - logits[0] - std::log(sum));
    position = ReadText(context.get(), {token}, position);
  }
  return logprobs;
}

}  // namespace medinfer::testing
