#include "engine/preparer.h"

#include <algorithm>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/utf8.h"
#include "device/assertion_guard.h"
#include "grammar/answer_budget.h"
#include "grammar/reasoning_budget.h"
#include "grammar/reasoning_gate.h"
#include "text/candidate_tokens.h"
#include "text/prompt_parts.h"

namespace medinfer {
namespace {

// Of a request's grammar; null: it has none. `pieces`: where its shortest end is wanted, else null.
Result<std::unique_ptr<TokenConstraint>> MakeGrammar(const llama_vocab* vocab, const Request& request,
                                                     const PieceTable* pieces, GrammarMemo& grammars) {
  if (request.grammar.empty()) return std::unique_ptr<TokenConstraint>();
  const bool blanks = request.reasoning && request.reasoning->blanks;
  const auto filler = pieces == nullptr ? std::nullopt : std::optional(pieces->Filler());
  auto grammar = grammars.Read(request.grammar, blanks ? kMaxBlanks : 0, filler);
  if (!grammar.ok()) return grammar.status();
  if (!grammar.value()->Admits(request.grammar_opening)) {
    return Status{Code::kInvalidArgument, "the grammar does not allow what the answer begins with"};
  }
  grammar.value()->Append(request.grammar_opening);
  if (!request.reasoning) return std::unique_ptr<TokenConstraint>(std::move(grammar.value()));
  return std::unique_ptr<TokenConstraint>(std::make_unique<ReasoningGate>(
      vocab, TokenTexts(vocab, request.control_texts), *request.reasoning, std::move(grammar.value())));
}

// All that holds for what is drawn; null: nothing does.
Result<std::unique_ptr<TokenConstraint>> MakeConstraint(const Model& model, const Request& request,
                                                        const PieceTable* pieces, GrammarMemo& grammars) {
  auto grammar = MakeGrammar(model.vocab(), request, pieces, grammars);
  if (!grammar.ok() || !request.reasoning_limit) return grammar;
  const auto& [tags, tokens] = *request.reasoning_limit;
  auto closing = model.tokenizer().Tokenize({{tags.close, /*parse_special=*/true}});
  if (!closing.ok()) return closing.status();
  if (closing.value().empty()) {
    return Status{Code::kInvalidArgument, "the closing tag of the reasoning has no tokens: it cannot be forced"};
  }
  return std::unique_ptr<TokenConstraint>(std::make_unique<ReasoningBudget>(
      model.vocab(), TokenTexts(model.vocab(), request.control_texts),
      ReasoningBudget::Limit{tags, tokens, std::move(closing.value())}, std::move(grammar.value())));
}

// Whether none of the job's completions is wanted any more.
bool IsCancelled(const Preparer::Job& job) {
  return std::ranges::all_of(job.cancelled, [](const CancelFlag& flag) { return flag->load(); });
}

}  // namespace

// Runs a part of a job; where it fails, the request does.
template <typename Work>
void Preparer::Guarded(RequestId id, const Work& work) {
  Status failed;
  try {
    if (const auto damage = Attempt([&] { failed = work(); })) failed = DamagedModel(*damage);
  } catch (const std::bad_alloc&) {
    failed = {Code::kOutOfMemory, "not enough memory to prepare the request"};
  }
  if (!failed.ok()) inbox_.Push(PreparedCommand{id, std::move(failed), {}});
}

void Preparer::Prepare(Job job) {
  const RequestId id = job.id;
  try {
    // A std::function has to be copyable.
    auto shared = std::make_shared<Job>(std::move(job));
    thread_.Push([this, shared] { Guarded(shared->id, [&] { return Read(*shared); }); });
  } catch (const std::system_error&) {
    inbox_.Push(PreparedCommand{id, Status(Code::kOutOfMemory, "the system gives no thread to prepare requests"), {}});
  }
}

Status Preparer::Read(Job& job) {
  if (IsCancelled(job)) return {};
  if (job.embed) return ReadText(job.id, *job.embed);
  for (const PromptPart& part : job.request.prompt) {
    if (std::max(part.limits.min, part.limits.max) >= limits_.n_ctx_per_request) {
      return {Code::kInvalidArgument, "minTokens and maxTokens of an image must be below the context of a request, " +
                                          std::to_string(limits_.n_ctx_per_request) + " tokens"};
    }
  }
  // Without candidates: the prompt alone.
  auto tokens = TokenizeCandidates(model_.tokenizer(), std::exchange(job.request.prompt, {}), job.request.add_special,
                                   std::exchange(job.request.candidates, {}));
  if (!tokens.ok()) return tokens.status();
  const bool closes = job.request.close_at_limit && !job.request.grammar.empty();
  const bool forces = job.request.draft_tokens > 0 && !job.request.grammar.empty();
  if ((closes || forces) && pieces_ == nullptr) pieces_ = std::make_shared<const PieceTable>(model_.vocab());
  auto constraint = MakeConstraint(model_, job.request, closes ? pieces_.get() : nullptr, grammars_);
  if (!constraint.ok()) return constraint.status();
  Encoding encoding{std::move(job), std::move(constraint.value()), std::move(tokens.value().tails)};
  std::vector<PromptPart>& prompt = tokens.value().prompt;
  if (HasImages(prompt)) {
    Encode(std::move(encoding), std::move(prompt));
    return {};
  }
  PreparedPrompt prepared;
  if (!prompt.empty()) {
    prepared.n_tokens = static_cast<std::uint32_t>(prompt.front().tokens.size());
    prepared.chunks.emplace_back(std::move(prompt.front().tokens));
  }
  return Complete(std::move(encoding), std::move(prepared));
}

Status Preparer::ReadText(RequestId id, const EmbedRequest& embed) {
  const std::uint32_t most = limits_.n_ctx_per_request;
  auto framed = embed.query ? framer_.FramePair(*embed.query, embed.text, most) : framer_.Frame(embed.text, most);
  if (!framed.ok()) return framed.status();
  FramedText& text = framed.value();
  const auto n_tokens = static_cast<std::uint32_t>(text.tokens.size());
  if (n_tokens == 0) {
    return {Code::kInvalidArgument, "the text has no tokens, and the model's vocabulary puts none around it"};
  }
  if (text.cut > 0 && !embed.truncate) {
    return {Code::kContextFull, "the text has " + std::to_string(n_tokens + text.cut) +
                                    " tokens, and the model is loaded for " + std::to_string(most) +
                                    ": shorten it, or pass truncate: true"};
  }
  PreparedPrompt prompt;
  prompt.n_tokens = n_tokens;
  prompt.chunks.emplace_back(std::move(text.tokens));
  inbox_.Push(PreparedCommand{id, std::move(prompt), {}, {}, text.cut});
  return {};
}

void Preparer::Encode(Encoding encoding, std::vector<PromptPart> prompt) {
  EncodeJob job;
  job.id = encoding.job.id;
  job.prompt = std::move(prompt);
  job.add_special = false;  // it is there
  if (encoding.job.embed_only) job.wanted = EncodeJob::Wanted::kEmbeddings;
  // Log-probabilities of a prompt take its computation.
  job.may_leave_out = limits_.keeps_cells && !encoding.job.embed_only && !encoding.job.request.prompt_probs;
  job.cancelled = encoding.job.cancelled.front();
  {
    const MutexLock lock(mutex_);
    encoding_.emplace(job.id, std::move(encoding));
  }
  encoder_->Enqueue(std::move(job));
}

void Preparer::Take(EncodeOutcome outcome) {
  auto encoded = std::make_shared<std::pair<Encoding, Result<PreparedPrompt>>>(Encoding{}, std::move(outcome.prompt));
  {
    const MutexLock lock(mutex_);
    const auto found = encoding_.find(outcome.id);
    if (found == encoding_.end()) return;
    encoded->first = std::move(found->second);
    encoding_.erase(found);
  }
  thread_.Push([this, id = outcome.id, encoded] {
    Guarded(id, [&]() -> Status {
      if (!encoded->second.ok()) return encoded->second.status();
      return Complete(std::move(encoded->first), std::move(encoded->second.value()));
    });
  });
}

// The prompt is there as the model reads it.
Status Preparer::Complete(Encoding encoding, PreparedPrompt prompt) {
  const Request& request = encoding.job.request;
  PreparedCommand prepared{encoding.job.id, std::move(prompt), {}};
  if (!encoding.job.embed_only) {
    if (Status status = Check(prepared.prompt.value()); !status.ok()) return status;
  }
  if (!encoding.candidates.empty()) {
    if (Status status = Score(std::move(encoding.candidates), prepared); !status.ok()) return status;
  } else if (!encoding.job.embed_only) {
    if (Status status = Bound(request, prepared.prompt.value(), encoding.constraint); !status.ok()) return status;
    const auto known = WhatIsKnown(request, prepared.prompt.value());
    for (std::uint32_t i = 0; i < request.n; ++i) {
      std::unique_ptr<TokenConstraint> own;
      if (i + 1 == request.n) {
        own = std::move(encoding.constraint);
      } else if (encoding.constraint != nullptr) {
        own = encoding.constraint->Clone();
      }
      prepared.generations.push_back(std::make_unique<Generation>(model_.vocab(), request, request.sampling.seed + i,
                                                                  std::move(own), limits_.n_ctx_per_request));
      prepared.generations.back()->AcceptPrompt(prepared.prompt.value());
      if (known != nullptr) prepared.generations.back()->DraftWith(known);
    }
  }
  inbox_.Push(std::move(prepared));
  return {};
}

// Has the answer closed before its limits, where the request asks for it. REQUIRES: the prompt is checked.
Status Preparer::Bound(const Request& request, const PreparedPrompt& prompt,
                       std::unique_ptr<TokenConstraint>& constraint) {
  if (!request.close_at_limit || constraint == nullptr || request.n_predict == 0) return {};
  const std::uint32_t room = limits_.n_ctx_per_request - prompt.n_tokens;
  const std::uint32_t most =
      request.n_predict < 0 ? room : std::min(room, static_cast<std::uint32_t>(request.n_predict));
  const auto size = constraint->ClosingSize();
  const auto closing = constraint->Closing();
  const auto shortest = closing ? pieces_->Segment(*closing) : std::nullopt;
  if (size && *size > kMostClosing) {
    return {Code::kInvalidArgument, "the shortest answer that the grammar or schema allows is longer than " +
                                        std::to_string(kMostClosing) + " bytes: make it less demanding"};
  }
  if (shortest && shortest->size() > most) {
    const std::string least = std::to_string(shortest->size());
    if (most < room) {
      return {Code::kInvalidArgument, "nPredict must be at least " + least +
                                          " here: with fewer tokens an answer that the grammar or schema allows cannot "
                                          "be brought to its end (got " +
                                          std::to_string(most) + ")"};
    }
    return {Code::kContextFull, "an answer that the grammar or schema allows takes up to " + least +
                                    " tokens to be brought to its end, and " + std::to_string(room) +
                                    " are left of the context of a request: shorten the prompt, or raise nCtx and "
                                    "nCtxPerRequest"};
  }
  constraint = std::make_unique<AnswerBudget>(model_.vocab(), pieces_, most, std::move(constraint));
  return {};
}

// What drafts of the request's answers are made of; null: none are wanted.
std::shared_ptr<const Drafter::Known> Preparer::WhatIsKnown(const Request& request,
                                                            const PreparedPrompt& prompt) const {
  if (request.draft_tokens == 0) return nullptr;
  std::vector<std::int32_t> expected;
  if (!request.expected_text.empty()) {
    const std::string_view text = std::string_view(request.expected_text).substr(0, kMostExpected);
    const std::string whole(text.substr(0, CompleteUtf8Prefix(text)));
    if (auto tokens = model_.tokenizer().Tokenize({{whole, /*parse_special=*/false}}); tokens.ok()) {
      expected = std::move(tokens.value());
    }
  }
  auto known = std::make_shared<Drafter::Known>(prompt.n_tokens - prompt.n_media_tokens + expected.size());
  known->most = request.draft_tokens;
  for (const PromptChunk& chunk : prompt.chunks) {
    known->tail.clear();
    const auto* text = std::get_if<TextChunk>(&chunk);
    if (text == nullptr) continue;
    known->Learn(*text);
    known->tail.assign(text->end() - static_cast<std::ptrdiff_t>(std::min(text->size(), NextTokens::kOrders.front())),
                       text->end());
  }
  // Behind the prompt, so that its beginning is expected at once.
  expected.insert(expected.begin(), known->tail.begin(), known->tail.end());
  known->Learn(expected);
  if (!request.grammar.empty()) {
    known->pieces = pieces_;
    known->memory_key = request.grammar + '\0' + request.cache_salt;
  }
  return known;
}

// REQUIRES: the prompt is checked.
Status Preparer::Score(std::vector<std::vector<std::int32_t>> candidates, PreparedCommand& prepared) const {
  for (std::vector<std::int32_t>& tokens : candidates) {
    if (prepared.prompt.value().n_tokens + tokens.size() > limits_.n_ctx_per_request) {
      return {Code::kContextFull, "the prompt with a candidate of " + std::to_string(tokens.size()) +
                                      " tokens is longer than the context of a request, which holds " +
                                      std::to_string(limits_.n_ctx_per_request) +
                                      ": shorten them, or raise nCtx and nCtxPerRequest"};
    }
    prepared.scorings.push_back(std::make_unique<Scoring>(std::move(tokens)));
  }
  return {};
}

// Whether a request with this prompt can ever run.
Status Preparer::Check(const PreparedPrompt& prompt) const {
  if (prompt.n_tokens == 0) return {Code::kInvalidArgument, "the prompt has no tokens: give it some text"};
  if (prompt.n_tokens >= limits_.n_ctx_per_request) {
    return {Code::kContextFull, "the prompt has " + std::to_string(prompt.n_tokens) +
                                    " tokens and the context of a request holds " +
                                    std::to_string(limits_.n_ctx_per_request) +
                                    ": shorten the prompt, raise nCtx and nCtxPerRequest, or let a conversation drop "
                                    "old turns (onContextFull)"};
  }
  for (const PromptChunk& chunk : prompt.chunks) {
    const auto* media = std::get_if<MediaChunk>(&chunk);
    if (media != nullptr && media->non_causal && media->n_tokens > limits_.n_ubatch) {
      return {Code::kInvalidArgument, "this model reads an image in one piece of " + std::to_string(media->n_tokens) +
                                          " tokens: load it with nUbatch of at least that many"};
    }
  }
  return {};
}

}  // namespace medinfer
