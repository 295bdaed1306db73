// What may follow, beyond what is likely: a grammar.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

struct llama_token_data_array;

namespace medinfer {

// A longer end of a text is not written out.
inline constexpr std::uint64_t kMostClosing = 1U << 20U;

class TokenConstraint {
 public:
  virtual ~TokenConstraint() = default;

  // Sets the logits of candidates that may not come next to -infinity. It is called with one candidate, and where that
  // is refused again with all of them; the one that is drawn of these is asked once more. A refusal may leave less to
  // come than there was; nothing else may change it.
  virtual void Apply(llama_token_data_array& candidates) = 0;
  // The token was drawn.
  virtual void Accept(std::int32_t token) = 0;

  // Another that has followed the same tokens.
  virtual std::unique_ptr<TokenConstraint> Clone() const = 0;
  // The text is complete and nothing may follow.
  virtual bool ended() const = 0;
  // The text could go on in more ways than are followed: nothing may come any more.
  virtual bool lost() const { return false; }
  // The bytes of the shortest text that completes the text; nothing: not known, or not from here.
  virtual std::optional<std::uint64_t> ClosingSize() const { return std::nullopt; }
  // That text, UTF-8; nothing: not known, or of more than kMostClosing bytes.
  virtual std::optional<std::string> Closing() const { return std::nullopt; }
  // The text that comes next whatever is drawn, UTF-8, as far as there is one: of `most` bytes and some at most.
  virtual std::string Forced(std::size_t /*most*/) const { return {}; }
  // Whether the text is brought to its end because its tokens run out.
  virtual bool cut() const { return false; }
  // Whether a control token is a part of the text that is constrained, and emitted as such.
  virtual bool Writes(std::int32_t token) const = 0;
};

}  // namespace medinfer
