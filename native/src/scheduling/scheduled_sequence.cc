#include "scheduling/scheduled_sequence.h"

#include <utility>

namespace medinfer {

SequenceView ScheduledSequence::View(std::uint32_t index) const {
  if (!cursor.reading()) {
    const auto drafted = static_cast<std::uint32_t>(draft.size());
    return {index, NextInput::kDecode, pending ? 1 + drafted : 0, false};
  }
  NextInput next = whole ? NextInput::kWholeText : NextInput::kText;
  if (std::holds_alternative<MediaChunk>(cursor.chunk())) {
    next = cursor.CurrentMedia().non_causal ? NextInput::kWholeMedia : NextInput::kMedia;
  }
  return {index, next, cursor.chunk_left(), cursor.wants_logits()};
}

void ScheduledSequence::AdvanceDecode() {
  cursor.AdvanceBehind();
  keys.push_back(TokenKey(*pending));
  pending.reset();
  cell_reserved = false;
}

void ScheduledSequence::TakePrompt(const ScheduledSequence& other) {
  cursor = other.cursor;
  keys = other.keys;
  committed = other.committed;
}

void ScheduledSequence::Rewind() {
  if (pending) keys.push_back(TokenKey(*pending));
  cursor.Rewind(std::exchange(drawn, {}));
  pending.reset();
  draft.clear();
  cell_reserved = false;
  slot = -1;
}

}  // namespace medinfer
