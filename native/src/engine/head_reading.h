// How far the prediction head has read a sequence, and what it has not read yet of what the model has.
//
// The head reads a token together with what the model made of the one before it: its hidden row. So of the sequence's
// end the row is kept, until the token that follows is known. Where the row is not known (what is before it was read by
// another sequence), zeros take its place, as before the first token.
// Positions are cells here: of sequences with images nothing is noted behind the first. Not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace medinfer {

class HeadReading {
 public:
  // A sequence of which `cells` are read already; `width`: values of a hidden row.
  void Begin(std::uint32_t cells, std::size_t width);
  // The model has read `tokens` from this position on, with a row for each. What leaves a gap makes it lose the
  // sequence.
  void Note(std::int32_t position, std::span<const std::int32_t> tokens, std::span<const float> rows);
  // The cells from `cells` on mean nothing any more.
  void Shrink(std::uint32_t cells);
  // What the head has of it is not known: nothing is to be read until the next Begin.
  void Lose() { lost_ = true; }

  // Cells that the head has written.
  std::uint32_t read() const { return read_; }
  // Tokens behind them, with a row for each, and one more for the token that follows where follows().
  std::span<const std::int32_t> tokens() const { return lost_ ? std::span<const std::int32_t>() : tokens_; }
  std::span<const float> rows() const { return rows_; }
  // Whether it can read the token behind these `cells`, which is not read by the model yet.
  bool CanFollow(std::uint32_t cells) const;

  // The head has read so many of the tokens.
  void Took(std::uint32_t n);
  // And all of them, and the token behind them.
  void TookFollowing();

 private:
  bool lost_ = true;
  std::size_t width_ = 0;
  std::uint32_t read_ = 0;
  std::vector<std::int32_t> tokens_;
  // Empty, or a row more than tokens: the first is of the cell before them.
  std::vector<float> rows_;
};

}  // namespace medinfer
