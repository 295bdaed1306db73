// The model's own prediction head as a source of guesses: reads what the model has read, with what it made of it, and
// says the likeliest token behind the next, again and again. Sequences that are drafted together are read in one pass.
//
// The head's keys and values lie in the cells of the same pages as the model's: what is shared, kept or moved of a
// sequence is so of both. Prompts are read right behind the model's pass, answers when a guess is wanted, or when much
// of them is unread. A guess costs time where it is wrong, and where the head fails there are none: no answer ever
// hangs on it. Belongs to the engine thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/guess.h"
#include "engine/head_reading.h"
#include "kv/cell_store.h"
#include "kv/kv_pool.h"
#include "model/decoder.h"

namespace medinfer {

class DraftHeads final : public CellStore {
 public:
  struct Ask {
    SequenceId slot = -1;
    std::int32_t pending = -1;  // the latest token, not read by the model yet; Reserve() has found a cell for it
    std::uint32_t cells = 0;    // that the model has read
    std::uint32_t most = 0;     // tokens
  };

  // `head`: Decoder::CreateHead's, over `pool`; they outlive it. `n_batch`: most tokens of a pass; `n_vocab`: tokens
  // from here on are none.
  DraftHeads(Decoder& head, KvPool& pool, std::uint32_t n_batch, std::size_t n_vocab)
      : head_(head), pool_(pool), n_batch_(n_batch), n_vocab_(n_vocab), readings_(pool.max_sequences()) {}

  // The model has read these tokens of a sequence, and this is what it made of each: Decoder::Hidden. All that is
  // before them is text.
  void Note(SequenceId sequence, std::int32_t position, std::span<const std::int32_t> tokens,
            std::span<const float> hidden);
  // Behind each pass of text: reads what was noted, of sequences of which much is unread.
  void CatchUp();
  // `to` is a second sequence of the same cells.
  void Fork(SequenceId from, SequenceId to);

  // A cell for the token that the model reads next. False: no page is free.
  bool Reserve(SequenceId sequence) { return pool_.GrowIfFree(sequence, 1); }
  // Of each ask, in order.
  std::vector<std::vector<Guess>> Propose(std::span<const Ask> asks, const GoesOnFn& goes_on);

  // What a pass for a guess takes; 0: not known yet. Fades while none is wanted.
  double ms() const { return ms_; }

  bool paged() const override { return true; }
  void Attach(SequenceId sequence, std::uint32_t cells, std::int32_t position) override;
  void Settle(SequenceId sequence) override;
  void Forget(SequenceId sequence) override;
  void Shrink(SequenceId sequence, std::uint32_t cells, std::int32_t position) override;
  std::uint64_t BytesPerCell() const override { return head_.BytesPerCell(); }
  std::vector<std::uint8_t> ReadPage(PageId page) const override { return head_.ReadPage(page); }
  void WritePage(PageId page, std::span<const std::uint8_t> bytes) override { head_.WritePage(page, bytes); }
  std::vector<std::uint8_t> ReadCells(const PageTable& table, std::uint32_t cells) const override {
    return head_.ReadCells(table, cells);
  }
  void WriteCells(const PageTable& table, std::uint32_t begin, std::uint32_t end, std::uint32_t total,
                  std::span<const std::uint8_t> bytes) override {
    head_.WriteCells(table, begin, end, total, bytes);
  }

 private:
  // Part of a pass.
  struct Turn {
    SequenceId slot = -1;
    std::uint32_t cell = 0;  // of its first token
    std::vector<std::int32_t> tokens;
    std::vector<float> hidden;
    std::size_t ask = 0;
  };

  HeadReading& ReadingOf(SequenceId sequence) { return readings_[static_cast<std::size_t>(sequence)]; }
  std::vector<Turn> Begin(std::span<const Ask> asks);
  bool Pass(std::span<const Turn> turns, bool guesses);
  void ReadUnread(std::span<const SequenceId> sequences);

  Decoder& head_;
  KvPool& pool_;
  const std::uint32_t n_batch_;
  const std::size_t n_vocab_;
  std::vector<HeadReading> readings_;  // by sequence
  double ms_ = 0;
  bool guessed_ = false;  // since the latest pass
  bool broken_ = false;
};

}  // namespace medinfer
