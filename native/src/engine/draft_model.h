// A small model of the same vocabulary that guesses how answers go on: it reads what they are so far, and says its
// likeliest token, again and again. Sequences that are drafted together are read in one pass.
//
// Keeps of each what it has read, and gives up what it was asked for least recently. A guess costs time where it is
// wrong, and where this model fails there are none: no answer ever hangs on it. Belongs to the engine thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/guess.h"
#include "loading/load_draft.h"
#include "medinfer/ids.h"

namespace medinfer {

class DraftModel {
 public:
  struct Ask {
    RequestId id = 0;
    std::vector<std::int32_t> tokens{};  // of the text so far; not empty
    std::string salt{};                  // what was read is shared only where it is equal
    std::uint32_t most = 0;              // tokens
  };

  // `parts` outlive it. `n_batch`: most tokens of a pass; `n_vocab`: tokens from here on are not the other model's.
  DraftModel(DraftParts& parts, std::uint32_t n_batch, std::size_t n_vocab)
      : parts_(parts), n_batch_(n_batch), n_vocab_(n_vocab) {}
  DraftModel(const DraftModel&) = delete;
  DraftModel& operator=(const DraftModel&) = delete;

  // Of each ask, in order. A long text is read over several calls, before which there are none.
  std::vector<std::vector<Guess>> Propose(std::span<const Ask> asks, const GoesOnFn& goes_on);

  // What a pass with one token of each of some sequences takes; 0: not known yet.
  double ms() const { return ms_; }

 private:
  // What of a text is read.
  struct Reading {
    SequenceId slot = -1;
    std::vector<std::int32_t> tokens;
    std::uint64_t used = 0;  // the call that needed it last
  };
  struct Turn {
    std::size_t ask = 0;
    Reading* reading = nullptr;
    std::vector<std::int32_t> next;  // tokens of the pass
    bool last = false;               // behind them the text ends
  };

  Reading* Prepare(const Ask& ask);
  bool GiveUpOne();
  bool Pass(std::vector<Turn>& turns);
  void Drop(RequestId id);

  DraftParts& parts_;
  const std::uint32_t n_batch_;
  const std::size_t n_vocab_;
  std::unordered_map<RequestId, Reading> readings_;
  std::uint64_t calls_ = 0;
  double ms_ = 0;
  bool broken_ = false;
};

}  // namespace medinfer
