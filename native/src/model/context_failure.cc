#include "model/context_failure.h"

#include <array>
#include <string_view>

#include "ggml.h"
#include "llama-model.h"

namespace medinfer {
namespace {

// A part of what llama.cpp logs, and what it means. The first that is found counts.
struct Known {
  std::string_view logged;
  Code code;
  std::string_view meaning;
  std::string_view advice;
};

constexpr std::array<Known, 13> kKnown = {{
    {"buffer for kv cache", Code::kOutOfMemory, "the KV pool does not fit", "lower nCtx, or choose a smaller kv.type"},
    {"context for kv cache", Code::kOutOfMemory, "the KV pool does not fit", "lower nCtx, or choose a smaller kv.type"},
    {"buffer for rs cache", Code::kOutOfMemory, "the requests' recurrent states do not fit", "lower batchSize"},
    {"context for rs cache", Code::kOutOfMemory, "the requests' recurrent states do not fit", "lower batchSize"},
    {"compressor state", Code::kOutOfMemory, "the requests' states do not fit", "lower nCtx or batchSize"},
    {"initial output buffer", Code::kOutOfMemory, "the logits do not fit", "lower batchSize"},
    {"compute pp buffers", Code::kOutOfMemory, "the buffers of a forward pass do not fit", "lower nUbatch"},
    {"compute tg buffers", Code::kOutOfMemory, "the buffers of a forward pass do not fit", "lower batchSize"},
    {"std::bad_alloc", Code::kOutOfMemory, "the context does not fit", "lower nCtx, nUbatch or batchSize"},
    {"ctx_other to be set", Code::kBadGguf, "the model is a draft of another one and does not speak by itself",
     "load the model that it belongs to"},
    {"SPLIT_MODE_TENSOR requires flash_attn", Code::kInvalidArgument,
     "splitMode \"tensor\" needs flash attention, which this model's architecture has not", "use \"layer\""},
    {"quantized V cache", Code::kInvalidArgument,
     "a quantised KV cache needs flash attention, which this model's architecture has not", "choose kv.type \"f16\""},
    {"the context: failed to initialize ", Code::kBackendLost, "a device does not start",
     "see whether others work with it, or choose device \"cpu\""},
}};

}  // namespace

Status CheckContextOptions(const llama_model& model, const LoadOptions& options) {
  const bool q8_0 = options.kv_type == KvType::kQ8_0;
  if (!q8_0 && options.kv_type != KvType::kQ4_0) return {};
  const std::string type = std::string("kv.type \"") + (q8_0 ? "q8_0" : "q4_0") + "\"";
  if (model.arch == LLM_ARCH_GROK) {
    return {Code::kInvalidArgument,
            type + " needs flash attention, which this model's architecture has not: choose \"f16\""};
  }
  const auto block = static_cast<std::uint32_t>(ggml_blck_size(q8_0 ? GGML_TYPE_Q8_0 : GGML_TYPE_Q4_0));
  for (std::uint32_t layer = 0; layer < model.hparams.n_layer(); ++layer) {
    for (const std::uint32_t size : {model.hparams.n_embd_head_k(layer), model.hparams.n_embd_head_v(layer)}) {
      if (size % block == 0) continue;
      return {Code::kInvalidArgument, type + " packs " + std::to_string(block) +
                                          " values of a head at a time, and this model's heads have " +
                                          std::to_string(size) + ": choose \"f16\""};
    }
  }
  return {};
}

Status ContextFailure(std::string_view logged, const std::string& excerpt, std::uint32_t cells) {
  for (const Known& known : kKnown) {
    if (logged.find(known.logged) == std::string_view::npos) continue;
    return {known.code, std::string(known.meaning) + " with a pool of " + std::to_string(cells) + " tokens (" +
                            excerpt + "): " + std::string(known.advice)};
  }
  return {Code::kBadGguf, "llama.cpp makes no context for the model (" + excerpt +
                              "): check that it is a text model that llama.cpp supports, or download it again"};
}

}  // namespace medinfer
