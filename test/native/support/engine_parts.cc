#include "support/engine_parts.h"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <utility>

#include "grammar/grammar.h"
#include "text/prompt_parts.h"

namespace medinfer::testing {
namespace {

template <typename T>
T Take(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.status().message());
  return std::move(result.value());
}

}  // namespace

EngineParts::EngineParts(const std::function<void(LoadOptions&)>& change, std::function<void()> asked)
    : loaded_([&] {
        LoadOptions options = TestOptions(RandomModel());
        change(options);
        guard.inbox = &inbox;
        return Take(LoadParts(
            options, [](float) { return true; },
            [this, asked = std::move(asked)] {
              asked();
              return guard.ShouldAbort();
            }));
      }()) {}

PreparedPrompt EngineParts::Prompt(const Request& request) const {
  std::vector<PromptPart> parts = Take(TokenizeParts(model().tokenizer(), request.prompt, request.add_special));
  PreparedPrompt prompt;
  prompt.n_tokens = static_cast<std::uint32_t>(parts.at(0).tokens.size());
  prompt.chunks.emplace_back(std::move(parts[0].tokens));
  return prompt;
}

PreparedCommand EngineParts::Prepare(RequestId id, const Request& request, PreparedPrompt prompt) const {
  PreparedCommand prepared{id, std::move(prompt), {}};
  for (std::uint32_t i = 0; i < request.n; ++i) {
    std::unique_ptr<TokenConstraint> constraint;
    if (!request.grammar.empty()) constraint = Take(GrammarConstraint::Create(model().vocab(), request.grammar, 0));
    prepared.generations.push_back(std::make_unique<Generation>(model().vocab(), request, request.sampling.seed + i,
                                                                std::move(constraint), info().n_ctx_per_request));
    prepared.generations.back()->AcceptPrompt(prepared.prompt.value());
  }
  return prepared;
}

SubmitCommand EngineParts::Submit(RequestId id, const Request& request) {
  SubmitCommand command;
  command.id = id;
  command.submitted = Clock::now();
  command.priority = request.priority;
  command.salt = request.cache_salt;
  command.base = request.base;
  command.keep = request.keep;
  command.streamed = request.streamed;
  command.prompt_probs = request.prompt_probs;
  for (std::uint32_t i = 0; i < request.n; ++i) command.cancelled.push_back(std::make_shared<std::atomic<bool>>(false));
  return command;
}

}  // namespace medinfer::testing
