#include "scheduling/step_plan.h"

#include <algorithm>

namespace medinfer {

Plan PlanStep(const std::vector<SequenceView>& sequences, std::uint32_t budget, std::uint32_t logits) {
  Plan plan;
  std::uint32_t left = budget;
  for (const SequenceView& sequence : sequences) {
    if (sequence.next != NextInput::kDecode || sequence.available == 0) continue;
    plan.text.push_back({sequence.index, 1});
    left -= std::min(left, 1U);
  }
  const bool shared = std::ranges::any_of(sequences, &SequenceView::all_logits);
  std::size_t decoding = 0;
  for (const SequenceView& sequence : sequences) {
    if (sequence.next != NextInput::kDecode || sequence.available == 0) continue;
    PlanItem& item = plan.text[decoding++];
    if (shared || left == 0) continue;
    const std::uint32_t drafted = std::min({sequence.available - 1, left - 1, logits});
    item.n_tokens += drafted;
    left -= drafted;
    logits -= drafted;
  }
  // Decode tokens alone may use the budget up; prompts still advance, or new requests would starve.
  left = std::max(left, 1U);
  std::uint32_t media_left = left;
  for (const SequenceView& sequence : sequences) {
    if (sequence.available == 0) continue;
    if (sequence.next == NextInput::kText && left > 0) {
      const std::uint32_t n = std::min({sequence.available, left, sequence.all_logits ? logits : left});
      if (n == 0) continue;
      if (sequence.all_logits) logits -= n;
      plan.text.push_back({sequence.index, n});
      left -= n;
    } else if (sequence.next == NextInput::kWholeText && (sequence.available <= left || plan.text.empty())) {
      plan.text.push_back({sequence.index, sequence.available});
      left -= std::min(sequence.available, left);
    } else if (sequence.next == NextInput::kMedia && media_left > 0) {
      const std::uint32_t n = std::min(sequence.available, media_left);
      plan.media.push_back({sequence.index, n});
      media_left -= n;
    } else if (sequence.next == NextInput::kWholeMedia && plan.media.empty()) {
      plan.media.push_back({sequence.index, sequence.available});
      media_left = 0;
    }
  }
  return plan;
}

}  // namespace medinfer
