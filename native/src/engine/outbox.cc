#include "engine/outbox.h"

#include <algorithm>
#include <utility>

namespace medinfer {
namespace {

// A small model draws a token in a fraction of a millisecond, and waking JavaScript for each takes a core away from the
// next. Nobody reads faster than this.
constexpr std::chrono::milliseconds kInterval{4};

}  // namespace

void Outbox::Tell(Sequence& sequence, const Encoded& encoded) {
  sequence.untold.encoded = encoded;
  Wait(sequence);
}

void Outbox::Tell(Sequence& sequence, const Prefill& prefill) {
  sequence.untold.prefill = prefill;
  Wait(sequence);
}

void Outbox::Tell(Sequence& sequence, TokenLogprobs logprobs) {
  sequence.untold.logprobs.push_back(std::move(logprobs));
  Wait(sequence);
}

void Outbox::TellText(Sequence& sequence, std::string_view text, bool control) {
  if (text.empty()) return;
  std::vector<Text>& texts = sequence.untold.texts;
  if (texts.empty() || texts.back().control != control) texts.push_back({"", control});
  texts.back().text += text;
  Wait(sequence);
  if (sequence.followed && !sequence.shown) {
    sequence.shown = true;
    urgent_ = true;
  }
}

void Outbox::End(Sequence& sequence, Event event) {
  std::erase(waiting_, &sequence);
  Compose(sequence);
  events_.push_back(std::move(event));
  urgent_ = true;
}

void Outbox::End(Event event) {
  events_.push_back(std::move(event));
  urgent_ = true;
}

void Outbox::Follow(Sequence& sequence) {
  if (sequence.followed) return;
  sequence.followed = true;
  if (!sequence.untold.empty()) waiting_.push_back(&sequence);
  urgent_ = true;
}

void Outbox::Deliver(bool idle) {
  if (events_.empty() && waiting_.empty()) return;
  const auto now = Clock::now();
  if (!urgent_ && !idle && now - delivered_ < kInterval) return;
  delivered_ = now;
  urgent_ = false;
  for (Sequence* sequence : std::exchange(waiting_, {})) Compose(*sequence);
  sink_.OnEvents(std::exchange(events_, {}));
}

void Outbox::Wait(Sequence& sequence) {
  if (!sequence.followed) return;
  if (std::find(waiting_.begin(), waiting_.end(), &sequence) == waiting_.end()) waiting_.push_back(&sequence);
}

void Outbox::Compose(Sequence& sequence) {
  Untold untold = std::exchange(sequence.untold, {});
  if (untold.encoded) events_.push_back({sequence.id, *untold.encoded});
  if (untold.prefill) events_.push_back({sequence.id, *untold.prefill});
  if (!untold.logprobs.empty()) events_.push_back({sequence.id, Logprobs{std::move(untold.logprobs)}});
  for (Text& text : untold.texts) events_.push_back({sequence.id, std::move(text)});
}

}  // namespace medinfer
