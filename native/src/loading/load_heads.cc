#include "loading/load_heads.h"

#include <string>
#include <utility>

namespace medinfer {
namespace {

Status NoHeads(const std::string& why) {
  return {Code::kInvalidArgument,
          "heads: " + why + "; leave heads out, or name a smaller model that guesses in their place as draft"};
}

}  // namespace

Result<std::unique_ptr<Decoder>> LoadHeads(const LoadOptions& options, const Model& model, std::uint32_t n_ctx,
                                           const KvPool& pool, Decoder& decoder, const Decoder::AbortFn& should_abort) {
  std::unique_ptr<Decoder> none;
  const bool asked = options.heads == Heads::kOn;
  if (!model.has_heads()) {
    if (asked) return NoHeads("this model's file has no prediction heads, or none that can be used");
    return none;
  }
  if (!decoder.paged()) {
    if (asked) return NoHeads("this model keeps a memory of its own, from which a wrong guess cannot be taken back");
    return none;
  }
  auto head = Decoder::CreateHead(model, options, n_ctx, pool, should_abort);
  if (!head.ok()) {
    if (asked) return Status(head.status().code(), "heads: " + head.status().message());
    return none;
  }
  decoder.PutOutHidden();
  return head;
}

}  // namespace medinfer
