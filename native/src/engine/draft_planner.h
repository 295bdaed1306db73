// Decides how far ahead each sequence is drafted: tokens are proposed for a pass as long as they are expected to bring
// more tokens a second than the pass without them. What a token more costs is measured, and so is how often each kind
// of proposal is right. So a batch that fills the machine drafts nothing, and a sequence by itself a lot.
//
// Belongs to the engine thread.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/draft_heads.h"
#include "engine/draft_model.h"
#include "engine/request_table.h"
#include "engine/sequence.h"
#include "scheduling/scheduled_sequence.h"
#include "speculation/acceptance.h"
#include "speculation/answer_memory.h"
#include "speculation/pass_cost.h"

namespace medinfer {

class DraftPlanner {
 public:
  // `works`: whether what was refused can leave the cache again; otherwise nothing is drafted. `model`, `heads`: null:
  // none is asked; one of them is. All outlive it.
  // `token_cost`: as LoadOptions::draft_token_cost.
  DraftPlanner(RequestTable& requests, bool works, DraftModel* model, DraftHeads* heads, double token_cost)
      : requests_(requests), model_(model), heads_(heads), works_(works), cost_(token_cost) {}

  // Sets the drafts of the next step.
  void Propose(const std::vector<ScheduledSequence*>& running);
  // A pass of drawn tokens and drafts alone, `tokens` in all, took `ms` with the draws behind it.
  void Report(std::uint32_t tokens, double ms) { cost_.Report(tokens, ms); }
  // Of the draft of its latest step, of which `drafted` tokens were in the pass, the first `accepted` were drawn.
  void Judge(Sequence& sequence, std::uint32_t drafted, std::uint32_t accepted);
  // The sequence has drawn a token of its answer.
  void Learn(Sequence& sequence, std::int32_t token);

 private:
  // A draft as far as it is planned.
  struct Planned {
    Sequence* sequence = nullptr;
    Draft draft;
    std::uint32_t tokens = 0;
    double next = 1;  // the chance that one token more of it is drawn, with all before
  };

  // One that is asked for guesses.
  struct Asked {
    ScheduledSequence* schedule = nullptr;
    Sequence* sequence = nullptr;
    std::uint32_t most = 0;  // tokens
  };

  bool Pays(double chance, double expected, double cost) const;
  void Collect(const std::vector<ScheduledSequence*>& running);
  void AskForGuesses(const std::vector<ScheduledSequence*>& running);
  std::vector<std::vector<Guess>> Guesses(const std::vector<Asked>& asked, const GoesOnFn& goes_on);
  NextTokens* AnswersLike(const Drafter& drafter);
  bool Extend(std::uint32_t decoding);

  RequestTable& requests_;
  DraftModel* const model_;
  DraftHeads* const heads_;
  const bool works_;
  PassCost cost_;
  Acceptance acceptance_;  // of all
  AnswerMemory answers_;
  std::vector<Planned> planned_;  // scratch of Propose
};

}  // namespace medinfer
