#include "engine/outbox.h"

#include <algorithm>
#include <utility>

namespace medinfer {
namespace {

// A small model draws a token in a fraction of a millisecond, and waking JavaScript for each takes a core away from the
// next. No reader is faster than this.
constexpr std::chrono::milliseconds kInterval{4};

}  // namespace

void Outbox::Emit(UnsentEvents& unsent, const Encoded& encoded) {
  unsent.encoded = encoded;
  Wait(unsent);
}

void Outbox::Emit(UnsentEvents& unsent, const Prefill& prefill) {
  unsent.prefill = prefill;
  Wait(unsent);
}

void Outbox::Emit(UnsentEvents& unsent, PromptLogprob logprob) {
  unsent.prompt_logprobs.push_back(std::move(logprob));
  Wait(unsent);
}

void Outbox::Emit(UnsentEvents& unsent, TokenLogprobs logprobs) {
  unsent.logprobs.push_back(std::move(logprobs));
  Wait(unsent);
}

void Outbox::EmitText(UnsentEvents& unsent, std::string_view text, bool control) {
  if (text.empty()) return;
  std::vector<Text>& texts = unsent.texts;
  if (texts.empty() || texts.back().control != control) texts.push_back({"", control});
  texts.back().text += text;
  Wait(unsent);
  if (unsent.streamed && !unsent.shown) {
    unsent.shown = true;
    urgent_ = true;
  }
}

void Outbox::EmitTexts(UnsentEvents& unsent, const std::vector<Text>& texts) {
  for (const Text& each : texts) EmitText(unsent, each.text, each.control);
}

void Outbox::End(UnsentEvents& unsent, Event event) {
  std::erase(waiting_, &unsent);
  Compose(unsent);
  events_.push_back(std::move(event));
  urgent_ = true;
}

void Outbox::End(Event event) {
  events_.push_back(std::move(event));
  urgent_ = true;
}

void Outbox::Stream(UnsentEvents& unsent) {
  if (unsent.streamed) return;
  unsent.streamed = true;
  if (!unsent.empty()) waiting_.push_back(&unsent);
  urgent_ = true;
}

void Outbox::Deliver(bool idle) {
  if (events_.empty() && waiting_.empty()) return;
  const auto now = std::chrono::steady_clock::now();
  if (!urgent_ && !idle && now - delivered_ < kInterval) return;
  delivered_ = now;
  urgent_ = false;
  for (UnsentEvents* unsent : std::exchange(waiting_, {})) Compose(*unsent);
  sink_.OnEvents(std::exchange(events_, {}));
}

void Outbox::Wait(UnsentEvents& unsent) {
  if (!unsent.streamed) return;
  if (std::find(waiting_.begin(), waiting_.end(), &unsent) == waiting_.end()) waiting_.push_back(&unsent);
}

void Outbox::Compose(UnsentEvents& unsent) {
  const RequestId id = unsent.id;
  if (const auto encoded = std::exchange(unsent.encoded, {})) events_.push_back({id, *encoded});
  if (const auto prefill = std::exchange(unsent.prefill, {})) events_.push_back({id, *prefill});
  if (!unsent.prompt_logprobs.empty()) {
    events_.push_back({id, PromptLogprobs{std::exchange(unsent.prompt_logprobs, {})}});
  }
  if (!unsent.logprobs.empty()) events_.push_back({id, Logprobs{std::exchange(unsent.logprobs, {})}});
  for (Text& text : std::exchange(unsent.texts, {})) events_.push_back({id, std::move(text)});
}

}  // namespace medinfer
