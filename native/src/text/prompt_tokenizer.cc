#include "text/prompt_tokenizer.h"

#include <llama-vocab.h>

#include <algorithm>
#include <cctype>
#include <exception>
#include <new>

#include "base/pacer.h"
#include "text/detokenizer.h"

namespace medinfer {
namespace {

// llama.cpp counts bytes and tokens in int32.
constexpr std::size_t kMaxTextBytes = 1U << 30U;

constexpr std::uint32_t kNotPlain = LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_USER_DEFINED | LLAMA_TOKEN_ATTR_UNKNOWN;

bool IsSpace(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

}  // namespace

// Finds the special tokens of one text, in time that is linear in it.
class PromptTokenizer::Partition {
 public:
  Partition(const PromptTokenizer& tokenizer, const std::vector<TextPiece>& pieces)
      : tokenizer_(tokenizer), places_(tokenizer.specials_.size()) {
    for (const TextPiece& piece : pieces) {
      if (!piece.parse_special && !piece.text.empty())
        inert_.emplace_back(text_.size(), text_.size() + piece.text.size());
      text_ += piece.text;
    }
  }

  const std::string& text() const { return text_; }

  // In the order of the text.
  std::vector<Match> Find() {
    std::vector<Match> matches;
    FindPlaces();
    if (found_.empty()) return matches;
    taken_.assign(text_.size(), false);
    std::sort(found_.begin(), found_.end());
    for (const std::size_t special : found_) TakeAll(special, matches);
    std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) { return a.begin < b.begin; });
    return matches;
  }

 private:
  struct Places {
    std::vector<std::uint32_t> begins;
    bool many = false;  // they overlap themselves, as in a run of line breaks: looked for again, and not kept
  };

  // Which special tokens there are, and where.
  void FindPlaces() {
    for (std::size_t at = 0; at < text_.size(); ++at) {
      YieldPoint();
      const Node* node = tokenizer_.Child(tokenizer_.nodes_[0], text_[at]);
      for (std::size_t next = at + 1; node != nullptr; ++next) {
        if (node->special >= 0) Note(static_cast<std::size_t>(node->special), at);
        if (next == text_.size()) break;
        node = tokenizer_.Child(*node, text_[next]);
      }
    }
  }

  void Note(std::size_t special, std::size_t at) {
    const Special& what = tokenizer_.specials_[special];
    if (what.control && Inert(at, at + what.length)) return;
    Places& places = places_[special];
    if (places.begins.empty() && !places.many) found_.push_back(special);
    if (places.many) return;
    places.begins.push_back(static_cast<std::uint32_t>(at));
    if (places.begins.size() > text_.size() / what.length) {
      places.many = true;
      places.begins = {};
    }
  }

  // Whether some of it lies where control tokens do not count.
  bool Inert(std::size_t begin, std::size_t end) const {
    const auto first = std::upper_bound(inert_.begin(), inert_.end(), begin,
                                        [](std::size_t at, const auto& range) { return at < range.second; });
    return first != inert_.end() && first->first < end;
  }

  void TakeAll(std::size_t special, std::vector<Match>& matches) {
    const Special& what = tokenizer_.specials_[special];
    const Places& places = places_[special];
    if (!places.many) {
      for (const std::uint32_t at : places.begins) Take(what, at, matches);
      return;
    }
    const llama_vocab& vocab = *tokenizer_.vocab_;
    const std::string& wanted = vocab.get_token_data(what.token).text;
    for (std::size_t at = text_.find(wanted); at != std::string::npos;) {
      const bool taken = !(what.control && Inert(at, at + what.length)) && Take(what, at, matches);
      at = text_.find(wanted, taken ? at + what.length : at + 1);
    }
  }

  // What lies there already is at least as long, so it would cover an end of this.
  bool Take(const Special& what, std::size_t at, std::vector<Match>& matches) {
    Match match{at, at + what.length, what.token};
    if (taken_[match.begin] || taken_[match.end - 1]) return false;
    const auto free_space = [&](std::size_t i) { return !taken_[i] && IsSpace(text_[i]); };
    while (what.strips_left && match.begin > 0 && free_space(match.begin - 1)) --match.begin;
    while (what.strips_right && match.end < text_.size() && free_space(match.end)) ++match.end;
    std::fill(taken_.begin() + static_cast<std::ptrdiff_t>(match.begin),
              taken_.begin() + static_cast<std::ptrdiff_t>(match.end), true);
    matches.push_back(match);
    return true;
  }

  const PromptTokenizer& tokenizer_;
  std::string text_;
  std::vector<std::pair<std::size_t, std::size_t>> inert_;  // where control tokens do not count
  std::vector<Places> places_;                              // by special token
  std::vector<std::size_t> found_;                          // the special tokens that have places
  std::vector<bool> taken_;                                 // by byte: a special token's, or stripped beside one
};

PromptTokenizer::PromptTokenizer(const llama_vocab* vocab) : vocab_(vocab), nodes_(1) {
  const auto n_tokens = static_cast<std::int32_t>(vocab->n_tokens());
  for (std::int32_t token = 0; token < n_tokens; ++token) {
    const auto& data = vocab->get_token_data(token);
    const auto attr = static_cast<std::uint32_t>(data.attr);
    if ((attr & kNotPlain) == 0 || data.text.empty()) continue;
    specials_.push_back({token, static_cast<std::uint32_t>(data.text.size()),
                         (attr & (LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN)) != 0,
                         (attr & LLAMA_TOKEN_ATTR_LSTRIP) != 0, (attr & LLAMA_TOKEN_ATTR_RSTRIP) != 0});
  }
  // As llama.cpp sorts them, so that of equally long ones the same comes first.
  std::sort(specials_.begin(), specials_.end(), [](const Special& a, const Special& b) { return a.length > b.length; });
  for (std::size_t i = 0; i < specials_.size(); ++i) {
    Insert(vocab->get_token_data(specials_[i].token).text, static_cast<std::int32_t>(i));
  }
}

