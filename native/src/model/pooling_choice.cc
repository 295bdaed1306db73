#include "model/pooling_choice.h"

#include <string>

#include "llama-model.h"

namespace medinfer {
namespace {

Status WrongTask(const std::string& why) { return {Code::kWrongTask, why}; }

// Values that the classification head gives of a text; 0: there is no head. As llama.cpp runs it: `cls`, then
// `cls_out`, each where the file has it.
std::int64_t ClassifierWidth(const llama_model& model) {
  if (model.cls_out != nullptr) return model.cls_out->ne[1];
  return model.cls != nullptr ? model.cls->ne[1] : 0;
}

Result<enum llama_pooling_type> ChooseType(const llama_model& model, const LoadOptions& options) {
  const enum llama_pooling_type said = model.hparams.pooling_type;
  if (options.task == Task::kRerank) {
    // Without the classifier llama.cpp would hand out values of the token's row as scores.
    if (ClassifierWidth(model) != static_cast<std::int64_t>(model.hparams.n_cls_out)) {
      return WrongTask(
          "the model is no reranker: its file has no classifier. Load a reranker, or this one with task "
          "\"embed\"");
    }
    return LLAMA_POOLING_TYPE_RANK;
  }
  switch (options.pooling) {
    case Pooling::kMean:
      return LLAMA_POOLING_TYPE_MEAN;
    case Pooling::kCls:
      return LLAMA_POOLING_TYPE_CLS;
    case Pooling::kLast:
      return LLAMA_POOLING_TYPE_LAST;
    case Pooling::kAuto:
      break;
  }
  switch (said) {
    case LLAMA_POOLING_TYPE_MEAN:
    case LLAMA_POOLING_TYPE_CLS:
    case LLAMA_POOLING_TYPE_LAST:
      return said;
    case LLAMA_POOLING_TYPE_RANK:
      return WrongTask("the model is a reranker: load it with task \"rerank\"");
    default:
      return WrongTask(
          "the model's file names no pooling, so it is no embedding model: load another, or say how its "
          "makers pool with pooling: \"mean\", \"cls\" or \"last\"");
  }
}

// Whether llama.cpp takes the last token's row (llm_graph_input_cls).
bool TakesLast(const llama_model& model, enum llama_pooling_type type) {
  if (type == LLAMA_POOLING_TYPE_LAST) return true;
  return type == LLAMA_POOLING_TYPE_RANK && (model.arch == LLM_ARCH_QWEN3 || model.arch == LLM_ARCH_QWEN3VL);
}

}  // namespace

Result<PoolingChoice> ChoosePooling(const llama_model& model, const LoadOptions& options) {
  const auto type = ChooseType(model, options);
  if (!type.ok()) return type.status();
  PoolingChoice choice;
  choice.type = type.value();
  choice.of_last = TakesLast(model, choice.type);
  choice.whole = !choice.of_last || !model.hparams.causal_attn;
  return choice;
}

const char* PoolingName(enum llama_pooling_type type) {
  switch (type) {
    case LLAMA_POOLING_TYPE_MEAN:
      return "mean";
    case LLAMA_POOLING_TYPE_CLS:
      return "cls";
    case LLAMA_POOLING_TYPE_LAST:
      return "last";
    case LLAMA_POOLING_TYPE_RANK:
      return "rank";
    default:
      return "none";
  }
}

std::uint32_t RowWidth(const llama_model& model, enum llama_pooling_type type) {
  return type == LLAMA_POOLING_TYPE_RANK ? model.hparams.n_cls_out : model.hparams.n_embd_out();
}

}  // namespace medinfer
