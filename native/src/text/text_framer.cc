#include "text/text_framer.h"

#include <llama.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/utf8.h"
#include "text/prompt_tokenizer.h"

namespace medinfer {
namespace {

constexpr std::string_view kQueryPlace = "{query}";
constexpr std::string_view kDocumentPlace = "{document}";

Status NoRoom(const char* what, std::size_t n_tokens, std::uint32_t most) {
  return {Code::kContextFull,
          std::string(what) + " take " + std::to_string(n_tokens) + " tokens of the " + std::to_string(most) +
              " that the model is loaded for: " + "shorten the query, or raise nCtx and nCtxPerRequest"};
}

void Append(std::vector<std::int32_t>& tokens, const std::vector<std::int32_t>& more) {
  tokens.insert(tokens.end(), more.begin(), more.end());
}

// Its first `bytes`, less the part of a character at their end.
std::string_view WholeCharacters(std::string_view text, std::size_t bytes) {
  return text.substr(0, CompleteUtf8Prefix(text.substr(0, bytes)));
}

// `head`, as much of `body` as there is room for, `tail`.
Result<FramedText> Join(std::vector<std::int32_t> head, const std::vector<std::int32_t>& body,
                        const std::vector<std::int32_t>& tail, std::uint32_t most) {
  const std::size_t around = head.size() + tail.size();
  if (around > most || (around == most && !body.empty())) return NoRoom("what stands around the text", around, most);
  const std::size_t kept = std::min<std::size_t>(body.size(), most - around);
  FramedText framed{std::move(head), static_cast<std::uint32_t>(body.size() - kept)};
  framed.tokens.insert(framed.tokens.end(), body.begin(), body.begin() + static_cast<std::ptrdiff_t>(kept));
  Append(framed.tokens, tail);
  return framed;
}

}  // namespace

TextFramer::TextFramer(const PromptTokenizer& tokenizer, const llama_vocab* vocab, std::string pair_template)
    : tokenizer_(tokenizer), vocab_(vocab), pair_template_(std::move(pair_template)) {}

Result<TextFramer::Tokens> TextFramer::Plain(std::string_view text) const {
  return tokenizer_.Tokenize({{text, /*parse_special=*/false}});
}

Result<FramedText> TextFramer::Frame(std::string_view text, std::uint32_t most) const {
  auto body = Plain(text);
  if (!body.ok()) return body.status();
  Tokens head;
  Tokens tail;
  tokenizer_.AddBos(head);
  tokenizer_.AddEnd(tail);
  return Join(std::move(head), body.value(), tail, most);
}

Result<FramedText> TextFramer::FramePair(std::string_view query, std::string_view document, std::uint32_t most) const {
  if (!pair_template_.empty()) return FrameInTemplate(query, document, most);
  auto first = Plain(query);
  if (!first.ok()) return first.status();
  auto second = Plain(document);
  if (!second.ok()) return second.status();
  const llama_token sep = llama_vocab_sep(vocab_);
  const llama_token eos = llama_vocab_eos(vocab_) != LLAMA_TOKEN_NULL ? llama_vocab_eos(vocab_) : sep;
  Tokens head;
  Tokens tail;
  if (llama_vocab_get_add_bos(vocab_)) head.push_back(llama_vocab_bos(vocab_));
  Append(head, first.value());
  if (llama_vocab_get_add_eos(vocab_)) {
    head.push_back(eos);
    tail.push_back(eos);
  }
  if (llama_vocab_get_add_sep(vocab_)) head.push_back(sep);
  return Join(std::move(head), second.value(), tail, most);
}

// A place that stands more than once is filled each time.
Result<TextFramer::Tokens> TextFramer::FillTemplate(std::string_view query, std::string_view document) const {
  std::vector<TextPiece> pieces;
  std::string_view left = pair_template_;
  while (!left.empty()) {
    const std::size_t at = std::min(left.find(kQueryPlace), left.find(kDocumentPlace));
    pieces.push_back({left.substr(0, at), true});
    if (at == std::string_view::npos) break;
    left.remove_prefix(at);
    const bool is_query = left.starts_with(kQueryPlace);
    pieces.push_back({is_query ? query : document, false});
    left.remove_prefix(is_query ? kQueryPlace.size() : kDocumentPlace.size());
  }
  return tokenizer_.Tokenize(pieces);
}

// The document's tokens depend on what stands before and behind it, so it is its text that is cut: the longest
// beginning that fits, found by halves.
Result<FramedText> TextFramer::FrameInTemplate(std::string_view query, std::string_view document,
                                               std::uint32_t most) const {
  auto whole = FillTemplate(query, document);
  if (!whole.ok()) return whole.status();
  const std::size_t n_whole = whole.value().size();
  if (n_whole <= most) return FramedText{std::move(whole.value()), 0};
  auto kept = FillTemplate(query, {});
  if (!kept.ok()) return kept.status();
  if (kept.value().size() >= most) return NoRoom("the query and its template", kept.value().size(), most);
  std::size_t fits = 0;
  std::size_t too_long = document.size();
  while (too_long - fits > 1) {
    const std::size_t middle = fits + (too_long - fits) / 2;
    auto tokens = FillTemplate(query, WholeCharacters(document, middle));
    if (!tokens.ok()) return tokens.status();
    if (tokens.value().size() <= most) {
      fits = middle;
      kept = std::move(tokens);
    } else {
      too_long = middle;
    }
  }
  FramedText framed{std::move(kept.value()), 0};
  framed.cut = static_cast<std::uint32_t>(n_whole - framed.tokens.size());
  return framed;
}

}  // namespace medinfer
