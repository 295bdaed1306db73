// Decides what the next step computes: one token for every sequence that generates, then prompt tokens in chunks, under
// a token budget. A pure function of plain data; knows no llama.h, no time and no threads.
//
// A step has up to two forward passes, because one pass reads either token ids or embeddings:
//   text:  decode tokens of all generating sequences, then chunks of text prompts;
//   media: chunks of image embeddings of several sequences, or one whole image alone where the model attends to it
//          without a causal mask.
#pragma once

#include <cstdint>
#include <vector>

#include "prompt/prompt_cursor.h"

namespace medinfer {

enum class NextInput : std::uint8_t {
  kDecode,      // its last drawn token, and a draft of what follows
  kText,        // text of its prompt
  kWholeText,   // a text that must be decoded at once
  kMedia,       // embeddings of its prompt, causal
  kWholeMedia,  // embeddings that must be decoded at once and alone
};

// What the scheduler sees of a running sequence.
struct SequenceView {
  std::uint32_t index = 0;  // the caller's name for it
  NextInput next = NextInput::kDecode;
  std::uint32_t available = 0;  // tokens of that kind that can be decoded now
  bool all_logits = false;      // kText: those behind every one of them are wanted
};

struct PlanItem {
  std::uint32_t index = 0;
  std::uint32_t n_tokens = 0;

  bool operator==(const PlanItem&) const = default;
};

struct Plan {
  std::vector<PlanItem> text;
  std::vector<PlanItem> media;

  bool empty() const { return text.empty() && media.empty(); }
};

// `sequences` in order of precedence, paused ones left out. Every drawn token is planned, whatever the budget; what is
// left of `budget`, but for one token, may go to drafts in order, of which each token takes one of `logits`, too; what
// is left then goes to text prompts in order, and the same amount again, at least one token, to media. No draft is
// planned beside text with all logits. A whole text is planned where it fits in what is left, or where it is the first;
// those behind one that does not fit may overtake it, which then is the first of a later step. A whole image is planned
// only as the first of the media, and then alone. Of text with all logits, no more than `logits` tokens are planned.
// Progress: whenever `sequences` holds one with available > 0, the plan is not empty. REQUIRES: budget >= 1 and logits
// >= 1.
Plan PlanStep(const std::vector<SequenceView>& sequences, std::uint32_t budget,
              std::uint32_t logits = kMostPromptLogits);

}  // namespace medinfer
