#include "loading/load_draft.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "base/excerpt.h"
#include "llama.h"
#include "loading/place_model.h"

namespace medinfer {
namespace {

// Vocabularies of one family are padded to different sizes. As in llama.cpp's speculative decoding.
constexpr int kMostPadding = 128;

// What a tokenizer makes of a text has to mean the same to both.
bool SameTokens(const llama_vocab* a, const llama_vocab* b) {
  const int n_a = llama_vocab_n_tokens(a);
  const int n_b = llama_vocab_n_tokens(b);
  if (llama_vocab_type(a) != llama_vocab_type(b) || std::abs(n_a - n_b) > kMostPadding) return false;
  if (llama_vocab_bos(a) != llama_vocab_bos(b) || llama_vocab_eos(a) != llama_vocab_eos(b)) return false;
  for (int token = 0; token < std::min(n_a, n_b); ++token) {
    if (std::strcmp(llama_vocab_get_text(a, token), llama_vocab_get_text(b, token)) != 0) return false;
  }
  return true;
}

}  // namespace

Result<DraftParts> LoadDraft(const LoadOptions& options, const Placement& placement, const Model& target) {
  LoadOptions own = options;
  own.model_path = options.draft_path;
  own.mmproj_path.clear();
  own.mmproj_candidates.clear();
  own.heads = Heads::kOff;
  Placement whole = placement;
  if (!whole.devices.empty()) whole.n_gpu_layers = -1;
  DraftParts parts;
  auto model = Model::Load(own, whole, [](float) { return true; });
  if (!model.ok()) return Status(model.status().code(), "the draft model: " + model.status().message());
  parts.model = std::move(model.value());
  const std::string name = "the draft model " + ExcerptPath(options.draft_path);
  if (!SameTokens(target.vocab(), parts.model->vocab())) {
    return Status(Code::kInvalidArgument, name + " has another vocabulary than the model: name one of the same family");
  }
  parts.pool = std::make_unique<KvPool>(PoolOptions(own));
  // It is never in the middle of a pass for long.
  parts.n_ctx = ContextPerRequest(own, parts.model->Describe().n_ctx_train);
  auto decoder = Decoder::Create(*parts.model, own, parts.n_ctx, *parts.pool, [] { return false; });
  if (!decoder.ok()) return Status(decoder.status().code(), "the draft model: " + decoder.status().message());
  parts.decoder = std::move(decoder.value());
  if (!parts.decoder->paged()) {
    return Status(Code::kInvalidArgument, name +
                                              " keeps a memory of its own (sliding windows, recurrent states), from "
                                              "which a guess that was wrong cannot be taken back: name another");
  }
  return parts;
}

}  // namespace medinfer