void PromptTokenizer::Insert(std::string_view text, std::int32_t special) {
  std::uint32_t at = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    auto& children = nodes_[at].children;
    const auto place = std::lower_bound(children.begin(), children.end(), byte,
                                        [](const auto& child, unsigned char wanted) { return child.first < wanted; });
    if (place != children.end() && place->first == byte) {
      at = place->second;
      continue;
    }
    const auto made = static_cast<std::uint32_t>(nodes_.size());
    children.insert(place, {byte, made});
    nodes_.emplace_back();
    at = made;
  }
  if (nodes_[at].special < 0) nodes_[at].special = special;
}

const PromptTokenizer::Node* PromptTokenizer::Child(const Node& node, char c) const {
  const auto byte = static_cast<unsigned char>(c);
  const auto place = std::lower_bound(node.children.begin(), node.children.end(), byte,
                                      [](const auto& child, unsigned char wanted) { return child.first < wanted; });
  return place != node.children.end() && place->first == byte ? &nodes_[place->second] : nullptr;
}

Result<std::vector<std::int32_t>> PromptTokenizer::Tokenize(const std::vector<TextPiece>& pieces) const {
  std::size_t bytes = 0;
  for (const TextPiece& piece : pieces) bytes += piece.text.size();
  if (bytes > kMaxTextBytes) return Status(Code::kInvalidArgument, "the text is longer than 1 GB: shorten it");
  Partition partition(*this, pieces);
  const std::vector<Match> matches = partition.Find();
  const std::string_view text = partition.text();
  std::vector<std::int32_t> tokens;
  std::size_t done = 0;
  for (const Match& match : matches) {
    if (Status status = AppendPlain(text.substr(done, match.begin - done), tokens); !status.ok()) return status;
    tokens.push_back(match.token);
    done = match.end;
  }
  if (Status status = AppendPlain(text.substr(done), tokens); !status.ok()) return status;
  return tokens;
}

// Text between special tokens. A vocabulary with a space in front of a text has it in front of each of these.
Status PromptTokenizer::AppendPlain(std::string_view text, std::vector<std::int32_t>& tokens) const {
  if (text.empty()) return {};
  try {
    const std::vector<llama_token> more =
        vocab_->tokenize(std::string(text), /*add_special=*/false, /*parse_special=*/false);
    tokens.insert(tokens.end(), more.begin(), more.end());
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    return {Code::kInvalidArgument,
            "the text cannot be tokenised: the model's vocabulary has no token for a part of it"};
  }
  return {};
}

std::string PromptTokenizer::Detokenize(const std::vector<std::int32_t>& tokens, bool special) const {
  const bool prepends = PrependsBlank();
  std::string text;
  bool begins = true;  // what the tokenizer puts a blank in front of
  for (const std::int32_t token : tokens) {
    const std::string piece = TokenPiece(vocab_, token, special);
    const bool plain = !IsSpecial(token);
    text.append(piece, prepends && begins && plain && piece.starts_with(' ') ? 1 : 0);
    begins = !plain;
  }
  return text;
}

// Whether the token is looked for in a text before everything else.
bool PromptTokenizer::IsSpecial(std::int32_t token) const {
  const auto attr = static_cast<std::uint32_t>(vocab_->token_get_attr(token));
  // In WordPiece, the unknown token is a word like others.
  const bool word = vocab_->get_type() == LLAMA_VOCAB_TYPE_WPM;
  return (attr & (word ? kNotPlain & ~static_cast<std::uint32_t>(LLAMA_TOKEN_ATTR_UNKNOWN) : kNotPlain)) != 0;
}

// Whether a text, and what follows a special token, is read as if a blank stood in front of it.
bool PromptTokenizer::PrependsBlank() const {
  switch (vocab_->get_type()) {
    case LLAMA_VOCAB_TYPE_WPM:
      return true;  // its words begin with one
    case LLAMA_VOCAB_TYPE_SPM:
      return vocab_->get_add_space_prefix();
    case LLAMA_VOCAB_TYPE_UGM:
      return vocab_->get_add_space_prefix() && !vocab_->get_treat_whitespace_as_suffix();
    default:
      return false;
  }
}

void PromptTokenizer::AddBos(std::vector<std::int32_t>& tokens) const {
  const llama_token bos = vocab_->token_bos();
  if (!vocab_->get_add_bos() || bos == LLAMA_TOKEN_NULL) return;
  if (!tokens.empty() && tokens.front() == bos) return;
  std::vector<std::int32_t> begun(tokens.size() + 1, bos);
  std::ranges::copy(tokens, begun.begin() + 1);
  tokens = std::move(begun);
}

void PromptTokenizer::AddEnd(std::vector<std::int32_t>& tokens) const {
  const bool sep = vocab_->get_type() == LLAMA_VOCAB_TYPE_WPM;
  if (!sep && !vocab_->get_add_eos()) return;
  const llama_token end = sep ? vocab_->token_sep() : vocab_->token_eos();
  if (end != LLAMA_TOKEN_NULL) tokens.push_back(end);
}

}  // namespace medinfer
