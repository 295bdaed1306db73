#include "support/plain_heads.h"

#include <llama-ext.h>

#include <algorithm>
#include <stdexcept>

#include "medinfer/backends.h"
#include "support/places.h"

namespace medinfer::testing {
namespace {

// Reads tokens of one sequence from `first` on, with logits of the last; `hidden`: empty, or a row for each.
void Decode(llama_context* context, std::vector<llama_token> tokens, std::vector<float> hidden, llama_pos first) {
  llama_batch batch = llama_batch_init(static_cast<std::int32_t>(tokens.size()), 0, 1);
  batch.n_tokens = static_cast<std::int32_t>(tokens.size());
  for (std::int32_t i = 0; i < batch.n_tokens; ++i) {
    batch.pos[i] = first + i;
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = 0;
    batch.logits[i] = i + 1 == batch.n_tokens ? 1 : 0;
  }
  llama_token* const own = batch.token;
  batch.token = tokens.data();
  if (!hidden.empty()) batch.embd = hidden.data();
  const std::int32_t rc = llama_decode(context, batch);
  batch.token = own;
  batch.embd = nullptr;
  llama_batch_free(batch);
  if (rc != 0) throw std::runtime_error("llama_decode failed");
}

}  // namespace

PlainHeads::PlainHeads(const std::string& model) {
  const Status backends = InitBackends(places::kBackends);
  if (!backends.ok()) throw std::runtime_error(backends.message());
  llama_model_params params = llama_model_default_params();
  ggml_backend_dev_t none = nullptr;  // no device beside the CPU
  params.devices = &none;
  params.load_mtp = true;
  model_.reset(llama_model_load_from_file(model.c_str(), params));
  if (model_ == nullptr) throw std::runtime_error("no model");
}

PlainHeads::Context PlainHeads::Make(llama_context_type type, std::size_t cells) const {
  llama_context_params params = llama_context_default_params();
  params.ctx_type = type;
  params.n_ctx = static_cast<std::uint32_t>(cells);
  params.n_batch = params.n_ctx;
  params.type_k = GGML_TYPE_F32;
  params.type_v = GGML_TYPE_F32;
  params.n_threads = 1;
  params.n_threads_batch = 1;
  Context context(llama_init_from_model(model_.get(), params));
  if (context == nullptr) throw std::runtime_error("no context");
  llama_set_embeddings_nextn(context.get(), true, /*masked=*/false);
  return context;
}

std::vector<std::int32_t> PlainHeads::Guess(const std::vector<std::int32_t>& text, std::size_t n) const {
  const auto width = static_cast<std::size_t>(llama_model_n_embd_out(model_.get()));
  const std::int32_t n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(model_.get()));
  const Context model = Make(LLAMA_CONTEXT_TYPE_DEFAULT, text.size());
  const Context head = Make(LLAMA_CONTEXT_TYPE_MTP, text.size() + n);
  // Each token stands beside what the model made of the one before it, and the first beside zeros.
  std::vector<float> hidden(width, 0);
  if (text.size() > 1) {
    Decode(model.get(), {text.begin(), text.end() - 1}, {}, 0);
    const float* rows = llama_get_embeddings_nextn(model.get());
    hidden.insert(hidden.end(), rows, rows + (text.size() - 1) * width);
  }
  std::vector<std::int32_t> read = text;
  std::vector<std::int32_t> guessed;
  llama_pos position = 0;
  while (guessed.size() < n) {
    Decode(head.get(), read, hidden, position);
    position += static_cast<llama_pos>(read.size());
    const auto last = static_cast<std::int32_t>(read.size()) - 1;
    const float* logits = llama_get_logits_ith(head.get(), last);
    guessed.push_back(static_cast<std::int32_t>(std::max_element(logits, logits + n_vocab) - logits));
    const float* row = llama_get_embeddings_nextn_ith(head.get(), last);
    read = {guessed.back()};
    hidden.assign(row, row + width);
  }
  return guessed;
}

}  // namespace medinfer::testing
